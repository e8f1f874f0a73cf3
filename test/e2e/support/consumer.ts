/** What tests ask a running hpc-consumer by its status and control channels, and what its ledger must say. */
import type { Value } from 'epics-pva-ts';
import { expect } from 'vitest';
import { awakeTimeout } from '../../../bench/peers/awake-timer.ts';
import { until, type World } from './world.ts';

/** The status channel as plain data, as far as tests read it. */
export interface Status {
  readonly consumerId: number;
  readonly inputChannel: string;
  readonly receiverStats: Counts<'nReceived' | 'nRejected' | 'nErrors' | 'nOverruns'>;
  readonly publisherStats: Counts<'nPublished' | 'nErrors'>;
  readonly queueStats: Counts<'nReceived' | 'nRejected' | 'nDelivered' | 'nQueued'>;
  readonly processorStats: Counts<
    'firstObjectId' | 'lastObjectId' | 'nProcessed' | 'nErrors' | 'nLost' | 'nMissed' | 'nInFlight'
  >;
  readonly userStats?: Record<string, unknown>;
}

type Counts<K extends string> = { readonly [key in K]: number };

/** Most time a consumer may take to do what a test waits for; it may be one of many processes that are starting. */
const PATIENCE_MS = 40_000;

/** How the names of a stage's channels begin: `consumer:1` for an id, `processor:1` as it is. */
function channelsOf(id: number | string): string {
  return typeof id === 'string' && id.includes(':') ? id : `consumer:${id}`;
}

/** The present value of a consumer's status channel; waits until there is one. */
export async function status(world: World, id: number | string): Promise<Status> {
  const value = await world.context.get(`${channelsOf(id)}:status`, { timeout: PATIENCE_MS / 1000 });
  return value.toJS() as unknown as Status;
}

/** Puts a command into a consumer's control channel and waits for its final message. */
export async function control(
  world: World,
  id: number | string,
  command: string,
  args?: unknown,
): Promise<string> {
  const channel = `${channelsOf(id)}:control`;
  const messages: string[] = [];
  let arrived: () => void = () => {};
  const subscription = world.context.monitor(
    channel,
    { pvRequest: 'record[queueSize=20]field()' },
    {
      update: (value: Value) => {
        messages.push(String(value.get('statusMessage')));
        value.release();
        arrived();
      },
    },
  );
  const next = async (count: number): Promise<void> => {
    let over = false;
    const stopTimer = awakeTimeout(() => {
      over = true;
      arrived();
    }, PATIENCE_MS);
    try {
      while (messages.length < count) {
        if (over) throw new Error(`${channel}: '${command}': only ${JSON.stringify(messages)}`);
        await new Promise<void>((resolve) => {
          arrived = resolve;
        });
      }
    } finally {
      stopTimer();
    }
  };
  try {
    await next(1);
    const before = messages.length;
    await world.context.put(channel, args === undefined ? { command } : { command, args: String(args) });
    await next(before + 1);
    if (messages[before] === 'Command successful') await next(before + 2);
    return messages.at(-1) ?? '';
  } finally {
    subscription.close();
  }
}

/** Asks for statistics until they are as wanted. */
export function statusWhen(
  world: World,
  id: number | string,
  what: string,
  wanted: (status: Status) => boolean,
): Promise<Status> {
  return until(async () => {
    await control(world, id, 'get_stats');
    const now = await status(world, id);
    if (!wanted(now))
      throw new Error(`${channelsOf(id)}: not ${what} in time, but ${JSON.stringify(now, bigints)}`);
    return now;
  }, PATIENCE_MS);
}

/** The least number of updates that have come from any source of a consumer or a collector, its metadata included. */
export function leastReceived(s: Status): number {
  const sources = Object.entries(s as object).filter(([name]) => /^(producer|metadata)Stats_\d+$/.test(name));
  const all = [...(s.receiverStats ? [s] : []), ...sources.map(([, source]) => source as Status)];
  return Math.min(...all.map(({ receiverStats }) => receiverStats.nReceived));
}

function bigints(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value;
}

/**
 * The ledger of a consumer that was connected before the first frame, whose last frame has arrived, and that skipped
 * the initial update: every frame meant for it is processed, failed or missing, and nothing is counted twice.
 */
export function expectLedger(s: Status, meantForIt: number): void {
  const { receiverStats: receiver, queueStats: queue, processorStats: processor } = s;
  const handled = processor.nProcessed + processor.nErrors;
  expect(handled + processor.nMissed, 'processed + errors + missed').toBe(meantForIt);
  if (queue.nReceived > 0) {
    expect(queue.nReceived + queue.nRejected, 'put into or refused by the queue').toBe(receiver.nReceived);
    expect(queue.nDelivered + queue.nQueued, 'delivered + queued').toBe(queue.nReceived);
    expect(handled + 1, 'handled, and the skipped initial update').toBe(queue.nDelivered);
  } else {
    expect(handled + 1, 'handled, and the skipped initial update').toBe(receiver.nReceived);
  }
  // Each object with an overrun mask stands for one or more that were overwritten.
  expect(receiver.nOverruns).toBeLessThanOrEqual(processor.nMissed);
  if (queue.nRejected === 0 && processor.nMissed > 0) expect(receiver.nOverruns).toBeGreaterThan(0);
}

/** The ids first, first + step, ... up to last. */
export function idsFrom(first: number, last: number, step = 1): number[] {
  return Array.from(
    { length: Math.max(0, Math.floor((last - first) / step) + 1) },
    (_, i) => first + i * step,
  );
}
