# Installs the library into an empty folder, builds tests/consumer against it as a user would, and checks what it prints; and that
# the program is the README's. Needs SOURCE, BINARY, WORK, CXX and FLAGS.
file(REMOVE_RECURSE ${WORK})
function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(status)
    message(FATAL_ERROR "${ARGV} failed:\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

run(${CMAKE_COMMAND} --install ${BINARY} --prefix ${WORK}/prefix)
run(${CMAKE_COMMAND} -S ${SOURCE}/tests/consumer -B ${WORK}/build -D CMAKE_PREFIX_PATH=${WORK}/prefix -D CMAKE_CXX_COMPILER=${CXX}
    "-DCMAKE_CXX_FLAGS=${FLAGS} -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Werror")
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${WORK}/build/first_steps)
file(READ ${SOURCE}/tests/consumer/expected.txt expected)
if(NOT output STREQUAL expected)
  message(FATAL_ERROR "the program printed\n${output}\ninstead of\n${expected}")
endif()

file(READ ${SOURCE}/README.md readme)
foreach(file main.cpp CMakeLists.txt expected.txt)
  file(READ ${SOURCE}/tests/consumer/${file} text)
  string(FIND "${readme}" "${text}" place)
  if(place EQUAL -1)
    message(FATAL_ERROR "README.md does not hold tests/consumer/${file} word for word")
  endif()
endforeach()
