#!/usr/bin/env bash
# mistakes.sh CXX INCLUDE FOLDER: each mistake in mistakes.txt does not compile, and the first thing that the compiler says of it is
# what the file says. The headers are compiled once, so that a mistake costs a fraction of a second.
set -euo pipefail
here=${BASH_SOURCE[0]%/*} cxx=$1 include=$2 work=$3
mkdir -p "$work"
cat >"$work/scope.h" <<'END'
#include <scangrad/scangrad.h>
namespace sg = scangrad;
using sg::Tensor;
inline const Tensor x = {1.0, 2.0}, y = {3.0, 4.0}, dx = {1.0, 1.0};
inline const auto f = [](const Tensor& t) { return sg::sum(t); };
inline const auto f2 = [](const Tensor& t, const Tensor& u) { return sg::sum(t * u); };
inline const auto nothing = [](const Tensor&) {};
END
compile=("$cxx" -std=c++20 -fmessage-length=0 "-I$include")
rm -f "$work"/scope.h.gch
"${compile[@]}" -x c++-header "$work/scope.h" -o "$work/scope.h.gch"

count=0 status=0 name='' code=''
while IFS= read -r line; do
  case $line in
    '#'*) ;;
    '== '*) name=${line#== } code='' ;;
    'says: '*)
      count=$((count + 1))
      printf 'int main() {\n%s\n}\n' "$code" >"$work/mistake.cpp"
      if "${compile[@]}" -fsyntax-only -include "$work/scope.h" "$work/mistake.cpp" >"$work/said.txt" 2>&1; then
        echo "$name: it compiles" >&2 && status=1
        continue
      fi
      first=$(grep -m1 -E 'error:' "$work/said.txt")
      if [[ $first != *"${line#says: }"* ]]; then
        printf '%s: the compiler says\n  %s\nin place of\n  %s\n' "$name" "$first" "${line#says: }" >&2 && status=1
      fi
      ;;
    *) code+=$line$'\n' ;;
  esac
done <"$here/mistakes.txt"

# Below C++20 there is one message, and no flood behind it.
if "$cxx" -std=c++17 "-I$include" -fsyntax-only -x c++ - <<<'#include <scangrad/scangrad.h>' >"$work/said.txt" 2>&1 ||
  [[ $(grep -c 'error: ' "$work/said.txt") != 1 ]] || ! grep -q 'error.*scangrad needs C++20: compile with -std=c++20' "$work/said.txt"; then
  echo "with C++17 the compiler says" >&2
  head -20 "$work/said.txt" >&2
  status=1
fi
((count >= 10)) || { echo "found only $count mistakes" >&2 && status=1; }
exit $status
