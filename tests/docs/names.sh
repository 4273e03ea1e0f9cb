#!/usr/bin/env bash
# names.sh: every name in a scangrad column of docs/from_numpy_jax_torch_eigen.md, and in the README's table of headers, is one that
# the public headers declare; and the README lists them all, but for those that others include.
set -euo pipefail
cd "${BASH_SOURCE[0]%/*}/../.."

# declared NAME FILES...
declared() { grep -qE "(^|[^A-Za-z0-9_])$1([^A-Za-z0-9_]|$)" <(cat "${@:2}" | sed 's://.*::'); }
status=0
complain() { echo "$*" >&2; status=1; }

page=docs/from_numpy_jax_torch_eigen.md
names=$(awk -F'|' '
  /^\|/ && !in_table { in_table = 1; column = 0; for (i = 1; i <= NF; ++i) if ($i ~ /^ *scangrad *$/) column = i; next }
  /^\|-/ { next }
  !/^\|/ { in_table = 0 }
  in_table && column { while (match($column, /`[^`]*`/)) { print substr($column, RSTART + 1, RLENGTH - 2); $column = substr($column, RSTART + RLENGTH) } }
' "$page")
[[ $(wc -l <<<"$names") -gt 100 ]] || complain "$page: found only $(wc -l <<<"$names") names"
for name in $names; do
  declared "${name#.}" include/scangrad/*.h || complain "$page: no public header declares $name"
done

while IFS='|' read -r _ headers text; do
  for header in $(tr -d '`,' <<<"$headers"); do
    [[ -f include/scangrad/$header ]] || complain "README.md: there is no header $header"
  done
  for name in $(grep -oE '`[^`]*`' <<<"$text" | tr -d '`' | grep -oE '\b[a-z][a-z0-9_]*\b' || true); do
    declared "$name" include/scangrad/*.h || complain "README.md: no public header declares $name"
  done
done < <(grep -E '^\| `[a-z_]+\.h`' README.md)
for header in include/scangrad/*.h; do
  case ${header##*/} in scangrad.h | export.h | device.h | dtype.h | shape.h | structure.h | error.h) continue ;; esac
  grep -E '^\| `' README.md | grep -qF "\`${header##*/}\`" || complain "README.md does not list ${header##*/}"
done
exit $status
