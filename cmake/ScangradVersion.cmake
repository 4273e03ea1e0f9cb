# Reads scangrad_version from include/scangrad/version.h, where alone it is written.
set(version_header ${CMAKE_CURRENT_LIST_DIR}/../include/scangrad/version.h)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${version_header})
file(READ ${version_header} text)
string(REGEX MATCH "VERSION_MAJOR ([0-9]+).*VERSION_MINOR ([0-9]+).*VERSION_PATCH ([0-9]+)" found "${text}")
set(scangrad_version ${CMAKE_MATCH_1}.${CMAKE_MATCH_2}.${CMAKE_MATCH_3})
