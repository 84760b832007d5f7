#!/bin/sh
# The whole way round with a second dialect, exim4 on the loopback: mails accepted over TLS and without, refused at the door, and failed
# later, when exim's own bounce comes back to our VERP address. exim needs root; it runs unpacked, with names of its own for users.
. "$CAMP_ROOT/tests/7-send/sink.sh"
if [ "$(id -u)" != 0 ]; then echo "# not root: exim is not started"; say 0 "nothing to do"; finish; fi
sh "$CAMP_ROOT/tests/tools/exim.sh" > out 2>&1 || { say 1 "exim4 is needed; make deps brings it"; sed 's/^/# /' out; finish; }
exim=$CAMP_ROOT/build/exim4/usr/sbin/exim4; wrapper=$(find /usr/lib -name libnss_wrapper.so 2> /dev/null | head -1)
[ "$wrapper" ] || { say 1 "libnss-wrapper is needed; make deps installs it"; finish; }
export CAMP_SECRET='a secret of this test' CAMP_RETURN_PATH=bounce@shop.example
cat > p.camp <<'C2'
use engagement
message hello { channel email; subject "Hello"; body "Hi\n" }
hello_rule: when purchase then send hello
list dead
when bounce of hello where kind is "permanent" then join dead
C2
for who in ok@good.example no@dead.example full@full.example blocked@policy.example gone@door.example later@later.example; do
  echo "{\"type\":\"track\",\"event\":\"purchase\",\"userId\":\"$who\",\"messageId\":\"$who\"}"
done > e.ndjson

# Where exim hands mail for dead.example on: a server that knows nobody.
python3 "$CAMP_ROOT/tests/7-send/smtp_server.py" port stats rcpt:550_5.1.1_no_such_user_here 2> server.log & server=$!
for look in $(seq 100); do [ -s port ] && break; sleep 0.1; done
onward=$(cat port)
base=$TMPDIR/exim; mkdir -p "$base/spool" "$base/log" "$base/mail"; chmod 755 "$TMPDIR" "$base"; chown nobody "$base"/*
{ cat /etc/passwd; echo "Debian-exim:x:$(id -u nobody):$(id -g nobody)::/:/bin/false"; } > "$base/passwd"
{ cat /etc/group; echo "Debian-exim:x:$(id -g nobody):"; } > "$base/group"
for try in 1 2 3 4 5; do port=$((port + 2)); listens $port || listens $((port + 1)) || break; done
strict=$((port + 1))
# An authority of our own, and a certificate of it for `localhost` alone.
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 3650 -subj '/CN=an authority of this test' 2> /dev/null
openssl req -newkey rsa:2048 -nodes -keyout "$base/key.pem" -out mx.csr -subj /CN=localhost 2> /dev/null
printf 'subjectAltName=DNS:localhost\n' > mx.ext
openssl x509 -req -in mx.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -extfile mx.ext -out "$base/cert.pem" 2> /dev/null
chown nobody "$base/key.pem"
cat > "$base/exim.conf" <<C2
exim_path = $exim
keep_environment = LD_PRELOAD : NSS_WRAPPER_PASSWD : NSS_WRAPPER_GROUP
spool_directory = $base/spool
log_file_path = $base/log/%slog
pid_file_path = $base/exim.pid
primary_hostname = mx.shop.example
daemon_smtp_ports = $port : $strict
tls_advertise_hosts = *
tls_certificate = $base/cert.pem
tls_privatekey = $base/key.pem
auth_advertise_hosts = \${if eq{\$tls_in_cipher}{}{}{*}}
local_interfaces = 127.0.0.1
queue_only = true
host_lookup =
acl_smtp_rcpt = check_rcpt
acl_smtp_data = accept
begin acl
check_rcpt:
  deny condition = \${if eq{\$received_port}{$strict}}
       !authenticated = *
       message = 5.7.0 who are you?
  deny domains = policy.example
       message = 5.7.1 we do not like you
  deny domains = door.example
       message = 5.1.1 no such user here
  defer domains = later.example
       message = 4.2.0 come again
  accept hosts = 127.0.0.1
begin routers
good:
  driver = accept
  domains = good.example
  transport = void
dead:
  driver = manualroute
  domains = dead.example
  transport = onward
  route_list = * 127.0.0.1
  self = send
full:
  driver = redirect
  domains = full.example
  allow_fail
  data = :fail: 5.2.2 mailbox full
ours:
  driver = accept
  domains = shop.example
  transport = box
begin transports
onward:
  driver = smtp
  port = $onward
  hosts_avoid_tls = *
  allow_localhost
void:
  driver = appendfile
  file = /dev/null
  user = nobody
box:
  driver = appendfile
  directory = $base/mail/box
  maildir_format
  create_directory
  envelope_to_add
  return_path_add
  user = nobody
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = \${if and{{eq{\$auth2}{shop}}{eq{\$auth3}{pass word+%&é}}}}
  server_set_id = \$auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = \${if and{{eq{\$auth1}{shop}}{eq{\$auth2}{pass word+%&é}}}}
  server_set_id = \$auth1
begin retry
* * F,1h,1m
C2
LD_PRELOAD=$wrapper NSS_WRAPPER_PASSWD=$base/passwd NSS_WRAPPER_GROUP=$base/group "$exim" -C "$base/exim.conf" -bdf -q1s > exim.log 2>&1 & daemon=$!
trap 'kill $daemon $server 2> /dev/null; wait $daemon 2> /dev/null' EXIT
for look in $(seq 100); do listens $port && break; sleep 0.1; done
send_to "smtp://127.0.0.1:$port?tls=off&connections=1" > out 2>&1
same "exim's answers, in its words" "blocked@policy.example|deferred|550 5.7.1 we do not like you
full@full.example|sent|
gone@door.example|failed|550 5.1.1 no such user here
later@later.example|deferred|451 4.2.0 come again
no@dead.example|sent|
ok@good.example|sent|" "$(sqlite3 t.db 'select contact, state, reason from message order by contact' | sed 's/|451 4.2.0 |/|451 4.2.0 come again|/')"
[ "$(states)" ] || sed 's/^/# /' out exim.log "$base"/log/* | head -40
for look in $(seq 200); do [ "$(ls "$base/mail/box/new" 2> /dev/null | wc -l)" -ge 2 ] && break; sleep 0.1; done
camp inbound "$base/mail/box" --db t.db > events 2> summary
sed 's/.*"event":"\([a-z]*\)","userId":"\([^"]*\)".*"kind":"\([a-z]*\)","status":"\([0-9.]*\)".*/\1 \2 \3 \4/' events | sort > shown
same "its bounces become events" "bounce full@full.example temporary 5.0.0
bounce no@dead.example permanent 5.1.1" "$(cat shown)"
cat events events | timeout --foreground 60 camp run p.camp --db t.db --events - --until-idle > out 2>&1
same "a script acts on it, once" "no@dead.example 2" \
  "$(sqlite3 -separator ' ' t.db "select contact, (select count(*) from history where event = 'bounce') from membership where list = 'dead'")"
