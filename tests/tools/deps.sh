#!/bin/sh
# Installs what is missing to build (deps.sh build) or to build and test (deps.sh), with apt. Says what it will install; without
# root it prints the command and stops; does nothing when all is there. DEPS_DRY=1 only prints.
set -eu
build="gcc libc6-dev make pkg-config re2c lemon libsqlite3-dev libpcre2-dev libssl-dev libcurl4-openssl-dev libgmime-3.0-dev libgumbo-dev libidn2-dev tzdata"
test="graphviz spamassassin clang libclang-rt-14-dev libcmocka-dev libjansson-dev sqlite3 vim openssl postfix python3-dkim dnsmasq-base chromium libnss-wrapper libidn12 libgnutls-dane0 libnsl2 libdb5.3"
# Node is often there from elsewhere, so its commands are asked for and not its packages.
command -v node > /dev/null && command -v npm > /dev/null || test="$test nodejs npm"
[ "${1:-all}" = build ] && wanted=$build || wanted="$build $test"

if ! command -v dpkg-query > /dev/null || ! command -v apt-get > /dev/null; then
  # Elsewhere the packages have other names: look for what they bring.
  missing=
  for tool in cc make pkg-config re2c lemon; do command -v $tool > /dev/null || missing="$missing $tool"; done
  for lib in sqlite3 libpcre2-8 libcrypto libcurl gmime-3.0 gumbo libidn2; do pkg-config --exists $lib 2> /dev/null || missing="$missing $lib"; done
  [ -z "$missing" ] && exit 0
  echo "This is no Debian system, so nothing can be installed here. Missing:$missing" >&2
  exit 1
fi

missing=
for package in $wanted; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null || true)" = installed ] && continue
  missing="$missing $package"
done
[ -z "$missing" ] && exit 0

echo "Missing packages:$missing"
command="apt-get install -y --no-install-recommends$missing"
if [ "${DEPS_DRY:-}" ]; then echo "$command"; exit 1; fi
if [ "$(id -u)" != 0 ]; then
  echo "They are installed by this command, as root; then run make again:" >&2
  echo "  sudo sh -c 'apt-get update && $command'" >&2
  exit 1
fi
echo "Installing them: $command"
apt-get update -q
DEBIAN_FRONTEND=noninteractive $command
