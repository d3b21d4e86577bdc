#!/bin/sh
# Builds the bare guest into the given classes directory. As with native-shims, without a C compiler for x86-64 the build goes
# on, and what needs the guest says so.
set -eu

classes=$1
here=$(dirname "$0")
compiler=${CC:-cc}

if [ "$(uname -m)" != x86_64 ] || ! command -v "$compiler" >/dev/null 2>&1 || ! command -v objcopy >/dev/null 2>&1; then
    echo "guest: no C compiler and binutils for x86-64 found, building without the bare guest; on Debian: apt-get install gcc" >&2
    exit 0
fi

target="$classes/org/userload/kvm"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$target"
# No vector registers, no red zone, nothing of a C library: the program has memory and ports alone.
"$compiler" -std=c11 -O2 -Wall -Wextra -Werror -ffreestanding -nostdlib -static -fno-pie -no-pie -fno-stack-protector \
    -fno-asynchronous-unwind-tables -fcf-protection=none -mno-red-zone -mgeneral-regs-only -Wl,--build-id=none \
    -Wl,-T,"$here/bare.ld" -o "$work/bare.elf" "$here/start.S" "$here/bare.c"
objcopy -O binary "$work/bare.elf" "$target/bare-guest.bin"
