// Restate at the journey: a delayed one-way call is the sleeping contact, a completed ctx.run in the handler the message.
//
// The call by delay costs it less than a handler that starts, sleeps and is resumed, so that is what is measured. The ingress
// takes no batches; calls go in many at a time over connections that are kept.
import * as restate from '@restatedev/restate-sdk';
import http from 'node:http';
import http2 from 'node:http2';
import { clock, contact, count, each, pause } from './journey.mjs';

// Node 20 lacks this one function of those that the SDK calls.
Promise.withResolvers ??= () => {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
};

const ingress = Number(process.env.PEERS_RESTATE_INGRESS), admin = Number(process.env.PEERS_RESTATE_ADMIN);
const width = Number(process.env.PEERS_CONCURRENCY ?? 300);
let sent = 0;
const journey = restate.service({
  name: 'journey',
  handlers: {
    send: async (ctx, event) => {
      await ctx.run('sent', () => `${event.contact} coupon25`);
      sent++;
    },
  },
});
const server = http2.createServer(restate.createEndpointHandler({ services: [journey] }));
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));

const agent = new http.Agent({ keepAlive: true, maxSockets: width });
function post(port, path, body) {
  return new Promise((resolve, reject) => {
    const text = JSON.stringify(body);
    const request = http.request({ host: '127.0.0.1', port, path, agent, method: 'POST',
                                   headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) } }, (answer) => {
      answer.resume();
      answer.on('end', () => answer.statusCode < 300 ? resolve() : reject(new Error(`${path}: ${answer.statusCode}`)));
    });
    request.on('error', reject);
    request.end(text);
  });
}
// The server may still be coming up, and its partitions after it.
for (let tries = 0; ; tries++) {
  try { await post(admin, '/deployments', { uri: `http://127.0.0.1:${server.address().port}` }); break; }
  catch (why) { if (tries === 100) throw why; await pause(200); }
}
for (let tries = 0; ; tries++) {
  try { await post(ingress, '/journey/send', contact(-1)); break; }
  catch (why) { if (tries === 100) throw why; await pause(200); }
}
sent = 0;

const time = clock();
await each(width, (i) => post(ingress, `/journey/send/send?delay=${Math.max(1, time.due - Date.now())}ms`, contact(i)));
time.started();
while (sent < count) await pause(5);
time.done(sent);
process.exit(0);
