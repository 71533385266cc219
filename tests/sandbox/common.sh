# shellcheck shell=bash disable=SC2034  # used by who sources this
# What `sandbox` (outside) and `boot` (inside the namespaces) share.

readonly inside_path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# What nobody inside may do to the host's kernel, whatever a unit asks for.
readonly forbidden=-sys_module,-sys_time,-syslog

# start_time PID: with the PID it names one process for ever. PID is a number or "self".
# The name in field 2 of stat may hold blanks, so fields are counted from its end.
start_time() {
	local stat fields
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
	read -ra fields <<<"${stat##*) }"
	[[ ${fields[0]} != Z ]] || return 1
	printf '%s' "${fields[19]}"
}

systemd_program() {
	local path
	for path in /usr/lib/systemd/systemd /lib/systemd/systemd; do
		[[ ! -x $path ]] || { printf '%s' "$path" && return; }
	done
	return 1
}

# The caller's limits are not the sandbox's: those of a booted system, as far as we may set them.
# A core limit of exactly 1 keeps the kernel from dumping, even to a pipe of the host.
set_limits() {
	prlimit --pid $$ --core=1:1 2>/dev/null || ulimit -c 0
	prlimit --pid $$ --nofile=1024:524288 2>/dev/null || ulimit -S -n 1024
}

# Lines "TYPE TARGET", one for each mount that we see. /proc/self/mountinfo, proc(5).
mounts() {
	local line
	local -a fields
	while read -r line; do
		read -ra fields <<<"$line"
		line=${line#* - }
		printf '%s %b\n' "${line%% *}" "${fields[4]}"
	done </proc/self/mountinfo
}
