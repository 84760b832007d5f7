// Opens a delivered mail's page in Chromium, as a reader would: looks whether it is laid out and its pictures are there, takes a picture of it, and
// clicks each link. Where links of ours lead (CAMP_BASE_URL) stands a server of this test, which answers as one of Camp's would and writes its log.
//   node browse.js serve LOG PORTFILE      the server: /c/ID-N-VERSION leads on to /targetN, /u/ shows a button, /o/ is a picture
//   node browse.js look MAIL FOLDER         the reader: what it finds, a line each; FOLDER/mail.png
// Chromium is spoken to by its own protocol over a pipe, so no package stands between.
const fs = require("fs"), http = require("http"), path = require("path");
const { spawn } = require("child_process");
const say = (name, value) => console.log(name + ": " + value);

function serve(log, portFile) {
  const line = (q, status) => fs.appendFileSync(log,
    `127.0.0.1 - - [22/Nov/2026:10:00:00 +0000] "${q.method} ${q.url} HTTP/1.1" ${status} 0 "-" "${q.headers["user-agent"]}"\n`);
  const server = http.createServer((q, a) => {
    const answer = (status, headers, body) => { line(q, status); a.writeHead(status, headers); a.end(body); };
    const page = text => `<!doctype html><title>${text}</title><p id=said>${text}`;
    q.resume();
    if (q.url.startsWith("/c/")) return answer(302, { location: "/target" + /-(\d+)-/.exec(q.url)[1] });
    if (q.url.startsWith("/o/")) return answer(200, { "content-type": "image/gif" }, Buffer.from("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7", "base64"));
    if (q.url.startsWith("/u/") && q.method === "POST") return answer(200, { "content-type": "text/html" }, page("gone"));
    if (q.url.startsWith("/u/"))
      return answer(200, { "content-type": "text/html" }, page("leave?") + "<form method=post><button id=leave>Leave</button></form>");
    answer(200, { "content-type": "text/html" }, page(q.url));
  });
  server.listen(0, "127.0.0.1", () => { fs.writeFileSync(portFile + ".new", String(server.address().port)); fs.renameSync(portFile + ".new", portFile); });
}

class Browser {
  constructor(folder) {
    const root = process.getuid() === 0 ? ["--no-sandbox"] : []; // Chromium has no sandbox for root
    this.process = spawn("chromium", [...root, "--headless=new", "--remote-debugging-pipe", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=700,900", "--user-data-dir=" + path.join(folder, "profile"),
      "about:blank"], { stdio: ["ignore", "ignore", fs.openSync(path.join(folder, "chromium.log"), "w"), "pipe", "pipe"] });
    this.waiting = new Map(); this.heard = []; this.next = 0;
    let rest = "";
    this.process.stdio[4].on("data", data => {
      const parts = (rest + data).split("\0");
      rest = parts.pop();
      for (const part of parts) this.take(JSON.parse(part));
    });
    this.process.on("exit", code => { for (const w of this.waiting.values()) w.reject(new Error("chromium ended with " + code)); });
  }
  take(message) {
    const w = this.waiting.get(message.id);
    if (w) { this.waiting.delete(message.id); message.error ? w.reject(new Error(w.method + ": " + message.error.message)) : w.resolve(message.result); }
    for (const h of this.heard.filter(h => h.method === message.method && h.session === message.sessionId)) { this.heard.splice(this.heard.indexOf(h), 1); h.resolve(message.params); }
  }
  call(method, params = {}, sessionId = this.session) {
    return new Promise((resolve, reject) => {
      this.waiting.set(++this.next, { resolve, reject, method });
      this.process.stdio[3].write(JSON.stringify({ id: this.next, method, params, sessionId }) + "\0");
    });
  }
  hear(method) { return new Promise(resolve => this.heard.push({ method, session: this.session, resolve })); }
  async page() {
    const { targetId } = await this.call("Target.createTarget", { url: "about:blank" }, undefined);
    this.session = (await this.call("Target.attachToTarget", { targetId, flatten: true }, undefined)).sessionId;
    await this.call("Page.enable");
  }
  async loaded(doing) { const loaded = this.hear("Page.loadEventFired"); await doing(); await loaded; }
  goto(url) { return this.loaded(() => this.call("Page.navigate", { url })); }
  async ask(expression) {
    const r = await this.call("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (r.exceptionDetails) throw new Error(expression + ": " + r.exceptionDetails.text);
    return r.result.value;
  }
  // A click by the mouse, where the element is: what lies over it would get it instead.
  async click(selector) {
    const at = await this.ask(`(() => { const e = document.querySelector(${JSON.stringify(selector)}); e.scrollIntoView(); const r = e.getClientRects()[0];
      return { x: r.x + r.width / 2, y: r.y + r.height / 2 }; })()`);
    for (const type of ["mousePressed", "mouseReleased"]) await this.call("Input.dispatchMouseEvent", { type, ...at, button: "left", clickCount: 1 });
  }
  close() { this.process.kill("SIGKILL"); }
}

async function look(mailFile, folder) {
  const { simpleParser } = require(require.resolve("mailparser", { paths: [process.env.CLIENTS] }));
  const mail = await simpleParser(fs.readFileSync(mailFile)); // pictures by cid become data: of the page, as a mail program shows them
  const file = path.join(folder, "mail.html"), page = "file://" + file;
  fs.writeFileSync(file, mail.html);
  const b = new Browser(folder);
  setTimeout(() => { console.log("took longer than a minute"); b.close(); process.exit(1); }, 60000).unref();
  try {
    await b.page();
    await b.goto(page);
    say("title", await b.ask("document.title"));
    say("pictures", await b.ask("[...document.images].filter(i => i.alt).map(i => i.alt + ' ' + (i.complete && i.naturalWidth > 0 ? 'shown ' + i.width + 'x' + i.height : 'missing')).join(', ')"));
    say("pixel", await b.ask("[...document.images].filter(i => !i.alt).map(i => i.complete && i.naturalWidth === 1 ? 'fetched' : 'missing').join()"));
    const box = await b.ask("(() => { const r = document.querySelector('h1').getBoundingClientRect(); return { w: r.width, h: r.height, all: document.body.scrollHeight, wide: document.documentElement.scrollWidth }; })()");
    say("layout", box.w > 300 && box.h > 15 && box.all > 150 && box.wide <= 700 ? "has width and height, and fits the window" : JSON.stringify(box));
    say("colour of the heading", await b.ask("getComputedStyle(document.querySelector('h1')).color"));
    say("scripts of contacts", await b.ask("String(window.attacked)"));
    fs.writeFileSync(path.join(folder, "mail.png"), Buffer.from((await b.call("Page.captureScreenshot", { format: "png" })).data, "base64"));
    const links = await b.ask("[...document.links].map(l => l.textContent)");
    for (let i = 0; i < links.length; i++) {
      await b.goto(page);
      await b.ask(`document.links[${i}].id = 'this-one'; document.links[${i}].target = ''`);
      await b.loaded(() => b.click("#this-one"));
      say("link " + links[i], await b.ask("document.querySelector('#said') ? document.querySelector('#said').textContent : location.href"));
      if (await b.ask("!!document.querySelector('#leave')")) {
        await b.loaded(() => b.click("#leave"));
        say("button", await b.ask("document.querySelector('#said').textContent"));
      }
    }
  } finally { b.close(); }
}

const [what, ...rest] = process.argv.slice(2);
if (what === "serve") serve(...rest);
else look(...rest).then(() => process.exit(0), error => { console.log(error.stack); process.exit(1); });
