# reference.sh FOLDER: makes the reference in FOLDER/html, a page for each public header. What Doxygen warns of is an error, and so is
# anything public without documentation.
set -euo pipefail
command -v doxygen >/dev/null || { echo "skipped: doxygen is not installed"; exit 77; }
cd "${BASH_SOURCE[0]%/*}/../.."
mkdir -p "$1"
SCANGRAD_DOCS=$1 doxygen docs/Doxyfile 2>"$1/warnings.txt" || true
[[ ! -s $1/warnings.txt ]] || { cat "$1/warnings.txt"; exit 1; }
for header in include/scangrad/*.h; do
  page=$1/html/$(basename "${header%.h}" | sed 's/_/__/g')_8h.html
  [[ -f $page ]] || { echo "${header##*/} has no page" >&2; exit 1; }
done
