#!/bin/sh
# Compiles the shim into the given classes directory, from where it is packed into the jar and loaded.
# Without a C compiler the build goes on; what needs the shim says so when it is used.
set -eu

classes=$1
here=$(dirname "$0")
compiler=${CC:-cc}

if ! command -v "$compiler" >/dev/null 2>&1; then
    echo "native-shims: no C compiler ($compiler) found, building without the shim; on Debian: apt-get install gcc libc6-dev" >&2
    exit 0
fi
if [ "$(uname -s)" != Linux ]; then
    echo "native-shims: the shim is for Linux only, building without it" >&2
    exit 0
fi

target="$classes/org/userload/linux/native/$(uname -m)"
mkdir -p "$target"
"$compiler" $(cat "$here/flags") -I "$here/include" -o "$target/libuserload.so" "$here"/src/*.c
