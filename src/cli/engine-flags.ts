/**
 * What V8 is told in processes that exist to stream frames. Programs that embed the library keep V8's own choices.
 *
 * Memory: what has often survived is allocated among the old objects at once. A request that is answered after a
 * millisecond does not belong there: dead, it keeps all that it refers to alive until the next full collection.
 * Measured with 100,000 calls, 32 at a time: 4.6 MB kept by each young collection, 4 to 9 ms long, against 0.7 MB and 0.8 ms.
 * And the young generation stays as small as it is: a frame leaves little behind, and V8 would make 16 to 32 MB of it
 * with time. Measured at 512 x 512 and 12,000/s: 70 MB in all instead of 80, for the same processor time.
 *
 * Compiling: the compiler competes with a stream's first frames for the processor. V8 optimises a function after it has
 * run a budget of bytecode, and at 10,000 frames/s all functions on a frame's way get there in the same tenth of a
 * second. With a small budget they get there in the warm-up, which is for that. Measured in the first second at 512 x 512 and
 * 20,000/s: 300 ms of compiling with 60,000, when queues overflowed; 30 ms with 25,000.
 */
import { setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';

/** Bytes of bytecode a function runs before it is optimised. */
const EARLY_BUDGET = 25_000;
/** V8's own in Node.js 20. Those of others differ, and cannot be read to be given back. */
const OWN_BUDGET = 135_168;
const isOwnKnown = process.versions.node.startsWith('20.');

/**
 * The start of a command is over by then, at this age of the process in ms: what was compiled for it is kept
 * (compiled-code.ts). What is compiled later would make the next start longer, since what is kept is read whole.
 */
export const START_MS = 250;

/** To be called before the first frame. */
export function tuneEngine(): void {
  setFlagsFromString('--no-allocation-site-pretenuring');
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** In ms. A stream that is already running has begun by then, and does not wait for the warm-up. */
const CONNECT_MS = 200;

/** Runs a warm-up when what was just started has had the time to connect. */
export function warmUpSoon(warmUp: () => Promise<void>): void {
  void setTimeout(CONNECT_MS).then(() => compileEarly(warmUp));
}

/** Runs a warm-up when the start is over, and what it meets is compiled then. */
export async function compileEarly(warmUp: () => Promise<void>): Promise<void> {
  // V8 would not take back what is kept under another budget.
  await setTimeout(Math.max(0, START_MS + 10 - performance.now()));
  setBudget(EARLY_BUDGET);
  try {
    await warmUp();
  } finally {
    setBudget(OWN_BUDGET);
  }
}

function setBudget(bytes: number): void {
  if (isOwnKnown) setFlagsFromString(`--interrupt-budget=${bytes}`);
}
