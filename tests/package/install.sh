# install.sh shared|static: builds that kind of the library and installs it to $WORK/KIND/prefix, moved there after installation.
source "${BASH_SOURCE[0]%/*}/common.sh"
kind=$1
mkdir -p "$WORK/$kind"
[[ ! -f $BUILD/build.ninja ]] || ninja -C "$BUILD" -t commands scangrad >"$WORK/commands-$kind.txt"
[[ ! -f $WORK/commands-$kind.txt ]] || mv "$WORK/commands-$kind.txt" "$WORK/commands.txt"

configure "$SOURCE" "$WORK/$kind/build" -D BUILD_SHARED_LIBS="$(onoff "$kind")" -D SCANGRAD_BUILD_TESTS=OFF \
  -D SCANGRAD_BUILD_EXAMPLES=OFF -D SCANGRAD_BUILD_BENCH=OFF "${reuse[@]}"
quietly cmake --build "$WORK/$kind/build"
rm -rf "$WORK/$kind/first" "$WORK/$kind/prefix"
quietly cmake --install "$WORK/$kind/build" --prefix "$WORK/$kind/first"
mv "$WORK/$kind/first" "$WORK/$kind/prefix"
