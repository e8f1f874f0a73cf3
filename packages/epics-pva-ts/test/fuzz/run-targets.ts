/** Gives a target one input after the other. A seed makes an input, so a seed repeats a failure. */
import { Random } from '../support/random.ts';
import type { Target } from './targets.ts';

/** The input that made a target fail. */
export class FuzzFailure extends Error {
  readonly seed: number;

  constructor(name: string, seed: number, cause: unknown) {
    const text = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    super(`${name}: ${text}\nto repeat: FUZZ_TARGET=${name} FUZZ_SEED=${seed} npm run fuzz`, { cause });
    this.seed = seed;
  }
}

/** Runs the inputs `from` up to and without `to`. @throws FuzzFailure */
export async function runInputs(name: string, run: Target, from: number, to: number): Promise<void> {
  for (let seed = from; seed < to; seed++) {
    try {
      const pending = run(new Random(seed));
      if (pending) await pending;
    } catch (error) {
      throw new FuzzFailure(name, seed, error);
    }
  }
}
