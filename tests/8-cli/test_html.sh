#!/bin/sh
# The warning about HTML that does not close: each line is a body and what is said of it, or `-` when nothing is wrong with it.
. "$CAMP_ROOT/tests/8-cli/lib.sh"
while IFS='|' read -r wanted body; do
  printf 'contact { city: text }\nmessage m { subject "S"; body """\n%s\n""" }\nwhen signup then send m\n' "$body" > a.camp
  same "$body" "$wanted" "$(camp check --format short a.camp 2>&1 | sed -n 's/.*\[W0195\]: //p' | grep . || echo -)"
done <<'END'
-|<a href=https://x.example/>x</a>
-|<p>a<p>b
-|<ul><li>a<li>b</ul>
-|<table><tr><td>a<td>b<tr><td>c</table>
-|<!--[if mso]><table><tr><td><![endif]--><p>x</p><!--[if mso]></td></tr></table><![endif]-->
-|<!--[if !mso]><!--><p>x</p><!--<![endif]-->
-|<![if !mso]><p>x</p><![endif]>
-|{% if contact.city %}<div class="a">{% else %}<div class="b">{% endif %}x</div>
-|<a {% if contact.city %}href="https://x.example/"{% endif %}>x</a>
-|<img src="https://x.example/a.png" alt="a > b"><BR><Hr/>
-|<DIV>x</div>
-|<svg viewBox="0 0 1 1"><path d="M0 0"/></svg>
-|<v:rect xmlns:v="x"><v:fill/></v:rect>
-|<o:p></o:p><p>a</p>
-|<title>a < b</title><p>1 < 2 & 3 > 2</p>
-|<p>a <3 b</p>
-|{% for i in (1..3) %}<td>{{ i }}</td>{% endfor %}
`<b>` is not closed before `</div>`|<div>{% raw %}<b>{% endraw %}</div>
-|<p title="{{ contact.city | default: "<b>" }}">x</p>
-|{% assign x = "<b>" %}<p>{{ x }}</p>
-|<a href='https://x.example/?q="'>x</a>
-|<p>a</p></p>
-|<style>a > b { content: "</b>" }</style><p>x</p>
-|<center><font color=red>x</font></center>
-|<b>{% case contact.city %}{% when "a" %}x</b>{% else %}y</b>{% endcase %}
-|<textarea><b></textarea><p>x</p>
-|<p>{% comment %}<b>{% endcomment %}</p>
-|<a href="https://x.example/" >x</a ><br / >
`<b>` is never closed|<b>x
`<b>` is not closed before `</div>`|<div><b>x</div>
`</b>` closes what nothing opened|<p>x</b></p>
`<b>` is not closed before `</td>`|<table><tr><td><b>x</td></tr></table>
`<a>` has a quote that is never closed|<a href="https://x.example/>x</a>
`<i>` is not closed before `</b>`|<b><i>x</b></i>
`<div>` is never closed|<div><div>x</div>
`</h2>` closes what nothing opened|<h1>x</h2>
`<p>` has a quote that is never closed|<p title="a>x</p>
`<div>` is never closed|<div {% if contact.city %}class="a"{% endif %}>x
`<b>` is not closed before `</p>`|{% if contact.city %}<p><b>x</p>{% endif %}
`<!--` is never closed|<!-- x <p>a</p>
`<style>` is never closed|<style>p{} <p>a</p>
`</p>` has no `>`|<p>a</p
`<title>` is never closed|<title>x<p>y</p>
-|<img src=https://x.example/a.png alt=x/><a href=/x/ class=a>y</a>
-|<p class={{ contact.city }}/>x</p>
END
# --- files as others save them ----------------------------------------------------------------------------------------
mkdir snippets
cat > file.camp <<'END'
message m { subject "S"; body file "b.html" }
message n { subject "S"; body "<p>x</p>{% render 'word' %}"; text file "b.txt" }
when signup then { send m, send n }
END
said() { printf "$1" > b.html; printf "$2" > b.txt; printf "$3" > snippets/word.liquid; camp check --format short file.camp 2>&1; }
same "a mark of the byte order is none of the text" "" "$(said '\357\273\277<p>a</p>' '\357\273\277a' '\357\273\277a')"
holds "a page that begins with one is a page" sh -c 'camp preview file.camp m > out && camp preview file.camp n >> out && ! grep -q "$(printf "\357\273\277")" m.html n.html n.txt && grep -q "^<p>a</p>" m.html'
same "UTF-16, Latin-1 and NUL bytes are told of, once each" 'b.html:1:1: error[E0101]: this file is UTF-16
b.txt:1:4: error[E0101]: this byte is not UTF-8
snippets/word.liquid:2:2: error[E0102]: this file is no text: it holds a NUL byte' "$(said '\377\376<\0p\0' 'caf\351\n' 'a\nb\0c')"
# --- what a mail is not -----------------------------------------------------------------------------------------------
cat > not.camp <<'END'
message text { subject "S"; body "Hello <b>Ann</b>, I <3 you, a < b > c" }
message heart { subject "S"; body "I <3 you, a < b > c" }
message page {
  subject "S"
  body """
    <table background="bg.png"><tr><td style="color:red; background:url('../a b.png')">x</td></tr></table>
    <p style="background:url(https://x.example/b.png)"><img src="https://x.example/a.png" srcset="a.png 1x" alt="A">
    <a href="/sale">y</a> <a href="//x.example/e">z</a></p>
    """
}
when signup then { send text, send heart, send page }
END
{ printf 'message deep { subject "S"; body """\n'; for i in $(seq 300); do printf '<div>'; done; printf x; for i in $(seq 300); do printf '</div>'; done; printf '\n""" }\nwhen signup then send deep\n'; } > deep.camp
same "a page that is nested too deep has no text, which is said" "deep.camp:1:9: warning[W0182]: no text could be made of its page, for readers whose programs show no HTML" \
  "$(camp check --format short deep.camp 2>&1 | cut -d ';' -f 1)"
golden html-not 0 camp check --format short not.camp
finish
