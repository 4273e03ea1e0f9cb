# What `cmake --install` copies: the library, its headers, and what find_package and pkg-config read. The component `runtime` is
# what programs need to run (the shared library), `development` what it takes to build them.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
get_target_property(scangrad_type scangrad TYPE)
set(cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/scangrad)
set(pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(TARGETS scangrad EXPORT scangrad-targets
        LIBRARY COMPONENT runtime NAMELINK_COMPONENT development
        ARCHIVE COMPONENT development
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY include/scangrad DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT development)

install(EXPORT scangrad-targets NAMESPACE scangrad:: DESTINATION ${cmake_dir} COMPONENT development)
configure_package_config_file(cmake/scangradConfig.cmake.in scangradConfig.cmake INSTALL_DESTINATION ${cmake_dir}
                              NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(scangradConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/scangradConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/scangradConfigVersion.cmake
        DESTINATION ${cmake_dir} COMPONENT development)

# The .pc file finds its prefix from where it lies, so the tree can be moved.
file(RELATIVE_PATH pc_prefix /${pkgconfig_dir} /)
string(REGEX REPLACE "/$" "" pc_prefix "${pc_prefix}")
if(scangrad_type STREQUAL "STATIC_LIBRARY")
  string(REGEX MATCH "^[0-9]+" fmt_major ${fmt_VERSION})
  math(EXPR fmt_next "${fmt_major} + 1")
  set(pc_requires "fmt >= ${fmt_major}, fmt < ${fmt_next}")
  if(ZLIB_FOUND)
    string(APPEND pc_requires ", zlib")
  endif()
  set(pc_libs "${CMAKE_THREAD_LIBS_INIT}")
endif()
configure_file(cmake/scangrad.pc.in scangrad.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/scangrad.pc DESTINATION ${pkgconfig_dir} COMPONENT development)
