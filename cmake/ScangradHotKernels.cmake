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
function(scangrad_add_hot target level source)
  add_library(${target} OBJECT ${source})
  target_compile_features(${target} PRIVATE cxx_std_20)
  target_compile_definitions(${target} PRIVATE SCANGRAD_LEVEL=${level})
  target_compile_options(${target} PRIVATE $<IF:$<CONFIG:Debug>,-O1,-O3> -fno-math-errno -fno-trapping-math)
  if(NOT level STREQUAL "base")
    # g++ moves pairs of floats through MMX registers, and what follows in long double is NaN.
    target_compile_options(${target} PRIVATE -march=x86-64-${level} -mno-mmx)
  endif()
  target_include_directories(${target} PRIVATE include ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${target} PRIVATE scangrad_private)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF CXX_VISIBILITY_PRESET hidden
                        VISIBILITY_INLINES_HIDDEN ON POSITION_INDEPENDENT_CODE ON)
endfunction()
# The longest come first, since whatever else is compiled waits for all of them.
foreach(level ${scangrad_levels})
  scangrad_add_hot(scangrad_hot_${level} ${level} cpu/simd/kernels.cpp)
endforeach()
foreach(level ${scangrad_levels})
  scangrad_add_hot(scangrad_hot_complex_${level} ${level} cpu/simd/complex_kernels.cpp)
endforeach()
foreach(level ${scangrad_levels})
  set(object ${CMAKE_CURRENT_BINARY_DIR}/scangrad_hot_${level}.o)
  add_custom_command(OUTPUT ${object}
    COMMAND ${scangrad_ld} -r --force-group-allocation -o ${object} $<TARGET_OBJECTS:scangrad_hot_${level}>
            $<TARGET_OBJECTS:scangrad_hot_complex_${level}>
    COMMAND ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=*${level}11hot_kernelsE ${object}
    DEPENDS scangrad_hot_${level} $<TARGET_OBJECTS:scangrad_hot_${level}> scangrad_hot_complex_${level}
            $<TARGET_OBJECTS:scangrad_hot_complex_${level}> COMMAND_EXPAND_LISTS VERBATIM)
  list(APPEND scangrad_hot_objects ${object})
endforeach()
set_source_files_properties(${scangrad_hot_objects} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
