/** The warm-up of a consumer stands back as soon as there are frames. */
import { describe, expect, it, vi } from 'vitest';
import type { Logger } from '../../src/log.ts';
import type { InputMode, OutputMode } from '../../src/pipeline/user-code.ts';
import { warmUp } from '../../src/pipeline/warm-up.ts';
import { ProcessorRunner } from '../../src/processor/processor-runner.ts';

const silent = { info: () => {}, warning: () => {}, error: () => {}, debug: () => {} } as unknown as Logger;

/** How often it asked whether the consumer is idle, when the answers are these. */
async function asked(
  answer: (call: number) => boolean,
  inputMode: InputMode = 'pva',
  outputMode: OutputMode = 'pvas',
): Promise<number> {
  let calls = 0;
  const idle = (): boolean => answer(++calls);
  await warmUp({ inputMode, outputMode, receiverQueueSize: -1, logger: silent, idle });
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
  ] as const)('runs frames through %s => %s', async (inputMode, outputMode) => {
    const handle = vi.spyOn(ProcessorRunner.prototype, 'handle');
    await asked(() => handle.mock.calls.length < 100, inputMode, outputMode);
    expect(handle.mock.calls.length).toBeGreaterThanOrEqual(100);
    handle.mockRestore();
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