# Over TLS, as a relay on this machine is spoken to.
rm -f t.db*; head -1 e.ndjson > one; mv one e.ndjson; : > "$base/log/mainlog"
send_to "smtp://127.0.0.1:$port?tls=try" > out 2>&1
same "over TLS too" "sent 1 1" "$(states)$(grep -c '<= bounce.* X=TLS1' "$base/log/mainlog")"
# A password, over TLS of an authority that CAMP_CA names, to exim's own AUTH. What is not right ends before a mail is begun, and is said.
give() { # SECONDS SPEC
  rm -f t.db*; : > "$base/log/mainlog"
  T=$1 send_to "$2" > out 2>&1; sed -n 's/^camp run: [^ ]*: \(.*\); next try in 1 s$/\1/p' out | head -1 > said
}
export CAMP_CA=$PWD/ca.pem CAMP_SMTP_PASSWORD='pass word+%&é'
give 60 "smtp://shop@localhost:$strict?name=me.shop.example"
same "a password over TLS that was looked at" "sent 1 1 1" "$(states)$(grep -c '<= bounce.* X=TLS1.* A=plain:shop' "$base/log/mainlog") $(grep -c 'CV=\|H=(me.shop.example)' "$base/log/mainlog")"
CAMP_SMTP_PASSWORD=wrong give 3 "smtp://shop@localhost:$strict"
same "a wrong password" "ready 1 user or password refused: 535 Incorrect authentication data" "$(states)$(cat said)"
CAMP_CA= give 3 "smtp://shop@localhost:$strict?tls=require"
same "an authority that nobody named" "ready 1 SSL peer certificate or SSH remote key was not OK" "$(states)$(cat said)"
give 3 "smtp://shop@127.0.0.1:$strict?tls=require"
same "another name than the certificate's" "ready 1 SSL peer certificate or SSH remote key was not OK" "$(states)$(cat said)"
give 3 "smtp://localhost:$strict"
same "without a user: it refuses us, and the mail waits" "deferred 1 550 5.7.0 who are you?" "$(states)$(sqlite3 t.db 'select reason from message')"
for spec in "smtp://shop@mx.example?tls=try" "smtp://shop@mx.example?tls=off"; do
  refuses "$spec: the password could be read on its way" 2 "a password travels only over TLS" camp run p.camp --db x.db --live --send "$spec"
done
finish
