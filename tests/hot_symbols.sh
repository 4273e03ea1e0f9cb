#!/usr/bin/env bash
# hot_symbols.sh NM OBJDUMP OBJECT...: each level's object gives away its table and nothing else, so that no code that was compiled for
# one level can serve another, or the rest of a program; and none uses MMX registers, after which long doubles are NaN.
set -euo pipefail
nm=$1 objdump=$2
shift 2
status=0
for object in "$@"; do
  given=$("$nm" --defined-only --extern-only "$object" | awk '{print $3}')
  if [[ $(wc -w <<<"$given") != 1 || $given != *hot_kernelsE ]]; then
    echo "$object gives away, besides its table:"
    echo "$given"
    status=1
  fi
  if "$objdump" -d "$object" | grep -E -m 5 '%mm[0-7]'; then
    echo "$object uses MMX registers"
    status=1
  fi
done
exit $status
