#!/usr/bin/env bash
# Builds ../wasm/groth16.wasm from this crate, bit for bit, and prints its SHA-256.
#
#   build-wasm.sh           builds, writes the module and its hash file
#   build-wasm.sh --check   builds, writes nothing, fails unless the hash equals the checked-in one
#
# The compiler is Debian's rustc-web 1.96 with the standard library's source (security archive of bookworm, amd64):
# nothing is installed, the packages are unpacked into $RUST_WEB_ROOT (default: ~/.cache/aios/rust-web-1.96).
# Exits with 77 and names the reason when that compiler cannot be had here; a check then counts as skipped.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=${RUST_WEB_ROOT:-$HOME/.cache/aios/rust-web-1.96}
packages=(rustc-web cargo-web libstd-rust-web-1.96 libstd-rust-web-dev rust-web-src rust-web-llvm libllvm22 lld-22 libgit2-1.5 libhttp-parser2.9 libmbedtls14 libmbedcrypto7 libmbedx509-1)

skip() {
  echo "skipped: $1" >&2
  exit 77
}

if [ ! -x "$root/usr/bin/rustc" ]; then
  [ "$(uname -sm)" = "Linux x86_64" ] || skip "the pinned compiler exists for Linux x86_64 only"
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || skip "apt-get and dpkg-deb are needed to fetch the pinned compiler"
  download=$(mktemp -d)
  trap 'rm -rf "$download"' EXIT
  (cd "$download" && apt-get download "${packages[@]}" >&2) || skip "the Debian packages of the pinned compiler cannot be downloaded"
  mkdir -p "$root"
  for package in "$download"/*.deb; do dpkg-deb -x "$package" "$root"; done
fi

export LD_LIBRARY_PATH="$root/usr/lib/x86_64-linux-gnu:$root/usr/lib/llvm-22/lib"
export PATH="$root/usr/bin:$PATH"
export RUSTC="$root/usr/bin/rustc"
version=$("$RUSTC" --version) || skip "the pinned compiler does not run here"
case $version in
  "rustc 1.96.0 "*) ;;
  *) skip "the compiler is $version, not 1.96.0" ;;
esac

target=$(mktemp -d)
trap 'rm -rf "$target" "${download:-}"' EXIT
sysroot=$("$RUSTC" --print sysroot)
cargo_home=${CARGO_HOME:-$HOME/.cargo}
# Paths that end up in panic messages must not depend on the machine.
export CARGO_ENCODED_RUSTFLAGS
CARGO_ENCODED_RUSTFLAGS=$(printf '%s\x1f' \
  "--remap-path-prefix=$here=/crate" \
  "--remap-path-prefix=$cargo_home/registry/src=/registry" \
  "--remap-path-prefix=$sysroot=/rust" \
  "--remap-path-prefix=$(readlink -f "$sysroot/lib/rustlib/src/rust")=/rust/src" \
  "--remap-path-prefix=$target=/target" \
  "-Clink-arg=--max-memory=$((1 << 30))")"-Cdebuginfo=0"
export RUSTC_BOOTSTRAP=1
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER="$root/usr/bin/wasm-ld-22"
export CARGO_TARGET_DIR="$target"
(cd "$here" && cargo build --release --locked --lib --target wasm32-unknown-unknown -Z build-std=std,panic_abort >&2)

built="$target/wasm32-unknown-unknown/release/aios_groth16.wasm"
hash=$(sha256sum "$built" | cut -d' ' -f1)
echo "$hash  groth16.wasm"
if [ "${1:-}" = "--check" ]; then
  pinned=$(cut -d' ' -f1 "$here/../wasm/groth16.wasm.sha256")
  [ "$hash" = "$pinned" ] || { echo "the checked-in module has $pinned" >&2; exit 1; }
else
  mkdir -p "$here/../wasm"
  cp "$built" "$here/../wasm/groth16.wasm"
  chmod 644 "$here/../wasm/groth16.wasm"
  echo "$hash  groth16.wasm" >"$here/../wasm/groth16.wasm.sha256"
fi
