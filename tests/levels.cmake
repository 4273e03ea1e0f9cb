# The tests of every level of the instruction set. A level that this processor lacks is skipped; the lowest one also
# runs on an emulated processor that has nothing more, where qemu-user is installed.
foreach(level ${scangrad_levels})
  foreach(name ${on_every_level})
    add_test(NAME ${name}_${level} COMMAND isa_run ${level} $<TARGET_FILE:${name}>)
    set_tests_properties(${name}_${level} PROPERTIES SKIP_RETURN_CODE 125 LABELS levels ENVIRONMENT "RC_PARAMS=seed=20261121")
  endforeach()
  list(APPEND hot_objects ${PROJECT_BINARY_DIR}/scangrad_hot_${level}.o)
endforeach()

add_test(NAME hot_symbols COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/hot_symbols.sh ${CMAKE_NM} ${CMAKE_OBJDUMP} ${hot_objects})

find_program(QEMU_X86_64 qemu-x86_64)
if(QEMU_X86_64 AND "v2" IN_LIST scangrad_levels AND NOT CMAKE_CXX_FLAGS_DEBUG MATCHES "sanitize")
  foreach(name hot_kernels_test short_rows_test complex_kernels_test)
    add_test(NAME ${name}_nehalem COMMAND ${QEMU_X86_64} -cpu Nehalem $<TARGET_FILE:${name}> "[short]")
    set_tests_properties(${name}_nehalem PROPERTIES TIMEOUT 240 LABELS levels)
  endforeach()
endif()
