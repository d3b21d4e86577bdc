#!/bin/sh
# install.sh PREFIX: builds libuserload.so and installs it with its header and manual page below PREFIX.
set -eu

if [ $# -ne 1 ]; then
    echo "usage: native-shims/install.sh PREFIX" >&2
    exit 2
fi
prefix=$1
here=$(dirname "$0")
compiler=${CC:-cc}

mkdir -p "$prefix/lib" "$prefix/include" "$prefix/share/man/man3"
"$compiler" $(cat "$here/flags") -Wl,-soname,libuserload.so -I "$here/include" -o "$prefix/lib/libuserload.so" \
    "$here"/src/*.c
cp "$here/include/userload.h" "$prefix/include/"
cp "$here/man/userload.3" "$prefix/share/man/man3/"
echo "installed libuserload.so, userload.h and userload.3 below $prefix"
