# What the scripts of this folder share. ctest sets SOURCE, BUILD and WORK (folders), CXX, FLAGS, TYPE (the build type), TYPE_FLAGS,
# LEVELS and VERSION.
set -euo pipefail

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

skip() {
  echo "skipped: $*"
  exit 77
}

# Runs a command, and shows what it printed only if it fails.
quietly() {
  local output
  output=$("$@" 2>&1) || fail "$* failed:
$output"
}

skip_under_sanitizers() {
  [[ "$FLAGS $TYPE_FLAGS" != *-fsanitize* ]] || skip "sanitizers change what is measured here"
}

# configure FOLDER BUILD [OPTIONS]: as the main build; the library's objects come from there where the command is the same.
configure() {
  local folder=$1 build=$2
  rm -rf "$build"
  quietly cmake -S "$folder" -B "$build" -G Ninja -D CMAKE_CXX_COMPILER="$CXX" -D CMAKE_BUILD_TYPE="$TYPE" \
    -D CMAKE_CXX_FLAGS="$FLAGS" -D CMAKE_CXX_FLAGS_"${TYPE^^}"="$TYPE_FLAGS" -D CMAKE_INSTALL_LIBDIR=lib -D SCANGRAD_LEVELS="$LEVELS" -D SCANGRAD_CUDA=OFF "${@:3}"
}
reuse=(-D "CMAKE_CXX_COMPILER_LAUNCHER=${BASH:-bash};$SOURCE/tests/package/reuse_objects.sh")
onoff() { [[ $1 == shared ]] && echo ON || echo OFF; }

# The flags under which a user's program must compile without a warning.
strict=(-Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Werror)
