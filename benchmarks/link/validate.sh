#!/bin/bash
# Compares the emulated link (--link) with the kernel's own shaping of a real interface (tc tbf): the same source and
# destination in two network namespaces, once with a token bucket on each end of the cable between them, once without it
# but with an emulated link of the same rate and no round trip (tc netem, which could add one, is not in every kernel).
#
# usage: benchmarks/link/validate.sh [RATE MIB]...     default: 100mbit 24 1gbit 128
#
# Needs root, ip, tc, jq and target/benchmarks.jar. ROUNDS and WARMUP may be set. Leaves nothing behind.
set -euo pipefail

jar=$(dirname "$0")/../../target/benchmarks.jar
rounds=${ROUNDS:-5}
warmup=${WARMUP:-3}
port=7070
here=10.213.71.1
there=10.213.71.2
source_ns=userload-link-source-$$
destination_ns=userload-link-destination-$$
work=$(mktemp -d)
source_pid=

clean_up() {
    [ -z "$source_pid" ] || kill "$source_pid" 2> /dev/null || true
    ip netns del "$source_ns" 2> /dev/null || true
    ip netns del "$destination_ns" 2> /dev/null || true
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

[ -f "$jar" ] || { echo "$jar is not there; build it with: mvn -q -DskipTests package" >&2; exit 1; }

ip netns add "$source_ns"
ip netns add "$destination_ns"
ip link add cable netns "$source_ns" type veth peer name cable netns "$destination_ns"
ip -n "$source_ns" addr add "$here/24" dev cable
ip -n "$destination_ns" addr add "$there/24" dev cable
for ns in "$source_ns" "$destination_ns"; do
    ip -n "$ns" link set lo up
    ip -n "$ns" link set cable up
done

# The queue is as long as a large socket buffer, so that nothing is dropped. The burst is what the rate gives in 1 ms: a
# shaper that wakes later than its burst lasts loses rate.
shape() {
    local burst
    burst=$(tc_bytes_per_ms "$1")
    for ns in "$source_ns" "$destination_ns"; do
        tc -n "$ns" qdisc replace dev cable root tbf rate "$1" burst "$burst" limit 8mb
    done
}

# 100mbit or 1gbit; at least ten full frames
tc_bytes_per_ms() {
    case $1 in
        *gbit) echo $((${1%gbit} * 125000)) ;;
        *mbit) bytes=$((${1%mbit} * 125)) && echo $((bytes > 15140 ? bytes : 15140)) ;;
        *) echo "the rate is a whole number of mbit or gbit, not $1" >&2 && return 1 ;;
    esac
}

unshape() {
    for ns in "$source_ns" "$destination_ns"; do
        tc -n "$ns" qdisc del dev cable root
    done
}

# measure NAME MIB [LINK]
measure() {
    local link=()
    local source_link=()
    if [ $# -eq 3 ]; then
        link=(--link "$3")
        source_link=("link=$3")
    fi
    mkfifo "$work/in" "$work/out"
    ip netns exec "$source_ns" java -cp "$jar" org.userload.benchmark.BenchmarkSource PATTERN $(($2 * 256)) \
        "listen=$here:$port" "${source_link[@]}" < "$work/in" > "$work/out" &
    source_pid=$!
    exec 3> "$work/in" 4< "$work/out"
    read -r _ <&4
    ip netns exec "$destination_ns" java -cp "$jar" org.userload.benchmark.UrgentPages --from "$here:$port" \
        --mib "$2" --rounds "$rounds" --warmup "$warmup" --json "$work/$1.json" "${link[@]}" > "$work/log"
    exec 3>&- 4<&-
    wait "$source_pid" || true
    source_pid=
    rm "$work/in" "$work/out"
}

compare() {
    jq -r --slurp --arg rate "$1" '
        def spread: "\(.median * 10 | round / 10) [\(.min * 10 | round / 10)-\(.max * 10 | round / 10)]";
        .[0] as $tbf | .[1] as $link
        | ["stream_mb_per_s", "fault_p50_us", "fault_p99_us"][]
        | "| \($rate) | \(.) | \($tbf[.] | spread) | \($link[.] | spread) | \($link[.].median / $tbf[.].median * 100 | round / 100) |"
    ' "$work/tbf.json" "$work/link.json"
}

echo "| rate | metric | tc tbf | --link | ratio |"
echo "|---|---|---|---|---|"
[ $# -gt 0 ] || set -- 100mbit 24 1gbit 128
while [ $# -ge 2 ]; do
    shape "$1"
    measure tbf "$2"
    unshape
    measure link "$2" "$1/0us"
    compare "$1"
    shift 2
done
