// What the peers have in common: the journey's size, its events, its clock and its one line of result.
//
// The journey: an event of a new contact arrives and is durable; the contact sleeps until the moment `due`; it wakes, and one
// message is written as sent, durable. `start` is timed from the first event to the last acknowledgement, `wake` from the moment
// that all are due to the last message.
export const count = Number(process.env.PEERS_N ?? 20000);
export const batch = 1000;
const delay_ms = 1000 * Number(process.env.PEERS_DELAY_S ?? 30);
const limit_ms = 1000 * Number(process.env.PEERS_LIMIT_S ?? 240);

// Nothing here may run for ever, whatever a server does.
setTimeout(() => { console.error(`not done within ${limit_ms / 1000} s`); process.exit(1); }, limit_ms).unref();

export function contact(i) {
  return { contact: (BigInt(i + 1) * 0x9e3779b97f4a7c15n & 0xffffffffffffffffn).toString(16).padStart(16, '0'),
           amount: 40, currency: 'EUR', order_id: 'A-1001' };
}

export function clock() {
  const began = Date.now();
  const due = began + delay_ms;
  let started = 0;
  return {
    due,
    started() { started = Date.now(); },
    done(sent) {
      const ended = Date.now();
      if (sent !== count) { console.error(`${sent} of ${count} messages were sent`); process.exit(1); }
      const late = started > due;
      if (late) console.error('the events took longer than the sleep: raise PEERS_DELAY_S for a wake rate');
      console.log(`start/s=${Math.round(count / ((started - began) / 1000))} wake/s=${late ? 0 : Math.round(count / ((ended - due) / 1000))}`);
    },
  };
}

export const pause = (ms) => new Promise((resume) => setTimeout(resume, ms));

// Runs `work(i)` for each i below count, `width` at a time.
export async function each(width, work) {
  let next = 0;
  await Promise.all(Array.from({ length: width }, async () => {
    while (next < count) await work(next++);
  }));
}
