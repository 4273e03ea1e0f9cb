# The hot kernels, once for each level of the instruction set. What a level's code inlines from headers (std::, our own) must never
# serve another level: each level's objects are linked into one, and every symbol of it but its table is made local.
set(scangrad_hot_objects)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set(SCANGRAD_LEVELS v2 v3 v4 CACHE STRING "x86-64 levels to compile the hot kernels for; one of them builds in a third of the time")
  set(scangrad_levels ${SCANGRAD_LEVELS})
  foreach(level ${scangrad_levels})
    if(NOT level MATCHES "^v[234]$")
      message(FATAL_ERROR "SCANGRAD_LEVELS: no level '${level}'; give a list of v2, v3 and v4, lowest first")
    endif()
    set_property(SOURCE cpu/simd/levels.cpp APPEND PROPERTY COMPILE_DEFINITIONS SCANGRAD_HAS_${level})
  endforeach()
else()
  set(scangrad_levels base)
endif()
set(scangrad_ld ${CMAKE_LINKER})
if(scangrad_ld MATCHES lld) # CMake's choice beside clang; only GNU ld has --force-group-allocation
  find_program(SCANGRAD_GNU_LD NAMES ld.bfd REQUIRED)
  mark_as_advanced(SCANGRAD_GNU_LD)
  set(scangrad_ld ${SCANGRAD_GNU_LD})
endif()
foreach(level ${scangrad_levels})
  add_library(scangrad_hot_${level} OBJECT cpu/simd/kernels.cpp cpu/simd/complex_kernels.cpp)
  target_compile_features(scangrad_hot_${level} PRIVATE cxx_std_20)
  target_compile_definitions(scangrad_hot_${level} PRIVATE SCANGRAD_LEVEL=${level})
  target_compile_options(scangrad_hot_${level} PRIVATE $<IF:$<CONFIG:Debug>,-O1,-O3> -fno-math-errno -fno-trapping-math)
  if(NOT level STREQUAL "base")
    # g++ moves pairs of floats through MMX registers, and what follows in long double is NaN.
    target_compile_options(scangrad_hot_${level} PRIVATE -march=x86-64-${level} -mno-mmx)
  endif()
  target_include_directories(scangrad_hot_${level} PRIVATE include ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(scangrad_hot_${level} PRIVATE scangrad_private)
  set_target_properties(scangrad_hot_${level} PROPERTIES CXX_EXTENSIONS OFF CXX_VISIBILITY_PRESET hidden
                        VISIBILITY_INLINES_HIDDEN ON POSITION_INDEPENDENT_CODE ON)
  set(object ${CMAKE_CURRENT_BINARY_DIR}/scangrad_hot_${level}.o)
  add_custom_command(OUTPUT ${object}
    COMMAND ${scangrad_ld} -r --force-group-allocation -o ${object} $<TARGET_OBJECTS:scangrad_hot_${level}>
    COMMAND ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=*${level}11hot_kernelsE ${object}
    DEPENDS scangrad_hot_${level} $<TARGET_OBJECTS:scangrad_hot_${level}> COMMAND_EXPAND_LISTS VERBATIM)
  list(APPEND scangrad_hot_objects ${object})
endforeach()
set_source_files_properties(${scangrad_hot_objects} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
