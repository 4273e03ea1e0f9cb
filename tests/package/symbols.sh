# The shared library exports what the public headers declare, that alone, and all of it.
source "${BASH_SOURCE[0]%/*}/common.sh"
skip_under_sanitizers
shared=$WORK/shared/prefix/lib/libscangrad.so
static=$WORK/static/build/libscangrad.a
headers=$WORK/shared/prefix/include/scangrad
here=$WORK/symbols
mkdir -p "$here"
internal='scangrad::v0::(core|ops|io|optimize|cpu|autodiff|cuda)::'

# name_of: of "scangrad::v0::memory::peak()", peak
name_of() { sed -E 's/ const$//; s/\[abi:cxx11\]//; s/<.*//; s/\(.*//; s/.*:://; s/^~//'; }
grep -hoE '[A-Za-z_][A-Za-z_0-9]*' "$headers"/*.h | sort -u >"$here/words.txt"

nm -DC --defined-only "$shared" | cut -c18- | sort -u >"$here/exported.txt"
[[ $(wc -l <"$here/exported.txt") -gt 100 ]] || fail "only $(wc -l <"$here/exported.txt") symbols are exported"
foreign=$(grep -vE '^[TVWBD] (typeinfo for |typeinfo name for |vtable for )?scangrad::v0::' "$here/exported.txt" || true)
[[ -z $foreign ]] || fail "exported, but not the library's:
$foreign"
leaked=$(grep -E "$internal" "$here/exported.txt" || true)
[[ -z $leaked ]] || fail "exported, but internal:
$leaked"
while read -r _ symbol; do
  name=$(name_of <<<"$symbol")
  [[ $name == operator* ]] || grep -qxF -- "$name" "$here/words.txt" || fail "exported, but in no public header: $symbol"
done <"$here/exported.txt"

# Whatever else has external linkage is a public function without SCANGRAD_API: programs would not link.
hidden=$(nm -C --defined-only "$static" 2>/dev/null | sed -nE 's/^[0-9a-f]+ T (scangrad::v0::.*)/T \1/p' | sort -u |
  grep -vE "$internal|scangrad::v0::detail::Access::" | comm -23 - "$here/exported.txt")
[[ -z $hidden ]] || fail "neither exported nor in an internal namespace:
$hidden"
echo "$(grep -c '^T' "$here/exported.txt") functions are exported"
