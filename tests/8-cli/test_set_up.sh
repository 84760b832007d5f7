#!/bin/sh
# tests/tools/deps.sh on machines that lack something: what it says, what it runs, when it stops. dpkg-query, id and apt-get are
# stand-ins here.
set -u
. "$CAMP_ROOT/tests/8-cli/lib.sh"
mkdir stubs
cat > stubs/dpkg-query <<'S'
#!/bin/sh
for last; do :; done
case " $LACKS " in *" $last "*) exit 1 ;; *) printf installed ;; esac
S
printf '#!/bin/sh\necho "$USER_ID"\n' > stubs/id
printf '#!/bin/sh\necho "apt-get $*" >> apt.log\n' > stubs/apt-get
chmod +x stubs/*
deps() { PATH=$PWD/stubs:$PATH sh "$CAMP_ROOT/tests/tools/deps.sh" "$@"; }
export LACKS USER_ID
LACKS=; USER_ID=1000
golden deps-nothing 0 deps
LACKS="lemon libsqlite3-dev clang"
golden deps-no-root 1 deps
golden deps-no-root-build 1 deps build
holds "nothing is run without root" test ! -e apt.log
USER_ID=0
golden deps-root 0 deps build
golden deps-log 0 cat apt.log
finish
