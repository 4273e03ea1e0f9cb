#!/usr/bin/env bash
# hot_symbols.sh NM OBJECT...: each level's object gives away its table and nothing else, so that no code that was compiled for one
# level can serve another, or the rest of a program.
set -euo pipefail
nm=$1
shift
status=0
for object in "$@"; do
  given=$("$nm" --defined-only --extern-only "$object" | awk '{print $3}')
  if [[ $(wc -w <<<"$given") != 1 || $given != *hot_kernelsE ]]; then
    echo "$object gives away, besides its table:"
    echo "$given"
    status=1
  fi
done
exit $status
