# archives.sh shared|static: packs that kind with cpack, and looks inside.
source "${BASH_SOURCE[0]%/*}/common.sh"
skip_under_sanitizers
kind=$1
command -v dpkg-deb >/dev/null && command -v dpkg-shlibdeps >/dev/null && command -v file >/dev/null ||
  skip "building Debian packages takes dpkg-dev and file"
here=$WORK/$kind/packages
rm -rf "$here"
mkdir -p "$here"
quietly cpack --config "$WORK/$kind/build/CPackConfig.cmake" -B "$here"

# has LISTING PATTERN: a line of the listing matches.
has() { grep -qE "$2" <<<"$1" || fail "no $2 in
$1"; }
field() { dpkg-deb --field "$1" "$2"; }
soname=${VERSION%.*}
headers=$(cd "$SOURCE/include" && find scangrad -name '*.h')

archive=$(tar tzf "$here/scangrad-$VERSION-Linux.tar.gz")
development=$(dpkg-deb --contents "$here"/libscangrad-dev_"$VERSION"_*.deb)
for listing in "$archive" "$development"; do
  for header in $headers; do has "$listing" "/include/$header$"; done
  for file in lib/cmake/scangrad/scangradConfig.cmake lib/cmake/scangrad/scangradConfigVersion.cmake lib/pkgconfig/scangrad.pc; do
    has "$listing" "/$file$"
  done
done
! grep -qE '(tests|examples|bench)/' <<<"$archive$development" || fail "the packages hold more than the library"

depends=$(field "$here"/libscangrad-dev_*.deb Depends)
if [[ $kind == shared ]]; then
  has "$archive" "/lib/libscangrad\.so\.$VERSION$"
  has "$development" "libscangrad\.so -> libscangrad\.so\.$soname$"
  runtime=$here/libscangrad${soname}_${VERSION}_$(dpkg --print-architecture).deb
  has "$(dpkg-deb --contents "$runtime")" "/usr/lib/libscangrad\.so\.$soname -> libscangrad\.so\.$VERSION$"
  ! dpkg-deb --contents "$runtime" | grep -q /include/ || fail "the runtime package holds headers"
  has "$(field "$runtime" Depends)" "libfmt[0-9]+.*libstdc\+\+6"
  [[ $depends == "libscangrad$soname (= $VERSION)" ]] || fail "libscangrad-dev depends on '$depends'"
  readelf -d "$WORK/shared/prefix/lib/libscangrad.so" >"$here/dynamic.txt"
  has "$(cat "$here/dynamic.txt")" "SONAME.*\[libscangrad\.so\.$soname\]"
  ! grep -E 'RPATH|RUNPATH' "$here/dynamic.txt" || fail "the installed library has a path of the build machine"
else
  has "$archive" "/lib/libscangrad\.a$"
  has "$development" "/usr/lib/libscangrad\.a$"
  has "$depends" "^libfmt-dev \(>= [0-9]+\), libfmt-dev \(<< [0-9]+\)(, zlib1g-dev)?$"
  [[ $(find "$here" -maxdepth 1 -name '*.deb' | wc -l) == 1 ]] || fail "a static library needs no runtime package"
fi
