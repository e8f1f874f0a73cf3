/**
 * A client of small PVs, as a process of its own: `watch.js PREFIX COUNT REQUEST`.
 *
 * Monitors PREFIX0 to PREFIX<COUNT-1> and prints CONNECTED when each has given its first value. On its standard input
 * `reset` sets the counters to 0 (answer: RESET), `report` prints `REPORT {json}`, `get N` reads PREFIX0 N times one
 * after the other and prints `GOT {json}`. Ends with its standard input. bench/python/small_pvs_client.py is the same
 * in p4p.
 */
import { createInterface } from 'node:readline';
import { Context } from 'epics-pva-ts';

const prefix = process.argv[2] ?? 'small:';
const count = Number(process.argv[3] ?? 1);
const pvRequest = process.argv[4] ?? '';

const context = new Context();
const last = new Float64Array(count).fill(Number.NaN);
let connected = 0;
let received = 0;
let gaps = 0;
let overruns = 0;
const say = (text: string): boolean => process.stdout.write(`${text}\n`);

/** The PV counts its updates: what is missing between two of them was squashed. */
function accept(index: number, value: number): void {
  const before = last[index] as number;
  last[index] = value;
  if (Number.isNaN(before)) {
    if (++connected === count) say('CONNECTED');
    return;
  }
  received++;
  gaps += value - before - 1;
}

for (let i = 0; i < count; i++) {
  context.monitor(
    prefix + i,
    { pvRequest },
    {
      update: (value, overrun) => {
        if (!overrun.isEmpty()) overruns++;
        accept(i, value.get('value') as number);
      },
    },
  );
}

async function get(times: number): Promise<void> {
  const took = new Float64Array(times);
  for (let i = 0; i < times; i++) {
    const start = performance.now();
    await context.get(`${prefix}0`);
    took[i] = (performance.now() - start) * 1000;
  }
  took.sort();
  const at = (share: number): number => took[Math.floor(share * (times - 1))] as number;
  say(`GOT ${JSON.stringify({ count: times, p50: at(0.5), p99: at(0.99) })}`);
}

const lines = createInterface({ input: process.stdin });
lines.on('close', () => process.exit(0));
for await (const line of lines) {
  const [verb, argument] = line.split(' ');
  if (verb === 'get') await get(Number(argument));
  else if (verb === 'report') say(`REPORT ${JSON.stringify({ received, gaps, overruns })}`);
  else if (verb === 'reset') {
    received = 0;
    gaps = 0;
    overruns = 0;
    say('RESET');
  }
}
