#!/bin/sh
# Writes files as C byte arrays, so that the program carries its SQL and its standard library.
#   embed.sh NAME FILE             const char NAME[] and const unsigned long NAME_bytes
#   embed.sh --table NAME FILE...  const struct embedded_file NAME[], ended by a NULL path
set -eu
bytes() { od -An -v -tu1 "$1" | sed 's/  */ /g; s/^ //; s/ *$//; s/ /,/g; s/$/,/'; }
if [ "$1" = --table ]; then
  name=$2; shift 2; i=0
  echo 'struct embedded_file { const char *path; const char *text; unsigned long bytes; };'
  for f; do echo "static const unsigned char file_$i[] = {"; bytes "$f"; echo '0};'; i=$((i + 1)); done
  echo "extern const struct embedded_file $name[];"
  echo "const struct embedded_file $name[] = {"
  i=0
  for f; do echo "  {\"$f\", (const char *)file_$i, sizeof file_$i - 1},"; i=$((i + 1)); done
  echo '  {0, 0, 0}};'
else
  echo "static const unsigned char raw[] = {"; bytes "$2"; echo '0};'
  # A char array cannot alias another object portably, so the text is reached through a pointer of its own.
  echo "const char *const $1_text = (const char *)raw; const unsigned long $1_text_bytes = sizeof raw - 1;"
fi
