# S17 to S32; see scenarios.sh.
# shellcheck shell=bash disable=SC2016,SC2119,SC2154,SC2317

s17() { # the manager is not reachable: stopped and never started
	scenario S17
	local pid
	pid=$(pid_of)
	n=$((n + 1)) new=2.$n
	local sum
	sum=$(release "$new")
	sh_box "mount -t tmpfs none /run/dbus && mount -t tmpfs none /run/systemd/private.d 2>/dev/null; mv /run/systemd/private /run/systemd/private.away"
	run timeout 60 flipslot install gateway "/in/gateway-$new.tar.zst" --version "$new" --sha256 "$sum"
	check "S17: said at once ($status)" test "$status" != 0 -a "$status" != 124
	sh_box "umount /run/dbus; mv /run/systemd/private.away /run/systemd/private"
	untouched S17 "$pid"
	is 'S17: nothing is under way' "$(status_of .phase)" idle
	in_box systemctl start flipslot@gateway.service
	sleep 1
	untouched 'S17: nor later' "$pid"
}

s18() { # a finished updater was restarted for ever
	scenario S18
	local pid
	try
	committed S18
	pid=$(pid_of)
	run flipslot install gateway "/in/gateway-$new.tar.zst" --version "$new" --sha256 "$(sha256sum <"$work/in/gateway-$new.tar.zst" | cut -d' ' -f1)"
	is 'S18: nothing to do: exit status' "$status" 0
	untouched 'S18: nothing to do' "$pid"
	in_box systemctl start flipslot@gateway.service
	sleep 1
	is 'S18: the worker is at rest' "$(in_box systemctl show -P ActiveState -P NRestarts flipslot@gateway.service | xargs)" '0 inactive'
}

s19() { # a clean exit 0 under Restart=on-failure
	scenario S19
	sh_box 'sed -i s/Restart=always/Restart=on-failure/ /etc/systemd/system/gateway.service; systemctl daemon-reload'
	try mode=exit0
	rolled_back S19 'exited with status 0'
}

s20() { # children ignore SIGTERM: the stop runs into its timeout
	scenario S20
	gateway_unit TimeoutStopSec=1
	try children-ignore-term=yes
	committed 'S20: before'
	try
	committed 'S20: over a stop that ran into its timeout'
}

s21() { # the marker of a dead process blocks all later updates
	scenario S21
	n=$((n + 1)) new=2.$n
	local sum
	sum=$(release "$new" slow-start=800)
	in_background flipslot install gateway "/in/gateway-$new.tar.zst" --version "$new" --sha256 "$sum"
	check 'S21: on trial' at_phase trial 8 'systemctl kill -s KILL flipslot@gateway.service; pkill -KILL -f "[f]lipslot install"; echo 99999 >'$root'/lock'
	check 'S21: the transaction ends' until_true 15 phase_is idle
	status=0
	committed 'S21: the one whose worker died'
	try
	committed 'S21: the next one'
	sh_box ": >$root/lock"
}

s22() { # clean-up removed the running version after a rollback
	scenario S22
	try mode=http-500
	rolled_back S22 'HTTP 500'
	try mode=no-start
	rolled_back 'S22: again' 'does not stay up|exited'
	in_box systemctl restart gateway.service
	check 'S22: what runs is still there' until_true 3 serves_is "$good"
	run flipslot verify gateway
	is 'S22: every byte of it' "$status" 0
}

s23() { # "rolled back", but the old version was dead too
	scenario S23
	drop_in '[Service]' 'ExecStartPre=/bin/sh -c "test ! -e /run/broken"'
	in_box touch /run/broken
	try
	is 'S23: said aloud' "$status $(outcome)" '10 both-bad'
	is 'S23: on the known good one' "$(status_of .good_version)" "$good"
	check 'S23: systemd has given up' until_true 10 eval '[[ $(in_box systemctl is-failed gateway.service) == failed ]]'
	in_box rm /run/broken
	in_box systemctl start flipslot@gateway.service # as its timer does
	check 'S23: the tick brings it back' until_true 5 serves_is "$good"
	try
	committed 'S23: the next one'
}

s24() { # an update loop filled the disk
	scenario S24
	watch=0 gateway_conf
	local before after
	try
	before=$(sh_box "du -sk $root | cut -f1")
	for _ in 1 2 3 4; do try; done
	after=$(sh_box "du -sk $root | cut -f1")
	committed S24
	check "S24: $before KiB, then $after" test "$after" -le $((before + 256))
	is 'S24: two slots' "$(sh_box "ls $root/slots | xargs")" 'a a.seal b b.seal'
}

s25() { # a truncated file was taken for an installed one
	scenario S25
	local pid sum
	pid=$(pid_of)
	n=$((n + 1)) new=2.$n
	sum=$(release "$new")
	truncate -s -100 "$work/in/gateway-$new.tar.zst"
	run flipslot install gateway "/in/gateway-$new.tar.zst" --version "$new" --sha256 "$sum"
	is 'S25: not what was promised' "$status" 5
	run flipslot install gateway "/in/gateway-$new.tar.zst" --version "$new" --trust-me
	check 'S25: nor whole' test "$status" != 0
	untouched S25 "$pid"
	is 'S25: nothing half has a seal' "$(sh_box "for s in $root/slots/?.seal; do flipslot verify gateway \$(basename \$s .seal) || echo bad; done" | grep -c bad)" 0
}

