# What the demos share: a sandbox, and commands typed in it as a person would. Source it.
#
#	B	build folder
#	work	folder of this run, made by demo_start, removed at the end
# shellcheck shell=bash disable=SC2034,SC2119,SC2120
set -euo pipefail

top=$(realpath "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../..")
B=${B:-$top/build}
box=$top/tests/sandbox/sandbox

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
	bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'
else
	bold='' dim='' plain=''
fi

say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
note() { printf '%s%s%s\n' "$dim" "$*" "$plain"; }
die() { printf 'demo: %s\n' "$*" >&2 && exit 1; }

cleanup() {
	[[ ! -d ${work:-} ]] || {
		"$box" stop "$work/box" >/dev/null 2>&1 || true
		rm -rf -- "$work"
	}
}

in_box() { "$box" exec "$work/box" -- "$@"; }

# Types a command in the sandbox, as a person would (as user, if $person is set); WANTED is its exit status
typed() {
	local wanted=$1 status=0
	shift
	printf '%s$ %s%s\n' "$bold" "$*" "$plain"
	"$box" exec "$work/box" ${person:+--user "$person"} -- bash -c "$*" || status=$?
	[[ $status = 0 ]] || note "(exit status $status)"
	[[ $status = "$wanted" ]] || die "exit status $status, wanted $wanted: $*"
}

# demo_work: makes $work, with a folder `in` that the sandbox will see as /in
demo_work() {
	mkdir -p "$B/demo"
	work=$(mktemp -d "$B/demo/XXXXXX")
	trap cleanup EXIT
	trap 'exit 130' INT TERM HUP
	mkdir -p "$work/in" "$work/root"
	chmod 755 "$work" "$work/in"
}

# demo_start [OPTION OF sandbox start]... : installs flipslot into a sandbox and boots it
demo_start() {
	make -s -C "$top" B="$B" DESTDIR="$work/root" install >"$work/install.log" 2>&1 || { cat "$work/install.log" && exit 1; }
	"$box" start "$work/box" --copy "$work/root:/" --bind "$work/in:/in" "$@"
	in_box systemd-sysusers 2>/dev/null
	in_box systemd-tmpfiles --create flipslot.conf
}
