/** A consumer with a processor of a test's choice, and what can be seen of its work from outside. */
import { NTNDArray, type Value } from 'epics-pva-ts';
import type { Child } from '../../../bench/peers/child.ts';
import { type Status, statusWhen } from './consumer.ts';
import type { Detector } from './detector.ts';
import { until, type World } from './world.ts';

/** A consumer with all its channels; the processor's options are to follow. */
export const LINE =
  'hpc-consumer --input-channel pvapy:image --control-channel consumer:*:control --status-channel consumer:*:status --output-channel consumer:*:output --server-queue-size 1000';

/** The line with a class of test/e2e/fixtures. */
export function fixture(file: string, name: string): string {
  return `${LINE} --processor-file test/e2e/fixtures/${file}.ts --processor-class ${name}`;
}

/** Starts a consumer, waits until it is connected. */
export async function consume(world: World, detector: Detector, line: string): Promise<Child> {
  const consumer = await world.start(line, { HPC_TEST_FOLDER: world.folder });
  await detector.subscribers(1);
  return consumer;
}

/** What a monitor of a channel sees from now on: what `read` makes of each update. */
export function watch<T>(world: World, channel: string, read: (value: Value) => T): T[] {
  const seen: T[] = [];
  const pvRequest = 'record[queueSize=1000]field()';
  world.context.monitor(channel, { pvRequest }, { update: (value) => void seen.push(read(value)) });
  return seen;
}

/**
 * The images of a channel from the present one on, without the empty one that a simulator has before its first: what
 * `read` makes of each. Waits until the channel has given its present one.
 */
export async function collectImages<T>(
  world: World,
  channel: string,
  read: (frame: NTNDArray) => T,
): Promise<readonly T[]> {
  const seen: T[] = [];
  let connected = false;
  const pvRequest = 'record[queueSize=2000]field()';
  const update = (value: Value): void => {
    connected = true;
    const frame = new NTNDArray(value);
    if (frame.uniqueId > 0) seen.push(read(frame));
  };
  world.context.monitor(channel, { pvRequest }, { update });
  await until(() => {
    if (!connected) throw new Error(`${channel} is not there`);
  });
  return seen;
}

/** Waits until a consumer takes what is put into it, or called: its channels are there before its processor has started. */
export async function running(world: World, id: number | string): Promise<void> {
  await statusWhen(world, id, 'running', (s) => (s as { state?: unknown }).state === 'running');
}

/** The statistics of a consumer when it is done with the image with this id, and with all before it. */
export function done(world: World, id: number, last: number): Promise<Status> {
  return statusWhen(
    world,
    id,
    `at ${last}`,
    ({ processorStats: s }) => s.lastObjectId === last && s.nInFlight === 0,
  );
}
