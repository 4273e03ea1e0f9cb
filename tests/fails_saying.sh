#!/usr/bin/env bash
# fails_saying.sh TEXT COMMAND [ARGUMENT...]: the command must fail, and print TEXT.
text=$1
if said=$("${@:2}" 2>&1); then
  echo "it did not fail: ${*:2}" >&2
  exit 1
fi
[[ $said == *"$text"* ]] || { printf 'it failed, but without "%s":\n%s\n' "$text" "$said" >&2 && exit 1; }
