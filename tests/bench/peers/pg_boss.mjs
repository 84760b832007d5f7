// pg-boss at the journey: a job with startAfter is the sleeping contact, a row of `sent` the message.
//
// Events go in by insert() in batches, sleepers come out by fetch() in batches from several loops, without the pauses of its
// polling worker; each batch writes its messages with one statement. PostgreSQL keeps its default durability.
import PgBoss from 'pg-boss';
import pg from 'pg';
import { batch, clock, contact, count, pause } from './journey.mjs';

const connection = { host: process.env.PEERS_PG_SOCKET, user: process.env.PEERS_PG_USER, database: 'postgres' };
const boss = new PgBoss({ ...connection, max: 8, supervise: false, schedule: false });
boss.on('error', (why) => { console.error(why); process.exit(1); });
const pool = new pg.Pool({ ...connection, max: 4 });
await boss.start();
await boss.createQueue('journey');
await pool.query('create table sent(contact text not null, message text not null, at timestamptz not null)');

const time = clock();
const startAfter = new Date(time.due);
let taken = 0;
async function take() {
  while (taken < count) {
    const from = taken;
    taken += batch;
    const jobs = [];
    for (let i = from; i < Math.min(from + batch, count); i++) jobs.push({ name: 'journey', data: contact(i), startAfter });
    await boss.insert(jobs);
  }
}
await Promise.all([take(), take(), take(), take()]);
time.started();

await pause(time.due - Date.now());
let sent = 0;
async function wake() {
  while (sent < count) {
    const jobs = await boss.fetch('journey', { batchSize: batch });
    if (!jobs || !jobs.length) { await pause(5); continue; }
    await pool.query('insert into sent select contact, $2, now() from unnest($1::text[]) as contact', [jobs.map((j) => j.data.contact), 'coupon25']);
    await boss.complete('journey', jobs.map((j) => j.id));
    sent += jobs.length;
  }
}
await Promise.all([wake(), wake(), wake(), wake()]);
time.done(Number((await pool.query('select count(*) from sent')).rows[0].count));
process.exit(0);
