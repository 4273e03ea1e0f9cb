#!/usr/bin/env bash
# same_bits.sh PROGRAM: whether bits_test gives one digest on 1, 2, 3 and 8 threads.
set -euo pipefail
first=
for threads in 1 2 3 8; do
  digest=$(SCANGRAD_NUM_THREADS=$threads "$1" '[.digest]' | grep '^digest')
  echo "$threads threads: $digest"
  [[ -z $first || $digest == "$first" ]] || exit 1
  first=$digest
done
