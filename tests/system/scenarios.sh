# The failures of the field (docs/SCENARIOS-COVERED.md), played against a real systemd: S1 is s1, and so on. Each begins with a
# healthy service on release `$good` and must leave a healthy one, the right outcome recorded. Source it after lib.sh.
# shellcheck shell=bash disable=SC2016,SC2119,SC2154,SC2317

watch=600ms start_deadline=3s
n=0
good=1.0

pid_of() { in_box systemctl show -P MainPID "${1:-gateway.service}"; }
outcome() { history_of '.[0].outcome'; }
reason() { history_of '.[0].reason'; }
alerts() { in_box flipslot history gateway --json | jq '[.[] | select(.outcome != "committed")] | length'; }
in_background() { in_box "$@" >"$work/cli" 2>&1 & }

# what NAME... : begins a scenario with the usual unit and configuration, a healthy service
scenario() {
	echo "# $* (${SECONDS} s)"
	gateway_unit
	gateway_conf
	rm -f "$work/in"/gateway-*.tar.zst
	sh_box 'rm -rf /etc/systemd/system/gateway.service.d/[89]* /etc/flipslot/gateway.conf.d; systemctl daemon-reload'
	serves_is "$good" || in_box systemctl restart gateway.service
	until_true 5 serves_is "$good" || echo "# $good does not serve at the beginning of $1"
}

# try [KEY=VALUE]... : installs the next release; its version in $new
try() {
	n=$((n + 1))
	new=2.$n
	install "$new" "$@"
}

committed() { # WHAT
	is "$1: committed" "$status $(outcome)" '0 committed'
	good=$new
	check "$1: serves the new one" until_true 3 serves_is "$good"
}

rolled_back() { # WHAT REASON
	is "$1: rolled back" "$status $(outcome)" '10 rolled-back'
	like "$1: reason" "$(reason)" "$2"
	check "$1: serves the old one" until_true 3 serves_is "$good"
}

untouched() { # WHAT PID
	is "$1: the service was not touched" "$(pid_of) $(serves)" "$2 $good"
}

drop_in() { # LINE... of the unit
	sh_box "mkdir -p /etc/systemd/system/gateway.service.d && cat >/etc/systemd/system/gateway.service.d/90-test.conf; systemctl daemon-reload" < <(printf '%s\n' "$@")
}

conf_in() { # LINE... of the configuration
	sh_box "mkdir -p /etc/flipslot/gateway.conf.d && cat >/etc/flipslot/gateway.conf.d/90-test.conf" < <(printf '%s\n' "$@")
}

# run_inside COMMAND : by a shell in the cgroup of the service, which dies with it
run_inside() {
	local cgroup
	cgroup=$(in_box systemctl show -P ControlGroup gateway.service)
	sh_box "echo \$\$ >/sys/fs/cgroup$cgroup/cgroup.procs; unset INVOCATION_ID; $1; sleep 60" >/dev/null 2>&1 &
}

s1() { # the updater ran inside the service's cgroup and died with it
	scenario S1
	n=$((n + 1)) new=2.$n
	local sum
	sum=$(release "$new")
	run_inside "flipslot install gateway /in/gateway-$new.tar.zst --version $new --sha256 $sum >/run/button 2>&1"
	check 'S1: the update from inside completes' until_true 10 serves_is "$new"
	check 'S1: to its end' until_true 10 phase_is idle
	status=0
	committed S1
	like 'S1: it was handed over' "$(sh_box 'cat /run/button')" 'called from inside gateway.service'
}

s2() { # the updater refused to run as a child of the service, silently: no variable decides, and a refusal is on record
	scenario S2
	local pid
	pid=$(pid_of)
	n=$((n + 1)) new=2.$n
	release "$new" >/dev/null
	run env INVOCATION_ID=0123456789abcdef0123456789abcdef JOURNAL_STREAM=1:1 SYSTEMD_EXEC_PID=1 \
		flipslot install gateway "/in/gateway-$new.tar.zst" --version "$new" --trust-me
	check 'S2: variables of a service make no difference' eval '[[ $out != *"called from inside"* && $out == *committed* ]]'
	good=$new
	in_box systemctl stop gateway.service
	try
	is 'S2: refused' "$(outcome)" refused
	like 'S2: with the reason' "$(reason)" 'gateway.service is not running.*--start'
	like 'S2: as an error in the journal' "$(in_box journalctl -p err -o cat --no-pager FLIPSLOT_OUTCOME=refused)" 'not running'
	in_box systemctl start gateway.service
	check 'S2: started again by hand' until_true 3 serves_is "$good"
}

