# awk -f snippets.awk -v expected=FILE tour.md: writes the program of a page's snippets to the standard output, and what the page says
# that it prints to FILE. A ```cpp block is a snippet, the ``` block that follows it is its output; those of a ## section share one
# scope. Lines of #include go to the top. A line "--- LINE" separates the outputs, on both sides.
function finish() { if (open) { body = body sprintf("std::cout << \"--- %d\\n\";\n", open); print "--- " open > expected; open = 0 } }

/^## / && !code { finish(); if (sections++) body = body "}\n"; body = body "{\n" }
/^```/ {
  if (code || output) { code = output = 0; next }
  if ($0 == "```cpp") { finish(); code = 1; open = NR; body = body sprintf("#line %d \"tour.md\"\n", NR + 1); next }
  if ($0 == "```" && open) { output = 1; next }
  other = 1; output = 0
}
code && /^#include/ { includes = includes $0 "\n"; body = body "\n"; next }
code { body = body $0 "\n"; next }
output { print > expected }
END {
  finish()
  printf "%s\nnamespace sg = scangrad;\nusing sg::Tensor;\n\nint main() {\n%s}\n}\n", includes, body
}
