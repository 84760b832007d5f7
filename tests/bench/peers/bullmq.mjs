// BullMQ at the journey: a delayed job is the sleeping contact, an element of the Redis list `sent` the message.
//
// Events go in by addBulk() in batches, several at a time. Redis runs with its append-only file synced on every write, so an
// acknowledgement means the same as a commit; many commands in flight share a sync.
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { batch, clock, contact, count, pause } from './journey.mjs';

const connect = () => new Redis({ path: process.env.PEERS_REDIS_SOCKET, maxRetriesPerRequest: null });
const log = connect();
const queue = new Queue('journey', { connection: connect(), defaultJobOptions: { removeOnComplete: true } });
await queue.waitUntilReady();

const time = clock();
let taken = 0;
async function take() {
  while (taken < count) {
    const from = taken;
    taken += batch;
    const jobs = [];
    for (let i = from; i < Math.min(from + batch, count); i++)
      jobs.push({ name: 'purchase', data: contact(i), opts: { delay: Math.max(1, time.due - Date.now()) } });
    await queue.addBulk(jobs);
  }
}
await Promise.all([take(), take(), take(), take()]);
time.started();

let completed = 0;
const worker = new Worker('journey', async (job) => { await log.rpush('sent', `${job.data.contact} coupon25`); },
                          { connection: connect(), concurrency: Number(process.env.PEERS_CONCURRENCY ?? 300) });
worker.on('error', (why) => { console.error(why); process.exit(1); });
worker.on('completed', () => { completed++; });
while (completed < count) await pause(5);
time.done(await log.llen('sent'));
process.exit(0);
