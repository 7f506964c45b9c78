#!/bin/sh
# Builds the program in the stage `build` of the Dockerfile: first the `dependencies`, whose layer stays valid when the
# source changes, then the `program`.
set -eu

name=art-mirror-validate
profile=${PROFILE:-release}
arch=$(uname -m)
host=$(rustc -vV | sed -n 's/^host: //p')

# A static binary runs in any image, whatever its libc. It takes a musl target.
case $host in
*-musl) musl=$host ;;
*)
    musl=$arch-unknown-linux-musl
    [ -d "$(rustc --print target-libdir --target "$musl")" ] && command -v musl-gcc >/dev/null || musl=
    ;;
esac
link=${LINK:-${musl:+static}}
case ${link:=dynamic} in
static)
    target=${musl:?'LINK=static takes a Rust target of musl and a C compiler for it'}
    RUSTFLAGS='-C target-feature=+crt-static'
    ;;
dynamic)
    target=$host
    RUSTFLAGS='-C target-feature=-crt-static'
    ;;
*)
    echo "LINK is static or dynamic, not $link" >&2
    exit 1
    ;;
esac
export RUSTFLAGS

# With an explicit --target, RUSTFLAGS apply to the program and not to build scripts and macros.
set -- "$1" --locked --profile "$profile" --target "$target" --bin "$name"
for vendored in vendor/*/Cargo.toml; do
    [ -e "$vendored" ] || break
    set -- "$@" --offline --config 'source.crates-io.replace-with="vendored"' \
        --config 'source.vendored.directory="vendor"'
    break
done
step=$1
shift

case $step in
dependencies)
    # An empty program has the same dependencies.
    for member in . examples/* tests/*; do
        mkdir -p "$member/src"
        touch "$member/src/lib.rs"
    done
    mkdir -p benches/soak
    touch benches/parts.rs benches/soak/main.rs
    echo 'fn main() {}' | tee src/main.rs >build.rs
    cargo build "$@"
    ;;
program)
    # The source files are older than the build of the empty program, so cargo would not rebuild them.
    touch build.rs src/lib.rs src/main.rs
    cargo build "$@"
    directory=$profile
    [ "$profile" != dev ] || directory=debug
    program=target/$target/$directory/$name
    # A dynamically linked program names its loader.
    linked=static
    ! readelf --program-headers "$program" | grep -q INTERP || linked=dynamic
    [ "$linked" = "$link" ] || { echo "$program is linked $linked and not $link" >&2; exit 1; }
    install -D -m 0755 "$program" "/out/$name"
    echo "linked: $link, for $target"
    ;;
esac
