/**
 * The JavaScript engine's compiler competes with a stream's first frames for the processor: V8 optimises a function
 * after it has run a budget of bytecode, and at 10,000 frames/s all functions on a frame's way get there in the same
 * tenth of a second. With a small budget they get there while the process starts, in the warm-up, which is for that;
 * afterwards V8 works as it always does.
 */
import { setFlagsFromString } from 'node:v8';

/** Bytes of bytecode a function runs before it is optimised. V8 ignores the flag where it no longer has it. */
const EARLY_BUDGET = 20_000;
/** V8's own in Node.js 20. */
const LATER_BUDGET = 135_168;
/** From the start of a command to the end of its warm-up, in ms, on a slow machine. */
const EARLY_MS = 1000;

/** For processes that exist to stream frames; to be called before they do. */
export function compileEarly(): void {
  setBudget(EARLY_BUDGET);
  setTimeout(() => setBudget(LATER_BUDGET), EARLY_MS).unref();
}

function setBudget(bytes: number): void {
  setFlagsFromString(`--interrupt-budget=${bytes}`);
}
