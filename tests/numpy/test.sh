#!/usr/bin/env bash
# test.sh RESAVE: runs test.py with a Python that has NumPy; exit status 77 (skipped) where there is none.
set -euo pipefail
for python in "${PYTHON:-python3}" /usr/bin/python3; do
  if command -v "$python" >/dev/null && "$python" -c 'import numpy' 2>/dev/null; then
    exec "$python" "$(dirname "${BASH_SOURCE[0]}")/test.py" "$1"
  fi
done
echo "skipped: no Python with NumPy here (apt-get install python3-numpy, or set PYTHON)"
exit 77
