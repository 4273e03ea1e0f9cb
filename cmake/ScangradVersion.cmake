# Reads scangrad_version from include/scangrad/version.h, where alone it is written.
set(version_header ${CMAKE_CURRENT_LIST_DIR}/../include/scangrad/version.h)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${version_header})
file(STRINGS ${version_header} numbers REGEX "define SCANGRAD_VERSION_(MAJOR|MINOR|PATCH) ")
string(REGEX REPLACE "[^0-9]*([0-9]+)" ".\\1" scangrad_version "${numbers}")
string(REGEX REPLACE "^\\.|;" "" scangrad_version "${scangrad_version}")
