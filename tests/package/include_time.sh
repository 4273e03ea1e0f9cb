# The time that including the library costs a user's file: at most 2 s. It is the processor's time, the least of several runs, so
# that what else the machine does counts little.
source "${BASH_SOURCE[0]%/*}/common.sh"
skip_under_sanitizers
limit=2.0 runs=3
here=$WORK/include_time
mkdir -p "$here"
printf '#include <scangrad/scangrad.h>\nint main() {}\n' >"$here/include.cpp"

seconds_of() {
  local TIMEFORMAT='%U %S' best='' i time
  for ((i = 0; i < runs; ++i)); do
    time=$({ time "$CXX" -std=c++20 -O2 -I"$WORK/shared/prefix/include" -c "$1" -o "$here/out.o"; } 2>&1 | awk '{ print $1 + $2 }')
    [[ -n $best ]] && awk -v a="$time" -v b="$best" 'BEGIN { exit !(a >= b) }' || best=$time
  done
  echo "$best"
}

include=$(seconds_of "$here/include.cpp")
runs=1
program=$(seconds_of "$SOURCE/tests/package/consumer/main.cpp")
echo "scangrad/scangrad.h alone compiles in $include s (limit $limit s), the README's program in $program s: -O2, $("$CXX" --version | head -1)"
awk -v time="$include" -v limit="$limit" 'BEGIN { exit !(time <= limit) }' || fail "including scangrad/scangrad.h takes $include s, more than $limit s"
