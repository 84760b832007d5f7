#!/bin/sh
# camp doctor, before a DNS server (dnsmasq) and a relay (Postfix's smtp-sink) that nobody here wrote, on free ports of the loopback.
. "$CAMP_ROOT/tests/8-cli/lib.sh"
for tool in smtp-sink dnsmasq openssl; do
  command -v $tool > /dev/null || { say 1 "$tool is needed; make deps installs it"; finish; }
done
openssl genrsa -out rsa.pem 2048 2> /dev/null; openssl genrsa -out small.pem 1024 2> /dev/null; openssl genpkey -algorithm ed25519 -out ed.pem 2> /dev/null
der() { openssl pkey -in $1 -pubout -outform DER 2> /dev/null | base64 -w0; }
rsa=$(der rsa.pem); small=$(der small.pem); ed=$(openssl pkey -in ed.pem -pubout -outform DER | tail -c 32 | base64 -w0)
long() { printf '%s,%s' "$(echo $1 | cut -c1-200)" "$(echo $1 | cut -c201-)"; } # a text of a record has at most 255 bytes
user=; [ "$(id -u)" = 0 ] && user='-u nobody'
port=$((20000 + $$ % 20000)); dns=$((port + 1))
smtp-sink $user 127.0.0.1:$port 100 > /dev/null 2>&1 & sink=$!
dnsmasq --keep-in-foreground --no-daemon --conf-file=/dev/null --no-resolv --no-hosts --port=$dns --listen-address=127.0.0.1 --bind-interfaces --local=/example/ \
  --txt-record=good.example,"v=spf1 ip4:127.0.0.1 -all" --txt-record=_dmarc.good.example,"v=DMARC1; p=reject" \
  --txt-record=s1._domainkey.good.example,"v=DKIM1; k=rsa; p=$(long $rsa)" --txt-record=s2._domainkey.good.example,"k=ed25519; p=$ed" \
  --txt-record=s3._domainkey.good.example,"v=DKIM1; p=$small" \
  --txt-record=open.example,"v=spf1 +all" --txt-record=_dmarc.open.example,"v=DMARC1; p=none" --txt-record=s1._domainkey.open.example,"v=DKIM1; p=" \
  --txt-record=two.example,"v=spf1 -all" --txt-record=two.example,"v=spf1 ~all" --txt-record=s1._domainkey.two.example,"p=$small" > dns.log 2>&1 & server=$!
trap 'kill $sink $server 2> /dev/null' EXIT
for look in $(seq 50); do
  grep -qi ":$(printf '%04X' $port) 00000000:0000 0A" /proc/net/tcp && grep -qi ":$(printf '%04X' $dns) " /proc/net/udp && break
  sleep 0.1
done
export CAMP_DNS=127.0.0.1:$dns
# What changes from run to run or from machine to machine is named.
doctor() { # FROM KEYS ARGUMENTS…
  from=$1; keys=$2; shift 2
  code=0; CAMP_FROM=$from CAMP_DKIM=$keys camp doctor "$@" > out 2>&1 || code=$?
  sed "s/:$port/:PORT/g; s/[0-9]* ms/N ms/; s/^ok    clock .*/ok    clock      NOW/; s/[0-9]* MB free in .*/N MB free/; s|^\(ok    zones \).*|\1    FOLDER|; s|$rsa|RSA|; s|$small|SMALL|; s|$ed|ED|; s/[0-9]* s ahead/N s ahead/" out
  echo "exit $code"
}
compare() { # NAME COMMAND…
  name=$1; shift
  "$@" > got 2>&1
  [ "${UPDATE:-}" ] && cp got "$golden_dir/$name"
  if cmp -s got "$golden_dir/$name"; then say 0 "$name"; else say 1 "$name"; diff "$golden_dir/$name" got | sed 's/^/# /' | head -30; fi
}
export CAMP_SECRET=mine
compare doctor-good doctor 'Shop <news@good.example>' s1=rsa.pem,s2=ed.pem --send smtp://127.0.0.1:$port
compare doctor-small-key doctor 'Shop <news@good.example>' s3=small.pem --send smtp://127.0.0.1:$port
compare doctor-wrong-key doctor 'Shop <news@good.example>' s2=rsa.pem --send smtp://127.0.0.1:$port
compare doctor-open doctor 'news@open.example' s1=rsa.pem --send smtp://127.0.0.1:$port
compare doctor-two doctor 'news@mail.two.example' s1@two.example=small.pem --send smtp://127.0.0.1:$port
unset CAMP_SECRET
compare doctor-nothing doctor '' '' --send smtp://127.0.0.1:1
compare doctor-unsigned doctor 'news@none.example' '' --send smtp://me@127.0.0.1:$port
compare doctor-key-file doctor 'news@good.example' s1=nothing.pem --send smtp://127.0.0.1:$port?tls=maybe
compare doctor-here doctor '' ''
mkdir scripts; cat > scripts/main.camp <<'C'
topic news
channel sms {
  to contact.phone
  post "https://api.example.com/messages" {
    auth basic secret.sms_id secret.sms_token
    form { To: to, Body: body }
  }
}
message hello { topic news; subject "Hello"; body "Hello. {{ unsubscribe_url }}" }
message word { transactional; channel sms; body "Hello." }
when signup then { subscribe to news, send hello, send word }
C
compare doctor-project-bare doctor '' '' scripts
export CAMP_SECRET_SMS_ID=id CAMP_SECRET_SMS_TOKEN=token CAMP_SECRET=mine CAMP_BASE_URL=https://mail.example.com
compare doctor-project doctor '' '' scripts
unset CAMP_SECRET_SMS_ID CAMP_SECRET_SMS_TOKEN CAMP_SECRET CAMP_BASE_URL
echo 'when purchas then tag "x"' > wrong.camp
compare doctor-project-wrong doctor '' '' wrong.camp
echo 'when purchase then tag "x"' > p.camp; camp run p.camp --db t.db --until-idle > /dev/null
compare doctor-database doctor '' '' --db t.db
sqlite3 t.db 'update clock set now = 4102444800000'
compare doctor-clock doctor '' '' --db t.db
echo 'this is no database, it is a text of more than a hundred bytes, so that nobody takes it for an empty file by mistake' > bad.db
compare doctor-damaged doctor '' '' --db bad.db
CAMP_DNS=nowhere; compare doctor-dns doctor 'news@good.example' s1=rsa.pem --send smtp://127.0.0.1:$port
finish
