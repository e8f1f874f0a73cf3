/** The warm-up of a consumer stands back as soon as there are frames. */
import { describe, expect, it } from 'vitest';
import type { Logger } from '../../src/log.ts';
import { warmUp } from '../../src/pipeline/warm-up.ts';

const silent = { info: () => {}, warning: () => {}, error: () => {}, debug: () => {} } as unknown as Logger;

const common = { receiverQueueSize: -1, logger: silent };

/** How often it asked whether the consumer is idle, when the answers are these. */
async function asked(answer: (call: number) => boolean): Promise<number> {
  let calls = 0;
  await warmUp({ ...common, inputMode: 'pva', outputMode: 'pvas', idle: () => answer(++calls) });
  return calls;
}

describe('the warm-up', () => {
  it.each([
    ['pva', 'pvas'],
    ['pva', 'pva'],
    ['pva', 'rpc'],
    ['pvas', 'pvas'],
    ['rpc', 'pvas'],
    ['rpc', 'rpc'],
  ] as const)('runs frames through %s => %s, and they come out', async (inputMode, outputMode) => {
    let published = 0;
    const idle = (count: number): boolean => {
      published = count;
      return count < 100;
    };
    await warmUp({ ...common, inputMode, outputMode, idle, maxMs: 20_000 });
    expect(published).toBeGreaterThanOrEqual(100);
  });

  it('asks between its slices, and ends with the first object', async () => {
    expect(await asked((call) => call < 4)).toBe(4);
  });

  it('does nothing when objects are there already', async () => {
    expect(await asked(() => false)).toBe(1);
  });

  it('ends by itself when none comes', async () => {
    expect(await asked(() => true)).toBeGreaterThan(4);
  });
});
