/**
 * A server of small PVs, as a process of its own: `serve.js PREFIX COUNT`.
 *
 * Serves PREFIX0 to PREFIX<COUNT-1>, each an NTScalar double that counts its own updates from 1, and prints READY. On
 * its standard input `post RATE SECONDS` posts RATE updates a second in all, one PV after the other on an absolute
 * schedule, then prints `POSTED {json}`; with `each HZ SECONDS` every PV posts by a timer of its own. Ends with its
 * standard input. bench/python/small_pvs_server.py is the same in p4p, which has no timers.
 */
import { createInterface } from 'node:readline';
import { NTScalar, nowTimeStamp, Server, SharedPV, serverConfigFromEnv, Value } from 'epics-pva-ts';

const prefix = process.argv[2] ?? 'small:';
const count = Number(process.argv[3] ?? 1);
/** Updates posted in one go before the sockets get a turn, when the schedule has fallen behind. */
const MOST_AT_ONCE = 1000;

const type = NTScalar.build('double');
const [valueNode, seconds, nanoseconds] = [
  'value',
  'timeStamp.secondsPastEpoch',
  'timeStamp.nanoseconds',
].map((path) => type.node(path)) as [
  ReturnType<typeof type.node>,
  ReturnType<typeof type.node>,
  ReturnType<typeof type.node>,
];

interface Served {
  readonly pv: SharedPV;
  readonly update: Value;
  posted: number;
}

const server = new Server(serverConfigFromEnv());
const served: Served[] = [];
for (let i = 0; i < count; i++) {
  const pv = SharedPV.readonly(Value.create(type, { value: 0 }));
  server.addPV(prefix + i, pv);
  served.push({ pv, update: Value.create(type), posted: 0 });
}

function postNext(s: Served): void {
  const now = nowTimeStamp();
  s.update
    .setNode(valueNode, ++s.posted)
    .setNode(seconds, now.secondsPastEpoch)
    .setNode(nanoseconds, now.nanoseconds);
  s.pv.post(s.update);
}

/** Posts on schedule; what the schedule allows is posted once a millisecond. */
function post(rate: number, forSeconds: number): Promise<void> {
  const total = Math.round(rate * forSeconds);
  const start = performance.now();
  let posted = 0;
  let next = 0;
  return new Promise((resolve) => {
    const turn = (): void => {
      const elapsed = performance.now() - start;
      const due = Math.min(total, Math.floor((elapsed * rate) / 1000), posted + MOST_AT_ONCE);
      for (; posted < due; posted++) {
        postNext(served[next] as Served);
        next = next + 1 === count ? 0 : next + 1;
      }
      if (posted < total) setTimeout(turn, 1);
      else {
        const result = { posted, seconds: (performance.now() - start) / 1000 };
        process.stdout.write(`POSTED ${JSON.stringify(result)}\n`);
        resolve();
      }
    };
    turn();
  });
}

/** Every PV by itself, as records and devices do; they begin one after the other. */
async function each(hz: number, forSeconds: number): Promise<void> {
  const times = Math.round(hz * forSeconds);
  const start = performance.now();
  const one = (s: Served, index: number): Promise<void> =>
    new Promise((resolve) => {
      let left = times;
      setTimeout(
        () => {
          const timer = setInterval(() => {
            postNext(s);
            if (--left > 0) return;
            clearInterval(timer);
            resolve();
          }, 1000 / hz);
        },
        (1000 * index) / (hz * count),
      );
    });
  await Promise.all(served.map(one));
  const result = { posted: times * count, seconds: (performance.now() - start) / 1000 };
  process.stdout.write(`POSTED ${JSON.stringify(result)}\n`);
}

await server.start();
const lines = createInterface({ input: process.stdin });
lines.on('close', () => process.exit(0));
process.stdout.write('READY\n');
for await (const line of lines) {
  const [verb, rate, forSeconds] = line.split(' ');
  if (verb === 'post') await post(Number(rate), Number(forSeconds));
  else if (verb === 'each') await each(Number(rate), Number(forSeconds));
}