s3() { # stopped without a start: the worker dies between its steps, and the unit is stopped behind our back
	scenario S3
	conf_in '[Update]' 'SwitchMode=stop-start'
	n=$((n + 1)) new=2.$n
	local sum
	sum=$(release "$new" slow-start=500)
	drop_in '[Service]' 'ExecStopPost=/bin/sleep 1'
	in_background flipslot install gateway "/in/gateway-$new.tar.zst" --version "$new" --sha256 "$sum"
	check 'S3: switching' at_phase switching 8 'systemctl kill -s KILL flipslot@gateway.service; systemctl stop --no-block gateway.service'
	wait $!
	status=$?
	check 'S3: it comes back' until_true 8 serves_is "$new"
	committed S3
}

s4() { # a detached helper was killed with the cgroup: the worker is a unit of its own
	scenario S4
	n=$((n + 1)) new=2.$n
	local sum worker
	sum=$(release "$new" slow-start=1500)
	run_inside "setsid -f flipslot install gateway /in/gateway-$new.tar.zst --version $new --sha256 $sum"
	check 'S4: on trial' at_phase trial 8 'systemctl show -P ControlGroup flipslot@gateway.service >/run/worker-cgroup'
	worker=$(in_box cat /run/worker-cgroup)
	like 'S4: the worker is in a cgroup of its own' "$worker" '/flipslot@gateway.service$'
	check 'S4: it ends' until_true 10 phase_is idle
	status=0
	committed S4
}

s5() { # the helper failed to spawn but was reported as started
	scenario S5
	local pid sum
	pid=$(pid_of)
	n=$((n + 1)) new=2.$n
	sum=$(release "$new")
	worker_cannot_start no
	run timeout 100 flipslot install gateway "/in/gateway-$new.tar.zst" --version "$new" --sha256 "$sum" --no-follow
	check "S5: said to have failed ($status)" test "$status" != 0 -a "$status" != 124
	like 'S5: and why' "$out" 'the worker of gateway ended at once'
	worker_cannot_start on-failure # it is tried for as long as somebody waits
	run timeout --preserve-status -s INT 2 flipslot install gateway "/in/gateway-$new.tar.zst" --version "$new" --sha256 "$sum" --no-follow
	is 'S5: not said to be under way' "$status" 130
	untouched S5 "$pid"
	is 'S5: nothing is under way' "$(status_of .phase)" idle
	sh_box 'rm -r /run/systemd/system/flipslot@.service.d; systemctl daemon-reload; systemctl reset-failed flipslot@gateway.service'
	in_box systemctl start flipslot@gateway.service
	is 'S5: and nothing happens later' "$(status_of .phase)" idle
}
worker_cannot_start() { # RESTART
	sh_box 'mkdir -p /run/systemd/system/flipslot@.service.d; printf "[Service]\nExecStart=\nExecStart=/nonexistent\nRestartSec=10\nRestart='"$1"'\n" >/run/systemd/system/flipslot@.service.d/x.conf; systemctl daemon-reload; systemctl stop flipslot@gateway.service'
}

s6() { # a slow drain is not a failure
	scenario S6
	try slow-stop=4000 # longer than StartDeadline=
	committed 'S6: before'
	try
	committed 'S6: over a drain that is longer than the start may take'
}

s7() { # files were replaced in place under a live process
	scenario S7
	local slot before
	slot=$(in_box readlink -f $root/current)
	before=$(sh_box "cd $slot && find . -printf '%p %i %s %C@\n' | sort | sha256sum; sha256sum fault-app")
	try mode=http-500
	rolled_back S7 'HTTP 500'
	is 'S7: the slot that runs was never written' "$(sh_box "cd $slot && find . -printf '%p %i %s %C@\n' | sort | sha256sum; sha256sum fault-app")" "$before"
}

# The program of the release is replaced by a script.
try_script() { # SCRIPT
	local dir=$work/tree sum
	n=$((n + 1)) new=2.$n
	release "$new" >/dev/null
	rm -rf "$dir" && mkdir "$dir"
	tar -C "$dir" --zstd -xf "$work/in/gateway-$new.tar.zst"
	printf '#!/bin/sh\n%s\n' "$1" >"$dir/fault-app"
	tar -C "$dir" --zstd -cf "$work/in/gateway-$new.tar.zst" .
	sum=$(sha256sum <"$work/in/gateway-$new.tar.zst")
	run flipslot install gateway "/in/gateway-$new.tar.zst" --version "$new" --sha256 "${sum%% *}"
}

