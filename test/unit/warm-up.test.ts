/** The warm-up of a consumer stands back as soon as there are frames. */
import { Server, SharedPV, struct, Value } from 'epics-pva-ts';
import { describe, expect, it, vi } from 'vitest';
import { createLogging } from '../../src/log.ts';
import { DataConsumer } from '../../src/pipeline/data-consumer.ts';
import { warmUp } from '../../src/pipeline/warm-up.ts';
import { UserDataProcessor } from '../../src/processor/user-data-processor.ts';

/** With time enough on the busiest machine. */
const common = { receiverQueueSize: -1, maxMs: 20_000 };

/** How often it asked whether the consumer is idle, when the answers are these. */
async function asked(answer: (call: number) => boolean): Promise<number> {
  let calls = 0;
  await warmUp({ ...common, inputMode: 'pva', outputMode: 'pvas', idle: () => answer(++calls) });
  return calls;
}

const WAIT = { timeout: 20_000 };

const SETTINGS = {
  consumerId: 1,
  inputMode: 'pva',
  outputMode: 'pvas',
  pvRequest: 'field()',
  fieldRequest: '',
  receiverQueueSize: -1,
  serverQueueSize: 0,
  metadataQueueSize: 0,
  objectIdField: 'uniqueId',
  skipInitialUpdates: 0,
  objectIdOffset: 1,
  nSequentialUpdates: 1,
  processorClass: UserDataProcessor,
  processorArgs: {},
  logger: createLogging({ name: 'test' }).logger,
  onStop: (): void => {},
} as const;

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
    await warmUp({ ...common, inputMode, outputMode, idle });
    expect(published).toBeGreaterThanOrEqual(100);
  });

  it('asks between its slices, and ends with the first object', async () => {
    expect(await asked((call) => call < 4)).toBe(4);
  });

  it('does nothing when objects are there already', async () => {
    expect(await asked(() => false)).toBe(1);
  });

  it('is not ended by the value that the input begins with, but by the one after it', async () => {
    const peer = Server.isolated();
    const first = Value.create(struct('', { uniqueId: 'int' })).set('uniqueId', 1);
    const input = SharedPV.readonly(first);
    await peer.addPV('warm-up:begins', input).start();
    const consumer = new DataConsumer({
      ...SETTINGS,
      channels: {
        inputChannel: 'warm-up:begins',
        outputChannel: undefined,
        statusChannel: undefined,
        controlChannel: undefined,
      },
      server: Server.isolated(),
      client: peer.clientConfig(),
    });
    try {
      await consumer.start();
      await vi.waitFor(() => expect(consumer.stats().processorStats.nProcessed).toBe(1), WAIT);
      expect(consumer.idle).toBe(true);
      input.post(first.set('uniqueId', 2).mark());
      await vi.waitFor(() => expect(consumer.idle).toBe(false), WAIT);
    } finally {
      await Promise.all([consumer.close(), peer.close()]);
    }
  });

  it('ends by itself when none comes', async () => {
    expect(await asked(() => true)).toBeGreaterThan(4);
  });
});
