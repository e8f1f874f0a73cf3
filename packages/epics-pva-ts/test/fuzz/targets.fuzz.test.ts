/**
 * Some ten thousand inputs for everything that reads what strangers send; `npm run fuzz` gives millions. The seed is
 * printed; what fails says how it is repeated.
 */
import { describe, expect, it } from 'vitest';
import { FuzzFailure, runInputs } from './run-targets.ts';
import { TARGETS } from './targets.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 1_000_000_000);
console.log(`fuzz targets: FUZZ_SEED=${SEED}`);

describe('nothing a stranger sends gets through but as what it is', () => {
  it.each([...TARGETS].map(([name, { run, inCi }]) => [name, inCi, run] as const))(
    '%s: %d inputs',
    async (name, count, run) => {
      await runInputs(name, run, SEED, SEED + count);
    },
    60_000,
  );
});

describe('a failure', () => {
  it('names the seed of the one input that repeats it', async () => {
    const unlucky = 1234;
    const run = (random: { next(): number }): void => {
      if (random.next() > 0.999) throw new RangeError('bang');
    };
    const failure = await runInputs('example', run, unlucky, unlucky + 100_000).catch((e: unknown) => e);
    expect(failure).toBeInstanceOf(FuzzFailure);
    const { seed, message } = failure as FuzzFailure;
    expect(message).toBe(
      `example: RangeError: bang\nto repeat: FUZZ_TARGET=example FUZZ_SEED=${seed} npm run fuzz`,
    );
    await expect(runInputs('example', run, seed, seed + 1)).rejects.toThrow('bang');
    await runInputs('example', run, unlucky, seed);
  });
});
