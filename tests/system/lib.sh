# What the system tests share: a sandbox with flipslot installed, the fault app as service `gateway`,
# releases of it, and counting. Source it, call `lib_start`, then tests, then `lib_end`.
#
#	B		build folder (set by the Makefile)
#	SCOPE		whose service it is: system (default); user: of ada's manager, supervised by root (Scope=user:ada); self:
#			ada's own flipslot (--user). Tests that know nothing of it run in all three: in the sandbox, `systemctl`
#			of the gateway and `flipslot` are wrapped so that they ask who must be asked
#	work		folder of this run, removed at the end
# shellcheck shell=bash disable=SC2034,SC2120,SC2119

set -uo pipefail

lib_here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
top=$(realpath "$lib_here/../..")
B=$(realpath -m "${B:-$top/build}")
name=${0##*/}
box=$top/tests/sandbox/sandbox
export FAULT_APP=$B/fault-app
port=8080
passed=0 failed=0 skipped=0
root=/var/lib/flipslot/gateway unit_dir=/etc/systemd/system conf_dir=/etc/flipslot
scope=${SCOPE:-system} init_options=()
case $scope in
user) unit_dir=/home/ada/.config/systemd/user init_options=(--scope user:ada) ;;
self) unit_dir=/home/ada/.config/systemd/user conf_dir=/home/ada/.config/flipslot root=/home/ada/.local/state/flipslot/gateway ;;
esac

lib_cleanup() {
	[[ ! -d ${work:-} ]] || {
		"$box" stop "$work/box" >/dev/null 2>&1
		rm -rf -- "$work"
	}
}

# lib_start [OPTION OF sandbox start]...
lib_start() {
	"$box" check || exit 77
	mkdir -p "$B/system"
	work=$(mktemp -d "$B/system/$name.XXXXXX")
	trap lib_cleanup EXIT
	trap 'exit 130' INT TERM HUP
	make -s -C "$top" B="$B" WERROR="${WERROR--Werror}" DESTDIR="$work/root" install >"$work/install.log" 2>&1 ||
		{ cat "$work/install.log" && exit 1; }
	mkdir -p "$work/in"
	[[ $scope = system ]] || set -- --user ada --user-manager "$@"
	"$box" start "$work/box" --copy "$work/root:/" --bind "$work/in:/in" "$@" || exit 1
	[[ $scope = system ]] || wrap_commands
	in_box systemd-sysusers
	in_box systemd-tmpfiles --create flipslot.conf
}

# Where the service is ada's: what is asked of it is asked as she would.
wrap_commands() {
	local of_ada='exec setpriv --reuid=ada --regid=ada --init-groups env HOME=/home/ada USER=ada XDG_RUNTIME_DIR=/run/user/$(id -u ada)'
	chmod 755 "$work" "$work/in"
	sh_box "cat >/usr/local/sbin/systemctl && chmod 755 /usr/local/sbin/systemctl" <<END
#!/bin/bash
of_ada() { $of_ada "\$@"; }
[[ \$(id -u) = 0 ]] || exec /usr/bin/systemctl "\$@"
case "$scope \$*" in
"self "* | *gateway.service* | *" gateway"*) [[ \$* = *flipslot@* && $scope = user ]] || of_ada /usr/bin/systemctl --user "\$@" ;;
*daemon-reload*) (of_ada /usr/bin/systemctl --user daemon-reload) ;;
esac
exec /usr/bin/systemctl "\$@"
END
	[[ $scope = self ]] || return 0
	sh_box "cat >/usr/local/sbin/journalctl && chmod 755 /usr/local/sbin/journalctl" <<'END'
#!/bin/bash
[[ $1 != -u || $2 != gateway* ]] || set -- OBJECT_SYSTEMD_USER_UNIT=gateway.service "${@:3}"
exec /usr/bin/journalctl "$@"
END
	sh_box "cat >/usr/local/sbin/flipslot && chmod 755 /usr/local/sbin/flipslot" <<END
#!/bin/bash
[[ \$(id -u) = 0 ]] || exec /usr/bin/flipslot "\$@"
if [[ \$1 = init ]]; then set -- --user "\$@"; fi
$of_ada /usr/bin/flipslot "\$@"
END
}

# What was written into ada's folders is hers.
own_up() { [[ $scope = system ]] || sh_box 'chown -R ada: /home/ada/.config'; }

lib_end() {
	echo "$passed passed, $failed failed, $skipped skipped"
	[[ $failed = 0 && $passed != 0 ]]
}

in_box() { "$box" exec "$work/box" -- "$@"; }
sh_box() { "$box" exec "$work/box" -- bash -c "$1"; }

# check NAME CMD... : one test
check() {
	local what=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
		echo "ok - $what"
	else
		failed=$((failed + 1))
		echo "not ok - $what: $*"
	fi
}

# is NAME GOT WANTED
is() {
	if [[ $2 == "$3" ]]; then
		passed=$((passed + 1))
		echo "ok - $1"
	else
		failed=$((failed + 1))
		echo "not ok - $1: got '$2', wanted '$3'"
	fi
}