s8() { # "update ok", but old code runs
	scenario S8
	try_script "exec $(in_box readlink -f $root/current)/fault-app"
	rolled_back S8 'still runs code of the other slot'
}

s9() { # ExecStart= does not go through `current`: a stale drop-in overrides it
	scenario S9
	local pid
	pid=$(pid_of)
	drop_in '[Service]' 'ExecStart=' "ExecStart=$(in_box readlink -f $root/current)/fault-app"
	try
	is 'S9: refused' "$(outcome)" refused
	like 'S9: names the file' "$(reason)" 'set in /etc/systemd/system/gateway.service.d/90-test.conf'
	untouched S9 "$pid"
}

s10() { # the updater rewrote the unit and lost the operator's settings
	scenario S10
	drop_in '[Service]' 'Environment=MINE=1' 'Nice=5'
	local before ours=gateway.service.d/50-flipslot.conf
	sh_box "cd /etc/systemd/system && cp $ours /run/ours && printf '[Service]\\nOOMScoreAdjust=77\\n' >>$ours && systemctl daemon-reload"
	before=$(units_now)
	run flipslot init gateway --unit gateway.service
	check "S10: init finds its own file changed, and refuses ($status)" test "$status" != 0
	like 'S10: names it' "$out" "$ours is there and differs in line"
	try
	committed S10
	try mode=no-start
	rolled_back S10 'does not stay up|exited'
	is 'S10: no unit file was written' "$(units_now)" "$before"
	is 'S10: the settings hold' "$(sh_box 'systemctl show -P Nice gateway; systemctl show -P OOMScoreAdjust gateway' | xargs)" '5 77'
	sh_box "cd /etc/systemd/system && cp /run/ours $ours && systemctl daemon-reload"
	before=$(units_now)
	run flipslot init gateway --unit gateway.service
	is 'S10: init once more' "$status" 0
	is 'S10: init wrote no other file either' "$(units_now)" "$before"
}
units_now() { sh_box 'cd /etc/systemd/system && find . -name "gateway*" -type f -o -path "*/gateway*" -type f | sort | xargs sha256sum'; }

s11() { # the same unit in user and system scope
	scenario S11
	local uid pid
	drop_in '[Service]' 'User=ada'
	in_box systemctl restart gateway.service
	until_true 3 serves_is "$good"
	pid=$(pid_of)
	uid=$(in_box id -u ada)
	sh_box 'mkdir -p /etc/systemd/user; printf "[Service]\nExecStart=/bin/sleep 100\n" >/etc/systemd/user/gateway.service'
	as_ada systemctl --user daemon-reload
	as_ada systemctl --user start gateway.service
	try
	is 'S11: refused' "$(outcome)" refused
	like 'S11: both are named' "$(reason)" 'gateway.service also runs as a unit of user ada'
	untouched S11 "$pid"
	as_ada systemctl --user stop gateway.service
	sh_box 'rm /etc/systemd/user/gateway.service'
}

s12() { # the new version rejects the old configuration: thousands of restarts
	scenario S12
	local began=$SECONDS since
	since=$(in_box date '+%F %T')
	sh_box 'sed -i "s/^Description=.*/&\nStartLimitIntervalSec=0/" /etc/systemd/system/gateway.service; systemctl daemon-reload'
	try mode=no-start
	rolled_back S12 'does not stay up|exited with status 1'
	check 'S12: within seconds' test $((SECONDS - began)) -lt 60
	check 'S12: after a few restarts at most' test "$(sh_box "journalctl -o cat --no-pager -S '$since' -u gateway.service | grep -c 'status=1/FAILURE'")" -lt 10
}

s13() { # data migrated forward, code rolled back: the old code refuses the data
	scenario S13
	local pid sum
	pid=$(pid_of)
	n=$((n + 1)) new=2.$n
	in_box rm -f /run/epoch
	sum=$(release "$new" migrate=/run/epoch epoch=2 mode=http-500)
	run flipslot install gateway "/in/gateway-$new.tar.zst" --version "$new" --sha256 "$sum" --epoch 2
	is 'S13: said before the switch' "$status $(outcome)" '3 refused'
	like 'S13: in plain words' "$(reason)" "a rollback would be impossible: $new writes data of epoch 2.*--accept-no-rollback"
	untouched S13 "$pid"
	check 'S13: the data was not touched' sh_box '! test -e /run/epoch'
	run flipslot install gateway "/in/gateway-$new.tar.zst" --version "$new" --sha256 "$sum" --epoch 2 --accept-no-rollback
	is 'S13: accepted: it stays, and is said to be bad' "$status $(outcome)" '10 failed'
	like 'S13: accepted: why it stays' "$(reason)" 'no way back.*HTTP 500'
	sum=$(release "$new.1" migrate=/run/epoch epoch=2)
	run flipslot install gateway "/in/gateway-$new.1.tar.zst" --version "$new.1" --sha256 "$sum" --epoch 2 --start
	new=$new.1
	committed 'S13: a better one'
	in_box rm -f /run/epoch # by hand
	n=$((n + 1)) new=2.$n
	sum=$(release "$new")
	run flipslot install gateway "/in/gateway-$new.tar.zst" --version "$new" --sha256 "$sum"
	is 'S13: back to the epoch before: only with a word' "$status $(outcome)" '3 refused'
	run flipslot install gateway "/in/gateway-$new.tar.zst" --version "$new" --sha256 "$sum" --accept-no-rollback
	committed 'S13: back to the epoch before'
	s13_kept
}

