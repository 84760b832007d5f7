#!/bin/sh
# The demo: recorded events through examples/first-purchase in virtual time, real messages into a Maildir, who got what and why.
#   demo.sh CAMP
set -eu
cd "$(dirname "$0")/../.."
camp=$1; example=examples/first-purchase; out=build/demo
rm -rf $out; mkdir -p $out
say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n%s\n' "$*"; }

say "The script, $example/first_purchase.camp:"
sed 's/^/  /' $example/first_purchase.camp
say "$camp check $example"
$camp check $example
say "$camp test $example"
$camp test $example
say "$camp simulate $example --events $example/events.ndjson --db $out/camp.db --send maildir:$out/mail --show"
$camp simulate $example --events $example/events.ndjson --db $out/camp.db --send maildir:$out/mail --show
say "The messages are files:"
for f in $out/mail/new/*; do echo "  $f"; done
first=$(ls $out/mail/new | head -1)
say "One of them:"
sed 's/\r$//; s/^/  /' "$out/mail/new/$first"
