# Sourced by tests that read mails with programs of npm: $clients is where ours stand, $CLIENTS where clients/package.json is installed.
clients=$CAMP_ROOT/tests/7-send/clients; CLIENTS=$CAMP_ROOT/build/mail-clients; export CLIENTS
for tool in node npm; do
  command -v $tool > /dev/null || { say 1 "$tool is needed; make deps installs it"; finish; }
done
mkdir -p "$CLIENTS"
# Several tests may begin at once.
if ! cmp -s "$clients/package.json" "$CLIENTS/installed.json"; then
  flock "$CLIENTS/lock" sh -c '
    cmp -s "$1/package.json" "$CLIENTS/installed.json" && exit
    cp "$1/package.json" "$CLIENTS/package.json" && cd "$CLIENTS" &&
      npm install --no-package-lock --ignore-scripts --omit=optional --no-audit --no-fund && cp package.json installed.json' - "$clients" > npm.log 2>&1 ||
    { say 1 "npm could not install what clients/package.json names"; sed 's/^/# /' npm.log; finish; }
fi
