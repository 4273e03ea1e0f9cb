# A static library passes on what it links: fmt and threads.
include(CMakeFindDependencyMacro)
find_dependency(fmt)
find_dependency(Threads)
include(${CMAKE_CURRENT_LIST_DIR}/scangrad-targets.cmake)
