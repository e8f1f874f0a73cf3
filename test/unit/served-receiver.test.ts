/** Objects that wait for their turn at an input that this process serves: counted as in flight, and bounded. */
import { type Credentials, NTScalar, type RequestInfo, type Value } from 'epics-pva-ts';
import { describe, expect, it } from 'vitest';
import { ServedReceiver } from '../../src/input/served-receiver.ts';
import { createLogging } from '../../src/log.ts';

const { logger } = createLogging({ name: 'test', level: 'critical' });
const CLIENT = [{} as Credentials, {} as RequestInfo] as const;
const object = NTScalar.create('int', 1);
const turn = () => new Promise((resolve) => setImmediate(resolve));

interface Input {
  readonly receiver: ServedReceiver;
  /** As a producer sends one; what it is told. */
  send(): Promise<string>;
  /** The processor is done with one. */
  processed(): Promise<void>;
  nInProcess(): number;
}

function inputOf(mode: 'pvas' | 'rpc', receiverQueueSize = -1): Input {
  const pending: (() => void)[] = [];
  const receiver = new ServedReceiver({
    mode,
    initial: mode === 'pvas' ? object : undefined,
    receiverQueueSize,
    handle: (_object: Value, outcome) =>
      new Promise<void>((resolve) => {
        pending.push(() => {
          outcome?.(undefined);
          resolve();
        });
      }),
    logger,
  });
  receiver.start();
  const { pv } = receiver;
  const request = async () =>
    mode === 'rpc' ? pv.rpc(object, ...CLIENT) : pv.put(object.clone().mark(), ...CLIENT);
  return {
    receiver,
    send: () =>
      request().then(
        () => 'done',
        (error: Error) => error.message,
      ),
    processed: async () => {
      pending.shift()?.();
      await turn();
    },
    nInProcess: () => pending.length,
  };
}

describe.each(['pvas', 'rpc'] as const)('input mode %s', (mode) => {
  it('has every object that was received somewhere', async () => {
    const { receiver, send, processed, nInProcess } = inputOf(mode);
    const answers = Array.from({ length: 8 }, send);
    await turn();
    for (let left = 8; left > 0; left--) {
      expect(receiver.waiting + nInProcess()).toBe(left);
      expect(nInProcess()).toBe(1);
      await processed();
    }
    expect(receiver.waiting).toBe(0);
    expect(await Promise.all(answers)).toEqual(Array(8).fill('done'));
    expect(receiver.stats).toMatchObject({ nReceived: 8, nRejected: 0, nErrors: 0 });
    await receiver.stop(0);
  });

  it('says at the end what still waits, when the processor does not end', async () => {
    const { receiver, send, nInProcess } = inputOf(mode);
    void Array.from({ length: 8 }, send);
    await turn();
    await receiver.stop(0);
    expect(receiver.waiting + nInProcess()).toBe(8);
    expect(receiver.totals).toMatchObject({ nReceived: 8, nRejected: 0 });
  });

  it('refuses, and counts, those that wait when it is stopped', async () => {
    const { receiver, send, processed } = inputOf(mode);
    const answers = Array.from({ length: 100 }, send);
    await turn();
    const stopped = receiver.stop(10_000);
    await processed();
    await stopped;
    expect(receiver.waiting).toBe(0);
    expect(receiver.totals).toMatchObject({ nReceived: 100, nRejected: 99 });
    const told = await Promise.all(answers);
    expect(told[0]).toBe('done');
    expect(new Set(told.slice(1))).toEqual(new Set(['this consumer is not processing']));
  });

  it('has room for a thousand that wait, for producers that send more before they are answered', async () => {
    const { receiver, send } = inputOf(mode);
    const answers = Array.from({ length: 1 }, send);
    await turn();
    answers.push(...Array.from({ length: 1010 }, send));
    expect(receiver.waiting).toBe(1000);
    expect(await answers.at(-1)).toBe('1000 objects wait for their turn already');
    expect(receiver.stats).toMatchObject({ nReceived: 1011, nRejected: 10 });
    await receiver.stop(0);
  });

  it('answers one after the other while its processor computes without a break', async () => {
    const receiver = new ServedReceiver({
      mode,
      initial: mode === 'pvas' ? object : undefined,
      receiverQueueSize: -1,
      handle: (_object, outcome) => {
        const end = performance.now() + 10;
        while (performance.now() < end);
        outcome?.(undefined);
      },
      logger,
    });
    receiver.start();
    const { pv } = receiver;
    let answered = 0;
    for (let n = 0; n < 5; n++)
      void (async () => {
        if (mode === 'rpc') await pv.rpc(object, ...CLIENT);
        else await pv.put(object.clone().mark(), ...CLIENT);
        answered++;
      })();
    const seen: number[] = [];
    while (answered < 5) {
      await turn();
      seen.push(answered);
    }
    expect(seen.length).toBeGreaterThanOrEqual(4);
    await receiver.stop(0);
  });

  it('counts those in its receiver queue as before', async () => {
    const { receiver, send, nInProcess } = inputOf(mode, 100);
    expect(await Promise.all(Array.from({ length: 5 }, send))).toEqual(Array(5).fill('done'));
    await turn();
    expect(receiver.waiting + nInProcess()).toBe(5);
    await receiver.stop(0);
  });
});