s26() { # the rollback itself failed after the service was stopped
	scenario S26
	conf_in '[Update]' 'SwitchMode=stop-start'
	n=$((n + 1)) new=2.$n
	local sum
	sum=$(release "$new" mode=http-500)
	in_background flipslot install gateway "/in/gateway-$new.tar.zst" --version "$new" --sha256 "$sum"
	# a worker that is dead cannot come to the end in between
	check 'S26: reverting' at_phase reverting 12 'for i in 1 2 3; do
		systemctl kill -s KILL flipslot@gateway.service
		[[ $(flipslot status gateway --json | jq -r .phase) != reverting ]] || systemctl stop gateway.service
	done'
	wait $!
	check 'S26: one slot is started' until_true 10 serves_is "$good"
	check 'S26: it ends' until_true 10 phase_is idle
	like 'S26: on record' "$(outcome)" '^rolled-back'
}

# shipped NAME LINE... : the unit file NAME as release `$1` would bring it, on stdout
shipped_unit() {
	mkdir -p "$work/units"
	printf '%s\n' '[Unit]' "Description=Gateway, unit of $1" '[Service]' "ExecStart=$root/current/fault-app" \
		Restart=always RestartSec=100ms "${@:2}" >"$work/units/gateway.service"
}

s27() { # the unit file of the bad release outlived it
	scenario S27
	shipped_unit good
	try --unit "$work/units/gateway.service"
	committed 'S27: a release that has its unit with it'
	conf_in '[App]' Units=lib/systemd/gateway.service
	run flipslot install gateway "/in/gateway-$new.tar.zst" --version again --trust-me
	is 'S27: not before it is linked' "$status $(outcome)" '3 refused'
	like 'S27: what to do' "$(reason)" 'move it away, then .flipslot units gateway --link'
	run flipslot units gateway --link
	is 'S27: a unit of the operator is not replaced' "$status" 3
	sh_box 'rm /etc/systemd/system/gateway.service'
	drop_in '[Service]' Environment=OPERATOR=1
	run flipslot units gateway --link
	is "S27: linked ($out)" "$status" 0
	is 'S27: systemd reads it through current' "$(in_box systemctl show -P Description gateway)" 'Gateway, unit of good'
	shipped_unit better Environment=BETTER=1
	try --unit "$work/units/gateway.service"
	committed 'S27: with the next release'
	is 'S27: comes its unit' "$(in_box systemctl show -P Description gateway)" 'Gateway, unit of better'
	like 'S27: the operator is still heard' "$(in_box systemctl show -P Environment gateway)" 'BETTER=1 OPERATOR=1|OPERATOR=1 BETTER=1'
	like 'S27: the difference was shown' "$out" 'gateway.service: .Environment=BETTER=1'
	shipped_unit bad Environment=LD_PRELOAD=/x ExecStartPre=/bin/false
	try --unit "$work/units/gateway.service"
	rolled_back S27 'exited with status 1|failed'
	is 'S27: the unit of the bad release is gone with it' "$(in_box systemctl show -P Description gateway)" 'Gateway, unit of better'
	is 'S27: starts by hand, too' "$(in_box systemctl restart gateway && until_true 5 serves_is "$good" && serves)" "$good"
	shipped_unit broken Type=nonsense
	sed -i 's/^ExecStart=.*/ExecStart=/' "$work/units/gateway.service"
	try --unit "$work/units/gateway.service"
	is 'S27: one that runs nothing is refused' "$status $(outcome)" '9 refused'
	run flipslot units gateway --unlink
	is 'S27: unlinked: a copy stays' "$(sh_box 'test ! -L /etc/systemd/system/gateway.service && systemctl show -P Description gateway')" 'Gateway, unit of better'
}

s28() { # cable unplugged: a good release was rolled back
	scenario S28
	conf_in '[Probe cloud]' 'Kind=tcp' 'Address=127.0.0.1:9' 'Class=external' 'Period=500ms' 'Timeout=1s'
	n=$((n + 1)) new=2.$n
	local sum
	sum=$(release "$new")
	in_background flipslot install gateway "/in/gateway-$new.tar.zst" --version "$new" --sha256 "$sum"
	check 'S28: watched' until_true 8 phase_is watching
	sleep 2 # thrice Watch=
	is 'S28: not rolled back, and not committed' "$(serves) $(status_of .phase)" "$new watching"
	like 'S28: said' "$(cat "$work/cli")" 'external probe fails'
	in_box systemd-run -q --unit cloud python3 -m http.server -b 127.0.0.1 9
	wait $!
	status=$?
	committed S28
	in_box systemctl stop cloud
}

