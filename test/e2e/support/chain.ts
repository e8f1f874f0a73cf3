/**
 * Chains of commands, each in a process of its own, and their ledger: what was published, what came out at the end, and
 * what each stage says about the difference.
 */
import { expect } from 'vitest';
import type { Child } from '../../../bench/peers/child.ts';
import { leastReceived, type Status, statusWhen } from './consumer.ts';
import { until, type World } from './world.ts';

/** Writes down the ids it has processed: the end of a chain. */
export const RECORDING = '-pf test/e2e/fixtures/recording-image-processor.ts -pc HpcAdImageProcessor';

/** One running stage. */
export class Stage {
  readonly name: string;
  child: Child;
  private readonly world: World;
  private readonly line: string;

  private constructor(world: World, name: string, line: string, child: Child) {
    this.world = world;
    this.name = name;
    this.line = line;
    this.child = child;
  }

  /**
   * @param name in the names of its channels; `*` for each of several consumers
   * @param line the command with its input, its id and what else it needs
   */
  static async start(world: World, name: string, line: string): Promise<Stage> {
    const channel = (what: string): string => `consumer:${name}:${what}`;
    const whole = `${line} -oc ${channel('output')} -sc ${channel('status')} -cc ${channel('control')} -sqs 500 -ll info`;
    return new Stage(world, name, whole, await launch(world, whole));
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    this.child.signal('SIGKILL');
    await this.child.waitForExit(20_000);
  }

  /** The same command again, in a new process. */
  async restart(): Promise<void> {
    this.child = await launch(this.world, this.line);
  }

  /**
   * Waits until it, or one of its consumers, has received so many objects from each of its sources, initial ones and
   * metadata included: what is published from now on reaches it.
   */
  async received(count = 1, name = this.name): Promise<void> {
    const enough = (s: Status): boolean => leastReceived(s) >= count;
    await statusWhen(this.world, name, `with ${count} objects received`, enough);
  }

  /** Waits until it has noticed that a channel is gone. */
  async disconnected(channel: string, since = 0): Promise<void> {
    await this.child.waitForLine(new RegExp(`WARNING .*: ${channel}: `), 15_000, since);
  }

  /** Its publisher's statistics when so many objects have been published or have failed to be. */
  async answered(count: number): Promise<{ readonly nPublished: number; readonly nErrors: number }> {
    const at = ({ publisherStats: p }: Status): boolean => p.nPublished + p.nErrors >= count;
    return (await statusWhen(this.world, this.name, `with ${count} objects answered`, at)).publisherStats;
  }

  /** The statistics of the stage, or of one of its consumers, when the last object has passed it. */
  async statsAt(last: number, name = this.name): Promise<ChainStats> {
    const at = (s: Status): boolean => s.processorStats.lastObjectId === last;
    return (await statusWhen(this.world, name, `at ${last}`, at)) as unknown as ChainStats;
  }
}

type Figures = Readonly<Record<string, number>>;

/** What a chain's ledger needs of a status channel. */
export interface ChainStats {
  readonly receiverStats: Figures;
  readonly processorStats: Figures;
  readonly publisherStats: Figures;
  readonly collectorStats: Figures;
  readonly userStats: Figures;
}

function launch(world: World, line: string): Promise<Child> {
  return world.start(line, { HPC_TEST_FOLDER: world.folder });
}

/** Waits until the stage with this id (see RECORDING) has processed the object `last`, so many times; all ids, in order. */
export async function processedUpTo(world: World, id: number, last: number, times = 1): Promise<number[]> {
  return until(() => {
    const ids = world.lines(`ids-${id}`).map((line) => Number.parseInt(line, 10));
    const found = ids.filter((x) => x === last).length;
    expect(found, `${ids.length} processed, the last one ${ids.at(-1)}`).toBe(times);
    return ids;
  });
}

/** The last id that consumer `name` has published: of a stream that several share, its own last. */
export async function lastOf(world: World, name: string): Promise<number> {
  return Number((await world.context.get(`consumer:${name}:output`)).get('uniqueId'));
}
