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
# build NAME EIGEN FLAGS...: the program with the headers of that Eigen; it prints the same bits as the plain one
build() {
  # shellcheck disable=SC2046
  quietly "$CXX" -std=c++20 -O1 "${@:3}" -isystem "$2" "$SOURCE/tests/package/eigen_beside.cpp" -o "$here/$1" \
    $(pkg-config --cflags --libs scangrad)
  "$here/$1" >"$here/$1.txt" || fail "the program built with the Eigen of $2 and ${*:3} fails"
  [[ $(wc -l <"$here/$1.txt") == 14 ]] || fail "the program built with the Eigen of $2 and ${*:3} prints
$(cat "$here/$1.txt")"
  cmp "$here/plain.txt" "$here/$1.txt" || fail "the library computes other bits beside the Eigen of $2 with ${*:3}"
}
other=(-DEIGEN_MAX_ALIGN_BYTES=64)
if grep -q '^flags.* avx2' /proc/cpuinfo && grep -q '^flags.* fma ' /proc/cpuinfo; then
  other+=(-march=haswell)
else
  echo "not tried: -march=haswell, which this processor cannot run"
fi
# Another minor version: the installed one under another number, whose maps have another layout.
changed=$here/changed
rm -rf "$changed" && mkdir "$changed" && cp -r "$EIGEN/Eigen" "$changed"
util=$changed/Eigen/src/Core/util
sed -i 's/^#define EIGEN_MINOR_VERSION .*/#define EIGEN_MINOR_VERSION 77/' "$util/Macros.h"
sed -i 's/^    PointerType m_data;/    Eigen::Index m_of_another_version = 1;\n&/' "$util/../MapBase.h"
grep -q m_of_another_version "$util/../MapBase.h" || fail "this Eigen cannot be changed as expected: is this test out of date?"

build plain "$EIGEN"
build other_flags "$EIGEN" "${other[@]}"
build other_version "$changed" -DEXPECTED_MINOR_VERSION=77
# A real one of another version, where its headers are given.
[[ -z ${SCANGRAD_OTHER_EIGEN:-} ]] || build real_version "$SCANGRAD_OTHER_EIGEN"
echo "$own symbols of the library's own Eigen"