s29() { # 404 and 500 for hours: hammering
	scenario S29
	local asked
	sh_box 'cat >/etc/bad-nginx.conf' <<'END'
events { }
http { access_log /run/bad-access.log;
server { listen 127.0.0.1:8001; location / { return 503; } }
server { listen 127.0.0.1:8002; location / { return 404; } } }
END
	in_box systemd-run -q --unit bad nginx -e stderr -c /etc/bad-nginx.conf -g 'daemon off;'
	"$B/flipslot" repo init "$work/in/s29" >/dev/null 2>&1
	until_true 5 sh_box 'curl -s http://127.0.0.1:8001/ >/dev/null'
	check 'S29: a source that has nothing' until_true 5 in_box flipslot source gateway http://127.0.0.1:8002 --root-json /in/s29/metadata/1.root.json
	sh_box ': >/run/bad-access.log'
	run timeout 200 flipslot check gateway
	check "S29: 404: said ($status)" test "$status" != 0 -a "$status" != 124
	check 'S29: 404 is final: each file is asked for once' sh_box "test -s /run/bad-access.log && ! cut -d'\"' -f2 /run/bad-access.log | sort | uniq -d | grep ."
	check 'S29: a source that is ill' until_true 5 in_box flipslot source gateway http://127.0.0.1:8001 --root-json /in/s29/metadata/1.root.json
	sh_box ': >/run/bad-access.log'
	run timeout 200 flipslot check gateway
	is 'S29: a network fault' "$status" 4
	check 'S29: asked a few times' test "$(sh_box 'wc -l </run/bad-access.log')" -le 8
	asked=$(sh_box 'wc -l </run/bad-access.log')
	in_box systemctl start flipslot@gateway.service
	sleep 3
	is 'S29: and not again by a tick that follows at once' "$(sh_box 'wc -l </run/bad-access.log')" "$asked"
	is 'S29: served all the while' "$(serves)" "$good"
	sh_box 'systemctl stop bad; rm -rf /etc/flipslot/gateway.conf.d '$root'/trust/*'
}

s30() { # rollback on a disk that is full to the last byte
	scenario S30
	watch=20s gateway_conf
	n=$((n + 1)) new=2.$n
	local sum
	sum=$(release "$new" die-when-file=/run/die)
	in_background flipslot install gateway "/in/gateway-$new.tar.zst" --version "$new" --sha256 "$sum"
	check 'S30: watched' until_true 8 phase_is watching
	sh_box "dd if=/dev/zero of=$root/../filler bs=1M status=none; dd if=/dev/zero of=$root/../filler2 bs=1 status=none; df --output=avail $root | tail -1 >/run/avail"
	is 'S30: the disk is full' "$(sh_box 'xargs </run/avail')" 0
	in_box touch /run/die
	wait $!
	status=$?
	rolled_back S30 'exited|does not stay up|failed'
	sh_box "rm -f $root/../filler* /run/die"
}

s31() { # the start limit refuses the rollback's start
	scenario S31
	gateway_unit StartLimitBurst=x # only to be overwritten
	sh_box 'sed -i "s/^Description=.*/&\nStartLimitIntervalSec=60\nStartLimitBurst=3/; /StartLimitBurst=x/d; s/RestartSec=.*/RestartSec=10ms/" /etc/systemd/system/gateway.service; systemctl daemon-reload; systemctl reset-failed gateway.service'
	try mode=no-start
	rolled_back S31 'start limit|exited with status 1|does not stay up'
}

s32() { # the stop ends in SIGKILL, the port is in TIME_WAIT
	scenario S32
	gateway_unit TimeoutStopSec=1
	try ignore-term=yes
	committed 'S32: before'
	try
	committed 'S32: not blamed on the new release'
	s32_port
}

s32_port() { # it binds its port without SO_REUSEADDR, and connections of the old process are still being closed
	scenario 'S32, its port'
	local good_before=$good
	gateway_unit TimeoutStopSec=1
	sh_box 'sed -i "/Probe web/,\$d" /etc/flipslot/gateway.conf; printf "[Probe up]\nKind=unit\n" >>/etc/flipslot/gateway.conf; sysctl -qw net.ipv4.tcp_fin_timeout=6'
	port=8091 try ignore-term=yes reuse=no
	is 'S32: on a port of its own' "$status $(outcome)" '0 committed'
	in_box systemd-run -q --unit holder python3 -c '
import socket, time
held = []
while True:
    try: held.append(socket.create_connection(("127.0.0.1", 8091)))
    except OSError: pass
    time.sleep(0.2)'
	sleep 1
	port=8091 try ignore-term=yes reuse=no
	is 'S32: the port was not free: not blamed on the new release' "$status $(outcome)" '0 committed'
	like 'S32: but said' "$(reason)" 'port 8091 was waited for'
	like 'S32: in the journal, too' "$(in_box journalctl -o cat --no-pager -t flipslot)" 'did not find its address free: port 8091 is not free yet'
	good=$new
	port=8091 try ignore-term=yes reuse=no die-after=1
	is 'S32: nor on the old one, in a rollback' "$status $(outcome)" '10 rolled-back'
	in_box systemctl stop holder
	is 'S32: which runs' "$(sh_box 'curl -s -m 2 http://127.0.0.1:8091/' | head -1)" "$good"
	gateway_conf
	good=$good_before
	try # for those that come after it
	committed 'S32: back on the port of the others'
}