# migrate EPOCH [KEY=VALUE]... : installs the next release, which brings the data up to that epoch
migrate() {
	local sum
	n=$((n + 1)) new=2.$n
	sum=$(release "$new" migrate=/var/lib/gwdata/epoch "epoch=$1" "${@:2}")
	run flipslot install gateway "/in/gateway-$new.tar.zst" --version "$new" --sha256 "$sum" --epoch "$1"
}
data_is() { [[ $(sh_box 'cat /var/lib/gwdata/epoch; stat -c %U:%a /var/lib/gwdata; ls -A /var/lib | grep -c flipslot$' | xargs) == "$*" ]]; }

s13_kept() { # with Snapshot= the old code gets its old data back, as its owner left it
	scenario 'S13, kept'
	local sum
	sh_box 'mkdir -m 750 /var/lib/gwdata && echo precious >/var/lib/gwdata/other && chown -R daemon:daemon /var/lib/gwdata'
	drop_in '[Service]' User=daemon
	conf_in '[Data]' Path=/var/lib/gwdata Snapshot=copy
	migrate 1
	committed 'S13: data of epoch 1'
	migrate 2 mode=http-500
	rolled_back S13 'HTTP 500'
	check 'S13: the old data is back, nothing else is left' data_is 1 daemon:750 1
	is 'S13: and all of it' "$(sh_box 'cat /var/lib/gwdata/other')" precious
	conf_in '[Data]' Path=/var/lib/gwdata Snapshot=copy MaxCopy=1
	migrate 2
	is 'S13: what does not fit is said before' "$status $(outcome)" '8 refused'
	conf_in '[Data]' Path=/var/lib/gwdata Snapshot=copy
	migrate 2
	committed 'S13: data of epoch 2'
	check 'S13: what was kept aside is dropped' data_is 2 daemon:750 1
	run flipslot rollback gateway
	is 'S13: then there is no way back any more' "$status" 3
	n=$((n + 1)) new=2.$n # for those that come after it: data of no epoch
	sum=$(release "$new")
	run flipslot install gateway "/in/gateway-$new.tar.zst" --version "$new" --sha256 "$sum" --accept-no-rollback
	committed 'S13: back to no epoch'
	sh_box 'rm -r /var/lib/gwdata'
}

s14() { # the disk is full while staging
	scenario S14
	local pid
	pid=$(pid_of)
	conf_in '[Update]' 'Reserve=1T'
	try
	is 'S14: refused before byte 1' "$status $(outcome)" '8 refused'
	untouched S14 "$pid"
}

s15() { # a fixed timeout calls a slow cold start dead
	scenario S15
	gateway_unit Type=notify NotifyAccess=all TimeoutStartSec=2
	in_box systemctl restart gateway.service
	sh_box 'sed -i s/StartDeadline=.*/StartDeadline=1s/ /etc/flipslot/gateway.conf'
	try notify=yes slow-start=5000 extend=yes
	committed 'S15: it says that it is starting'
	try notify=yes slow-start=30000
	rolled_back 'S15: it says nothing' 'start timed out|did not start|within StartDeadline'
	try notify=yes
	committed 'S15: quick again'
}

s16() { # two restarters fight: a watchdog kills the starting service
	scenario S16
	gateway_unit Type=notify WatchdogSec=2
	in_box systemctl restart gateway.service
	watch=6s gateway_conf
	try notify=yes watchdog=no
	rolled_back S16 'watchdog|does not stay up'
	is 'S16: one restart job of ours each way' "$(sh_box "journalctl -o cat --no-pager FLIPSLOT_TRANSACTION=$(history_of '.[0].transaction') FLIPSLOT_PHASE=reverting MESSAGE_ID=430595a248b848e0a9e0779c28ee318a | wc -l")" 1
}
