# consume.sh find_package|pkg_config|add_subdirectory|fetch_content shared|static: builds consumer/main.cpp with the library got in
# that way, under this build's own flags (sanitizers among them), and compares what it prints.
source "${BASH_SOURCE[0]%/*}/common.sh"
way=$1 kind=$2
here=$SOURCE/tests/package
prefix=$WORK/$kind/prefix
build=$WORK/$kind/$way

case $way in
  find_package)
    configure "$here/consumer" "$build" -D CMAKE_PREFIX_PATH="$prefix" -D CMAKE_CXX_FLAGS="$FLAGS ${strict[*]}"
    quietly cmake --build "$build"
    ;;
  pkg_config)
    command -v pkg-config >/dev/null || skip "pkg-config is not installed"
    export PKG_CONFIG_PATH=$prefix/lib/pkgconfig LD_LIBRARY_PATH=$prefix/lib
    mkdir -p "$build"
    [[ $(pkg-config --modversion scangrad) == "$VERSION" ]] || fail "pkg-config says version $(pkg-config --modversion scangrad)"
    static=()
    [[ $kind == shared ]] || static=(--static)
    # shellcheck disable=SC2046,SC2086
    quietly "$CXX" -std=c++20 $FLAGS $TYPE_FLAGS "${strict[@]}" "$here/consumer/main.cpp" -o "$build/first_steps" \
      $(pkg-config "${static[@]}" --cflags --libs scangrad)
    [[ $(pkg-config --libs scangrad) == "$(pkg-config "${static[@]}" --libs scangrad)" ]] ||
      fail "without --static, pkg-config leaves out what the static library needs"
    ;;
  add_subdirectory | fetch_content)
    configure "$here/in_tree" "$build" -D WAY="$way" -D SCANGRAD="$SOURCE" -D BUILD_SHARED_LIBS="$(onoff "$kind")" "${reuse[@]}"
    quietly cmake --build "$build"
    ;;
esac

[[ $("$build/first_steps") == "$(cat "$here/consumer/expected.txt")" ]] || fail "the program printed
$("$build/first_steps")"
linked=static
! readelf -d "$build/first_steps" | grep -q 'libscangrad\.so' || linked=shared
[[ $linked == "$kind" ]] || fail "the program uses the $linked library"
