#!/bin/sh
# Generates LINES lines of one language, the same decisions in each: about 20 lines for each of LINES / 20 campaigns.
#
#   gen_project.sh camp DIR LINES      a project: files of 1,000 lines in DIR
#   gen_project.sh lua|c|sieve FILE LINES
#
# All names are distinct, as in a large account: nothing is won by seeing one campaign again and again.
set -eu
kind=${1:?which language?}; out=${2:?where to?}; lines=${3:?how many lines?}
units=$(((lines + 19) / 20))

case $kind in
camp)
  mkdir -p "$out"
  awk -v units="$units" -v dir="$out" 'BEGIN {
    for (i = 1; i <= units; i++) {
      if (i % 50 == 1) { if (f) close(f); f = sprintf("%s/part_%04d.camp", dir, (i - 1) / 50) }
      printf "event ordered_%d { order_id: text; amount: money; source: text }\n", i > f
      printf "define regular_%d = count(ordered_%d) >= %d\n", i, i, i % 7 + 2 > f
      printf "message hello_%d { channel email; subject \"Hello {{ contact.first_name | default: \"friend\" }}\"; body \"Order %d is on its way.\" }\n", i, i > f
      printf "message offer_%d { channel email; subject \"Something for you\"; body \"Offer %d\" }\n", i, i > f
      printf "## Follows the orders of shop %d.\n", i > f
      printf "campaign follow_%d {\n", i > f
      printf "  start when ordered_%d where (amount > %d EUR and source is not \"import\")\n", i, i % 90 + 10 > f
      printf "  entry once per ordered_%d.order_id\n", i > f
      printf "  stop when unsubscribe\n" > f
      printf "  send hello_%d\n", i > f
      printf "  wait for open of hello_%d up to %dd {\n", i, i % 5 + 1 > f
      printf "    if regular_%d and sum(ordered_%d.amount, last %dd) > %d EUR {\n", i, i, i % 60 + 30, i % 400 + 100 > f
      printf "      tag \"buyer_%d\"\n", i % 100 > f
      printf "    } else {\n" > f
      printf "      send offer_%d\n", i > f
      printf "    }\n" > f
      printf "  }\n" > f
      printf "  wait %dd\n", i % 9 + 1 > f
      printf "  if no purchase in last %dd { send offer_%d }\n", i % 30 + 1, i > f
      printf "}\n" > f
    }
  }' ;;
lua)
  # Globals, since one Lua function may have 200 locals only.
  awk -v units="$units" 'BEGIN {
    for (i = 1; i <= units; i++) {
      printf "function regular_%d(contact)\n  return count(contact, \"ordered_%d\") >= %d\nend\n", i, i, i % 7 + 2
      printf "hello_%d = { channel = \"email\", subject = \"Hello\", body = \"Order %d is on its way.\" }\n", i, i
      printf "offer_%d = { channel = \"email\", subject = \"Something for you\", body = \"Offer %d\" }\n", i, i
      printf "-- Follows the orders of shop %d.\nfunction follow_%d(contact, event)\n", i, i
      printf "  if event.amount > %d and event.source ~= \"import\" then\n", i % 90 + 10
      printf "    send(contact, hello_%d)\n", i
      printf "    if wait_for(contact, \"open\", hello_%d, %d) then\n", i, i % 5 + 1
      printf "      if regular_%d(contact) and sum(contact, \"ordered_%d\", %d) > %d then\n", i, i, i % 60 + 30, i % 400 + 100
      printf "        tag(contact, \"buyer_%d\")\n", i % 100
      printf "      else\n        send(contact, offer_%d)\n      end\n    end\n", i
      printf "    wait(contact, %d)\n", i % 9 + 1
      printf "    if did(contact, \"purchase\", %d) == false then send(contact, offer_%d) end\n  end\nend\n", i % 30 + 1, i
    }
  }' > "$out" ;;
c)
  awk -v units="$units" 'BEGIN {
    print "struct contact; struct event { double amount; const char *source; }; struct message { const char *channel, *subject, *body; };"
    print "int count(struct contact *, const char *); double sum(struct contact *, const char *, int); int did(struct contact *, const char *, int); int is(const char *, const char *);"
    print "void send(struct contact *, struct message *); int wait_for(struct contact *, const char *, struct message *, int); void tag(struct contact *, const char *); void wait(struct contact *, int);"
    for (i = 1; i <= units; i++) {
      printf "int regular_%d(struct contact *contact) {\n  return count(contact, \"ordered_%d\") >= %d;\n}\n", i, i, i % 7 + 2
      printf "struct message hello_%d = { \"email\", \"Hello\", \"Order %d is on its way.\" };\n", i, i
      printf "struct message offer_%d = { \"email\", \"Something for you\", \"Offer %d\" };\n", i, i
      printf "/* Follows the orders of shop %d. */\nvoid follow_%d(struct contact *contact, struct event *event) {\n", i, i
      printf "  if (event->amount > %d && !is(event->source, \"import\")) {\n", i % 90 + 10
      printf "    send(contact, &hello_%d);\n", i
      printf "    if (wait_for(contact, \"open\", &hello_%d, %d)) {\n", i, i % 5 + 1
      printf "      if (regular_%d(contact) && sum(contact, \"ordered_%d\", %d) > %d) {\n", i, i, i % 60 + 30, i % 400 + 100
      printf "        tag(contact, \"buyer_%d\");\n", i % 100
      printf "      } else {\n        send(contact, &offer_%d);\n      }\n    }\n", i
      printf "    wait(contact, %d);\n", i % 9 + 1
      printf "    if (!did(contact, \"purchase\", %d)) send(contact, &offer_%d);\n  }\n}\n", i % 30 + 1, i
    }
  }' > "$out" ;;
sieve)
  awk -v units="$units" 'BEGIN {
    print "require [\"fileinto\", \"imap4flags\", \"reject\"];"
    for (i = 1; i <= units; i++) {
      printf "# Follows the orders of shop %d.\n", i
      printf "if allof (header :contains \"x-event\" \"ordered_%d\",\n          not header :is \"x-source\" \"import\") {\n", i
      printf "  addflag \"hello_%d\";\n", i
      printf "  if header :is \"x-open\" \"hello_%d\" {\n", i
      printf "    if anyof (header :is \"x-regular\" \"%d\",\n              size :over %dK) {\n", i, i % 400 + 100
      printf "      addflag \"buyer_%d\";\n", i % 100
      printf "    } else {\n      fileinto \"offer_%d\";\n    }\n  }\n", i
      printf "  if not exists \"x-purchase-%d\" {\n    addflag \"offer_%d\";\n  }\n", i % 30 + 1, i
      printf "  if header :matches \"subject\" \"*order %d*\" {\n    fileinto \"orders_%d\";\n    addflag \"seen_%d\";\n  }\n}\n", i, i, i
    }
  }' > "$out" ;;
*) echo "gen_project.sh: no language $kind: camp, lua, c or sieve" >&2; exit 2 ;;
esac
