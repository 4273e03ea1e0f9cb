// resave IN OUT: loads every npy and npz file in the folder IN and saves what it held under the same name in the folder OUT.

#include <cstdio>
#include <exception>
#include <filesystem>

#include "scangrad/scangrad.h"

namespace sg = scangrad;

int main(int, char** argv) try {
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    const std::string to = std::filesystem::path(argv[2]) / entry.path().filename();
    if (entry.path().extension() == ".npy") sg::save_npy(to, sg::load_npy(entry.path()));
    else sg::save_npz(to, sg::load_npz(entry.path()));
  }
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "resave: %s\n", error.what());
  return 1;
}
