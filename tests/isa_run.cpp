// isa_run LEVEL PROGRAM [ARGUMENT...]: runs a program with the kernels of an instruction set level (v2, v3, v4). Exit status 125
// if the machine lacks it, else the program's.

#include <unistd.h>

#include <cstdio>

#include "judge/isa.h"

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: isa_run LEVEL PROGRAM [ARGUMENT...]\n", stderr);
    return 64;
  }
  judge::choose_isa("isa_run", argv[1], 125);
  execv(argv[2], argv + 2);
  std::perror(argv[2]);
  return 127;
}
