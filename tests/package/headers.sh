# The installed headers: self-contained, and free of Eigen, fmt and the tests' libraries but for the opt-in ones.
source "${BASH_SOURCE[0]%/*}/common.sh"
prefix=$WORK/shared/prefix
opt_in=(eigen.h eigen_tensor.h fmt.h cuda.h)
is_opt_in() { [[ " ${opt_in[*]} " == *" $1 "* ]]; }

# The build target headers_alone compiles each header of include/ by itself.
quietly diff -r "$SOURCE/include" "$prefix/include"

for header in "$prefix"/include/scangrad/*.h; do
  name=${header##*/}
  is_opt_in "$name" || ! grep -nE '#include *[<"](Eigen|unsupported|fmt|catch2|rapidcheck|nlohmann|benchmark|cuda)' "$header" ||
    fail "$name includes another library"
done
others=$(grep -rlE 'Eigen|catch2|rapidcheck|nlohmann' "$prefix/lib/cmake" "$prefix/lib/pkgconfig" || true)
[[ -z $others ]] || fail "a user would need Eigen or the tests' libraries because of $others"
! grep -rn fmt "$prefix/lib/cmake/scangrad/scangrad-targets.cmake" "$prefix/lib/pkgconfig/scangrad.pc" |
  grep -v '^[^:]*:[0-9]*:#' || fail "the shared library's users would need fmt"

# And what the preprocessor really opens, on a machine that has those libraries in its default path.
for header in "$prefix"/include/scangrad/*.h; do
  is_opt_in "${header##*/}" && continue
  opened=$("$CXX" -std=c++20 -M -I"$prefix/include" -x c++ "$header" | grep -oE '/(eigen3|Eigen|fmt|catch2|rapidcheck|nlohmann)/[^ ]*' || true)
  [[ -z $opened ]] || fail "${header##*/} opens $opened"
done
