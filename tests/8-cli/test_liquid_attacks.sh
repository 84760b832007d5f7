#!/bin/sh
# Templates and data that want to hurt; each is a test of its own.
set -u
exec node "$CAMP_ROOT/tests/tools/liquid_attacks.js" "$CAMP"
