/**
 * The command lines of PvaPy's streaming framework document, run at once as they stand there but for time and rate:
 * stages first, then the simulator, which publishes when the last stage has its initial update.
 */
import { expect } from 'vitest';
import { control, expectLedger, leastReceived, type Status, status, statusWhen } from './consumer.ts';
import { holdSimulator } from './held-simulator.ts';
import { until, type World, withOptions } from './world.ts';

/** The document's sample processor; here it is an example of ours. */
export const IMAGE_PROCESSOR =
  '--processor-file examples/hpc-ad-image-processor.ts --processor-class HpcAdImageProcessor';
export const PASS_THROUGH = '--processor-class pvapy.hpc.userDataProcessor.UserDataProcessor';

/** The three channels of a stage: `processor:*:control` and so on. */
export function channels(prefix: string): string {
  return ['control', 'status', 'output'].map((name) => `--${name}-channel ${prefix}:*:${name}`).join(' ');
}

/** `prefix:1` to `prefix:n`. */
export function stages(prefix: string, n: number, first = 1): string[] {
  return Array.from({ length: n }, (_, i) => `${prefix}:${first + i}`);
}

/** What is scaled down in the document's lines of 60 s. */
export interface Scale {
  /** Frames/s. */
  readonly fps: number;
  /** s */
  readonly runtime: number;
  /** More time after all have connected, in s. Default: none. */
  readonly startDelay?: number;
  /** What the test watches (`watch`): each must have its first value, too. */
  readonly watched?: readonly (readonly unknown[])[];
  /** The simulator's environment, where the example sets it. */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Starts the document's simulator, waits until its initial update has come to all `last` stages, lets it run to its
 * end; how many frames it published, which is what it should.
 */
export async function streamThrough(
  world: World,
  simulator: string,
  scale: Scale,
  last: readonly string[],
): Promise<number> {
  const { fps, runtime, startDelay = 0, watched = [], env = {} } = scale;
  for (const stage of last) await status(world, stage);
  const line = withOptions(simulator, { '-fps': fps, '-rt': runtime, '-rp': fps });
  const running = await holdSimulator(world, line, { env, startDelay });
  for (const stage of last)
    await statusWhen(world, stage, 'connected', (s) => leastReceived(s) > 0 && handled(s) === 0);
  await until(() => expect(watched.map((seen) => seen.length > 0)).not.toContain(false));
  running.go();
  await running.child.waitForLine(/^Server exiting after reaching runtime/, 30_000);
  const channel = /-cn (\S+)/.exec(simulator)?.[1] ?? '';
  const image = await world.context.get(channel, { pvRequest: 'field(uniqueId)' });
  expect(image.get('uniqueId')).toBe(fps * runtime);
  return fps * runtime;
}

const handled = ({ processorStats: p }: Status): number => p.nProcessed + p.nErrors;

/** The statistics of stages when they have handled `total` objects together. */
export async function handledBy(world: World, names: readonly string[], total: number): Promise<Status[]> {
  return until(async () => {
    const all = await Promise.all(names.map((name) => statusNow(world, name)));
    const counts = all.map(handled);
    const sum = counts.reduce((a, b) => a + b, 0);
    expect(sum, `${names.join(' ')}: ${counts.join(' + ')}`).toBeGreaterThanOrEqual(total);
    return all;
  });
}

async function statusNow(world: World, name: string): Promise<Status> {
  await control(world, name, 'get_stats');
  return status(world, name);
}

/** Every object that came to a consumer was processed, none is missing, and all are published. */
export function expectAllProcessed(s: Status, count: number): void {
  expectLedger(s, count);
  expect(s.processorStats).toMatchObject({ nProcessed: count, nMissed: 0, nErrors: 0 });
  expect(s.receiverStats).toMatchObject({ nReceived: count + 1, nRejected: 0, nErrors: 0, nOverruns: 0 });
  expect(s.publisherStats).toMatchObject({ nPublished: count, nErrors: 0 });
}

/**
 * Ids of the consumer that begins with `first`: `batch` in a row, then those of the others, `step` ids from the start of
 * one batch to the start of the next.
 */
export function share(first: number, last: number, batch: number, step: number): number[] {
  const ids: number[] = [];
  for (let id = first; id <= last; id++) if ((id - first) % step < batch) ids.push(id);
  return ids;
}

/** Stops stages by their control channels. */
export async function stopAll(world: World, names: readonly string[]): Promise<void> {
  for (const name of names) expect(await control(world, name, 'stop'), name).toBe('Stop flag set');
}
