# The program and the project of the README are the ones that are tested, word for word.
source "${BASH_SOURCE[0]%/*}/common.sh"
readme=$(cat "$SOURCE/README.md")
for file in main.cpp CMakeLists.txt expected.txt; do
  [[ $readme == *"$(cat "$SOURCE/tests/package/consumer/$file")"* ]] || fail "README.md does not hold consumer/$file word for word"
done
