#!/bin/sh
# Runs every scenario with every event loop and pinning on a small memory, verifying every byte.
set -eu
floor=${1:-./floor}

run() {
    printf '%s\n' "floor $*"
    "$floor" "$@" --verify --json > /dev/null
}

refuse() {
    status=0
    "$floor" "$@" > /dev/null 2>&1 || status=$?
    [ "$status" -eq 2 ] || { echo "floor $*: exit status $status, expected 2" >&2; exit 1; }
}

pins="none same"
[ "$(nproc)" -gt 1 ] && pins="$pins split"

for pin in $pins; do
    for loop in poll blocking; do
        run fault-local --pages 4096 --touches 3000 --warmup 100 --loop $loop --pin $pin
        run fault-tcp --pages 4096 --touches 3000 --warmup 100 --loop $loop --pin $pin
        run stream --mib 32 --toucher --loop $loop --pin $pin
    done
    run fault-signal --pages 4096 --touches 3000 --warmup 100 --pin $pin
    run stream --mib 32 --pin $pin
    run stream --mib 32 --touch-all --pin $pin
    run fault-tcp --pages 4096 --touches 3001 --warmup 100 --touchers 16 --pin $pin
done
"$floor" dirty --mib 64 --rounds 5 --json > /dev/null # it checks what it found
"$floor" dirty --pages 1 --touches 1 --rounds 2 > /dev/null
refuse dirty --pages 10 --touches 11
refuse dirty --toucher
refuse dirty --touchers 2
refuse stream --toucher --touch-all
refuse stream --rounds 5
refuse fault-signal --loop poll
run fault-tcp --pages 1 --touches 1 --warmup 0
run stream --pages 17 --chunk 65536 --toucher
run stream --pages 300 --low-water 1048576
run stream --mib 16 --chunk 4096 --toucher --cold --seed 0xfeedface
refuse
refuse stream --chunk 4095
refuse fault-tcp --pages 10 --touches 11 --warmup 0
refuse fault-local --chunk 4096
echo "all checks passed"