# like NAME GOT REGEX
like() {
	if [[ $2 =~ $3 ]]; then
		passed=$((passed + 1))
		echo "ok - $1"
	else
		failed=$((failed + 1))
		echo "not ok - $1: got '$2', wanted /$3/"
	fi
}

# until_true SECONDS CMD... : polls ten times a second. The seconds are those of a machine at rest; one that has more
# to do gets eight times as many.
until_true() {
	local end=$((SECONDS + 8 * $1))
	shift
	until "$@"; do
		((SECONDS < end)) || return 1
		sleep 0.1
	done
}

# release VERSION [KEY=VALUE]... : makes /in/gateway-VERSION.tar.zst, prints its SHA-256
release() {
	"$top/tests/fault-app/release" "$work/in/gateway-$1.tar.zst" "$1" "port=$port" "${@:2}"
}

# install VERSION [KEY=VALUE]... : makes the release and installs it; output in $out, exit status in $status
install() {
	local sum
	sum=$(release "$@")
	run flipslot install gateway "/in/gateway-$1.tar.zst" --version "$1" --sha256 "$sum"
}

# fault_tree VERSION [KEY=VALUE]... : $work/tree is the fault app
fault_tree() {
	rm -rf "$work/tree" && mkdir "$work/tree"
	cp "$FAULT_APP" "$work/tree/fault-app"
	printf '%s\n' "version=$1" "port=$port" "${@:2}" >"$work/tree/behaviour"
}

# repo_add VERSION [OPTION OF repo add]... : $work/tree is published in the repository /in/repo
repo_add() {
	"$B/flipslot" repo add "$work/in/repo" "$work/tree" --app gateway --version "$1" --level 3 "${@:2}" >"$work/publish.log" 2>&1 ||
		{ cat "$work/publish.log" && return 1; }
}

# /in/repo is served at port 8000, by nginx as the unit `repo`; each request is a line of /run/repo-access.log
serve_repo() {
	sh_box 'cat >/etc/repo-nginx.conf' <<'END'
events { }
http { access_log /run/repo-access.log; server { listen 127.0.0.1:8000; root /in/repo; } }
END
	in_box systemd-run -q --unit repo nginx -e stderr -c /etc/repo-nginx.conf -g 'daemon off;'
	check 'the repository is served' until_true 5 sh_box 'curl -sf http://127.0.0.1:8000/metadata/timestamp.json >/dev/null'
}

# run CMD... in the box: output in $out, exit status in $status
run() {
	out=$(in_box "$@" 2>&1 </dev/null)
	status=$?
	return 0
}

# The unit of the service; lines are added to [Service]
gateway_unit() {
	sh_box "mkdir -p $unit_dir; rm -f $unit_dir/gateway.service; cat >$unit_dir/gateway.service" <<END
[Unit]
Description=Gateway under test
[Service]
ExecStart=$root/current/fault-app
Restart=always
RestartSec=100ms
$(printf '%s\n' "$@")
[Install]
WantedBy=$([[ $scope = system ]] && echo multi-user || echo default).target
END
	own_up
	in_box systemctl daemon-reload
}

# The configuration: lines of [Health], an http probe
gateway_conf() {
	sh_box "cat >$conf_dir/gateway.conf" <<END
[App]
Unit=gateway.service
$([[ $scope = user ]] && echo Scope=user:ada)
[Update]
SwitchMode=${switch_mode:-restart}
[Health]
StartDeadline=${start_deadline:-4s}
Watch=${watch:-2s}
$(printf '%s\n' "$@")
[Probe web]
Kind=http
Url=http://127.0.0.1:$port/
Period=300ms
Timeout=1s
END
	own_up
}

# Service, configuration, flipslot init, first release 1.0
gateway_up() {
	gateway_unit
	run flipslot init gateway --unit gateway.service "${init_options[@]}"
	gateway_conf
	install 1.0
	[[ $status = 0 ]] || { echo "$out" && return 1; }
}

# What a client sees: the version in the body
serves() { sh_box "curl -s -m 10 http://127.0.0.1:$port/" | head -1; }
serves_is() { [[ $(serves) == "$1" ]]; }
status_of() { in_box flipslot status gateway --json | jq -r "$1"; }
# at_phase PHASE SECONDS SHELL-COMMANDS : in the box and at once, when ${app:-gateway} is in that phase; seconds as for until_true
at_phase() {
	sh_box "while ((SECONDS < 8 * $2)); do
		[[ \$(flipslot status ${app:-gateway} --json | jq -r .phase) == $1 ]] || { sleep 0.02; continue; }
		$3
		exit 0
	done
	exit 1"
}
phase_is() { [[ $(status_of .phase) == "$1" ]]; }
current() { sh_box "readlink $root/current"; }
history_of() { in_box flipslot history gateway --json | jq -r "$1"; }
