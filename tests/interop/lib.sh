# What the tests against other implementations share: counting, a web server over $work, and our client.
#
#	B		build folder (set by the Makefile)
# shellcheck shell=bash disable=SC2034

here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
B=$(realpath -m "${B:-$here/../../build}")
flipslot=$B/flipslot
client=$B/tuf-conformance-client
passed=0 failed=0

skip() {
	echo "$1"
	exit 77
}
ok() { passed=$((passed + 1)) && echo "ok - $1"; }
not_ok() { failed=$((failed + 1)) && echo "not ok - $1: $said"; }
check() {
	local what=$1
	shift
	if said=$("$@" 2>&1); then ok "$what"; else not_ok "$what"; fi
}
refuse() {
	local what=$1 word=$2
	shift 2
	if said=$("$@" 2>&1); then not_ok "$what"; elif [[ $said = *"$word"* ]]; then ok "$what"; else not_ok "$what"; fi
}

[[ -x $flipslot && -x $client ]] || skip "there is no $flipslot or $client"
work=$(mktemp -d)
server=
cleanup() {
	[[ -z $server ]] || kill "$server" 2>/dev/null
	rm -rf -- "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP
cd "$work" || exit 1

# A web server over $work, whose port it prints.
python3 -u - >port 2>/dev/null <<'SERVER' &
import functools, http.server
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=".")
with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
    print(server.server_port)
    server.serve_forever()
SERVER
server=$!
for _ in $(seq 100); do
	[[ ! -s port ]] || break
	sleep 0.1
done
url=http://127.0.0.1:$(<port)

fetch_ours() { # by ours
	rm -rf -- "$4" && mkdir -p "$4/metadata" "$4/targets" &&
		"$client" --metadata-dir "$4/metadata" init "$2" &&
		"$client" --metadata-dir "$4/metadata" --metadata-url "$url/$1/metadata" refresh &&
		"$client" --metadata-dir "$4/metadata" --metadata-url "$url/$1/metadata" --target-name "$3" \
			--target-base-url "$url/$1/targets" --target-dir "$4/targets" download
}

interop_end() {
	echo "$passed passed, $failed failed"
	[[ $failed = 0 ]]
}
