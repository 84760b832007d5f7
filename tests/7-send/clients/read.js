// Reads one mail with mailparser and prints what it found, a line each; verifies its signatures with mailauth.
//   node read.js MAIL KEYS-JSON
const fs = require("fs"), crypto = require("crypto");
const need = name => require(require.resolve(name, { paths: [process.env.CLIENTS] }));
const { simpleParser } = need("mailparser"), { dkimVerify } = need("mailauth/lib/dkim/verify");
const raw = fs.readFileSync(process.argv[2]), keys = JSON.parse(fs.readFileSync(process.argv[3]));
const say = (name, value) => console.log(name + ": " + value);
(async () => {
  const mail = await simpleParser(raw, { skipImageLinks: true });
  say("subject", mail.subject);
  say("from", mail.from.text);
  say("reply to", mail.replyTo ? mail.replyTo.text : "none");
  say("to", mail.to.text);
  for (const name of ["precedence", "auto-submitted", "feedback-id"]) say(name, mail.headers.get(name));
  const list = mail.headers.get("list");
  say("list-unsubscribe-post", JSON.stringify(list["unsubscribe-post"]));
  say("list-id", JSON.stringify(list.id));
  say("unsubscribe", list.unsubscribe.url.replace(/(-[a-z2-7]{8})?\.[a-z0-9]{26}$/, ".MAC") + " " + list.unsubscribe.mail.replace(/\.[a-z0-9]{26}@/, ".MAC@"));
  for (const file of mail.attachments)
    say("file", [file.contentDisposition, file.contentType, file.filename || file.cid, file.size, crypto.createHash("sha256").update(file.content).digest("hex").slice(0, 12)].join(" "));
  say("cid shown", mail.html.includes("cid:" + mail.attachments.find(f => f.related).cid));
  say("links", [...mail.html.matchAll(/href=["']([^"']*)["']/g)].map(m => m[1].replace(/(-[a-z2-7]{8})?\.[a-z0-9]{26}$/, ".MAC")).join(" "));
  say("pixel", /<img src="https:\/\/mail\.shop\.example\/o\/[0-9]+\.[a-z2-7]{26}\.gif" width="1"/.test(mail.html));
  say("text", JSON.stringify(mail.text.replace(/(-[a-z2-7]{8})?\.[a-z0-9]{26}/g, ".MAC")));
  const { results } = await dkimVerify(raw, { resolver: async name => [[keys[name]]] });
  for (const result of results) say("dkim " + result.algo, result.status.result + " " + result.signingDomain);
  const signed = results.every(r => ["list-unsubscribe", "list-unsubscribe-post"].every(h => r.signingHeaders.keys.toLowerCase().includes(h)));
  say("dkim signs the ways out", signed);
})().catch(error => { console.log(error.stack); process.exit(1); });
