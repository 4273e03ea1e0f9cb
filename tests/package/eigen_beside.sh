# A user's Eigen beside the library's, in a static library, where the linker merges inline functions of one name: the library calls
# its own namespace scangrad_eigen, so there is nothing to merge, whatever the user's version, flags or architecture.
source "${BASH_SOURCE[0]%/*}/common.sh"
skip_under_sanitizers
prefix=$WORK/static/prefix
here=$WORK/eigen_beside
mkdir -p "$here"

symbols=$(nm -C --defined-only "$prefix"/lib/libscangrad.a 2>/dev/null)
own=$(grep -c '\bscangrad_eigen::' <<<"$symbols" || true)
((own > 0)) || fail "the library has no symbols of its own Eigen: is this test out of date?"
leaked=$(grep -E '(^|[^A-Za-z_])Eigen::' <<<"$symbols" | head -5 || true)
[[ -z $leaked ]] || fail "defined under the name of the user's Eigen:
$leaked"

command -v pkg-config >/dev/null || skip "pkg-config is not installed"
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
# build NAME FLAGS...: the program, and what it prints
build() {
  # shellcheck disable=SC2046
  quietly "$CXX" -std=c++20 -O1 "${@:2}" -isystem "$EIGEN" "$SOURCE/tests/package/eigen_beside.cpp" -o "$here/$1" \
    $(pkg-config --cflags --libs scangrad)
  "$here/$1" >"$here/$1.txt" || fail "the program built with ${*:2} fails"
  [[ $(wc -l <"$here/$1.txt") == 14 ]] || fail "the program built with ${*:2} prints
$(cat "$here/$1.txt")"
}
other=(-DEIGEN_MAX_ALIGN_BYTES=64)
if grep -q '^flags.* avx2' /proc/cpuinfo && grep -q '^flags.* fma ' /proc/cpuinfo; then
  other+=(-march=haswell)
else
  echo "not tried: -march=haswell, which this processor cannot run"
fi
build plain
build other "${other[@]}"
cmp "$here/plain.txt" "$here/other.txt" || fail "the library computes other bits beside an Eigen compiled with ${other[*]}"
echo "$own symbols of the library's own Eigen"
