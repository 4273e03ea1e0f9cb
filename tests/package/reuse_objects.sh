# A compiler launcher: where the main build (BUILD) ran this very command, but for its folder and -Werror, its object is copied;
# else the compiler runs. The library is compiled once, however many tests build it.
set -euo pipefail

# One word a line, without what names files of the build folder.
essence() { printf '%s\n' "$@" | awk '/^-(o|MT|MF)$/ { getline; next } $0 != "-Werror"'; }

for ((i = 1; i < $#; ++i)); do
  next=$((i + 1))
  [[ ${!i} != -o ]] || object=${!next}
done
name=CMakeFiles/${object#*CMakeFiles/}
recorded=$(grep -F -- " -o $name " "$WORK/commands.txt" || true)
if [[ -n $recorded && $BUILD/$name -nt ${!#} ]]; then
  eval "words=($recorded)"
  while ((${#words[@]})) && [[ ${words[0]} != "$1" ]]; do words=("${words[@]:1}"); done # the main build's own launcher
  if [[ $(essence "${words[@]}") == "$(essence "$@")" ]]; then
    exec cp "$BUILD/$name" "$object"
  fi
fi
echo "compiles ${!#}" >>"$WORK/compiled.txt"
exec "$@"
