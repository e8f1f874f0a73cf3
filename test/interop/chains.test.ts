/**
 * Stages of one chain from both suites, in both orders: collectors behind consumers, and one consumer feeding another
 * by put and by call. What comes out at the end is every frame, in order, once.
 */
import { join } from 'node:path';
import { Context, clientConfigFromEnv } from 'epics-pva-ts';
import { describe, expect, it, vi } from 'vitest';
import { INPUT, runStream, type StreamRun } from '../../bench/chains/stream-run.ts';
import { ourSuite, pvapySuite, type Suite } from '../../bench/pair-run.ts';
import { type Child, spawnChild } from '../../bench/peers/child.ts';
import { freePorts, peerEnv } from '../../bench/peers/ports.ts';
import { startPvapyConsumer } from '../../bench/peers/pvapy-consumer.ts';
import { startPvapyCollector } from '../../bench/peers/pvapy-stages.ts';
import { repositoryRoot } from '../../bench/peers/python-env.ts';
import { STAGE_VARIABLE } from '../../src/pipeline-file/stage-messages.ts';
import { ensurePeers } from './peers.ts';

const peers = await ensurePeers();
const ours = ourSuite();
const theirs = peers.available ? pvapySuite(peers) : ours;
const PASS = 'pvapy.hpc.userDataProcessor.UserDataProcessor';

/** Ids on a channel from now on, without those of initial images. */
function idsOn(context: Context, channel: string, onUpdate = () => {}, connected = () => {}): number[] {
  const ids: number[] = [];
  context.monitor(
    channel,
    { pvRequest: 'record[queueSize=1000]field(uniqueId)' },
    {
      connected,
      update: (value) => {
        onUpdate();
        const id = Number(value.get('uniqueId'));
        if (id > 0) ids.push(id);
      },
    },
  );
  return ids;
}

/**
 * Fails with what the processes printed when `ids` does not become 1 to the last one.
 *
 * @param exactly False: some may stand in the place of others before them.
 */
async function expectIds(
  ids: readonly number[],
  last: number,
  children: readonly Child[],
  exactly = true,
): Promise<void> {
  expect(last).toBeGreaterThan(1);
  try {
    await vi.waitFor(() => expect(ids.length).toBeGreaterThanOrEqual(last), {
      timeout: 20_000,
      interval: 100,
    });
    const wanted = Array.from({ length: last }, (_, i) => i + 1);
    if (exactly) expect(ids).toEqual(wanted);
    else {
      expect(ids).toHaveLength(last);
      expect(ids.at(-1)).toBe(last);
      expect(ids).toEqual([...ids].sort((a, b) => a - b));
    }
  } catch (error) {
    const output = children.map((child) => child.error('printed').message).join('\n');
    throw new Error(
      `${(error as Error).message}\n${ids.filter((id, i) => id !== (ids[i - 1] ?? 0) + 1).join(' ')} of ${last}\n${output}`,
      { cause: error },
    );
  }
}

/** One chain: its processes, and the ids its last channel has shown. */
class Chain implements AsyncDisposable {
  readonly env: NodeJS.ProcessEnv;
  private readonly context: Context;
  private readonly children: Child[] = [];
  private simulator: Child | undefined;
  private nUpdates = 0;

  private constructor(env: NodeJS.ProcessEnv) {
    this.env = env;
    this.context = new Context(clientConfigFromEnv(env));
  }

  static async create(): Promise<Chain> {
    return new Chain({ ...peerEnv(await freePorts()), EPICS_PVA_INTF_ADDR_LIST: '127.0.0.1' });
  }

  async start(suite: Suite, command: string, args: string): Promise<Child> {
    const child = await spawnChild({
      command: suite.bin(`pvapy-${command}`),
      args: args.split(' '),
      env: this.env,
    });
    this.children.push(child);
    return child;
  }

  /** Our simulator, which serves its initial image at once and publishes 100 frames/s for 2 s when `go` says so. */
  async holdSimulator(): Promise<void> {
    this.simulator = await spawnChild({
      command: ours.bin('pvapy-ad-sim-server'),
      args: '-cn chain:image -nx 64 -ny 64 -nf 10 -fps 100 -rt 2 -std 0 -rp 0'.split(' '),
      env: { ...this.env, [STAGE_VARIABLE]: 'simulator' },
      ipc: true,
    });
  }

  /** Waits until `collect` has its first value, which has come through all stages, and has the simulator publish. */
  async go(): Promise<void> {
    await vi.waitFor(() => expect(this.nUpdates).toBeGreaterThan(0), { timeout: 40_000, interval: 100 });
    this.simulator?.send({ type: 'go' });
  }

  /** Ids on a channel from now on, without those of initial images. */
  collect(channel: string): number[] {
    return idsOn(this.context, channel, () => {
      this.nUpdates += 1;
    });
  }

  async published(): Promise<number> {
    await this.simulator?.waitForLine(/^Server exiting after/, 40_000);
    return Number((await this.context.get('chain:image')).get('uniqueId'));
  }

  async expectAll(ids: readonly number[], exactly = true): Promise<void> {
    await expectIds(ids, await this.published(), this.children, exactly);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.context.close();
    await Promise.all(this.children.map((child) => child.stop({ graceMs: 3_000 })));
    await this.simulator?.stop({ graceMs: 15_000 });
  }
}

describe.skipIf(!peers.available)('two consumers share a stream, a collector makes it one again', () => {
  it.each([
    ["our simulator, PvaPy's consumers, our collector", ours, theirs, ours],
    ["PvaPy's simulator, our consumers, PvaPy's collector", theirs, ours, theirs],
    ["PvaPy's simulator and consumers, our collector", theirs, theirs, ours],
  ] as [string, Suite, Suite, Suite][])(
    '%s',
    { timeout: 200_000 },
    async (_name, sim, consumers, collector) => {
      const observe = async (run: StreamRun): Promise<true | undefined> => {
        await run.simulate(sim);
        const sharing = await startPvapyConsumer(consumers, run.env, {
          inputChannel: INPUT,
          outputChannel: 'chain:*:out',
          nConsumers: 2,
          distributorUpdates: 1,
          serverQueueSize: 200,
        });
        run.own(sharing.child);
        const sorting = await startPvapyCollector(collector, run.env, {
          inputChannel: 'chain:*:out',
          outputChannel: 'chain:sorted',
          producerIds: [1, 2],
          serverQueueSize: 200,
          processorClass: PASS,
        });
        run.own(sorting.child);
        const context = new Context(clientConfigFromEnv(run.env));
        try {
          let connected = false;
          const onConnected = (): void => {
            connected = true;
          };
          const ids = idsOn(context, 'chain:sorted', undefined, onConnected);
          // We are the last stage: the first frame must not come before we monitor.
          await expect.poll(() => connected || !run.inTime, { timeout: 60_000 }).toBe(true);
          if (!run.inTime) return undefined;
          await run.lastFrame();
          const last = Number((await context.get(INPUT)).get('uniqueId'));
          await expectIds(ids, last, [sharing.child, sorting.child]);
          return true;
        } finally {
          await context.close();
        }
      };
      const times = { startDelay: 10, longestStartDelay: 40, shutdownDelay: 10 };
      await runStream({ size: 64, fps: 100, seconds: 2 }, times, observe, 'the collector was not connected');
    },
  );
});

describe.skipIf(!peers.available)('one consumer feeds another', () => {
  it.each([
    ['puts from ours into theirs', ours, theirs, 'pva', 'pvas'],
    ['puts from theirs into ours', theirs, ours, 'pva', 'pvas'],
    ['calls from ours to theirs', ours, theirs, 'rpc', 'rpc'],
    ['calls from theirs to ours', theirs, ours, 'rpc', 'rpc'],
  ] as [string, Suite, Suite, string, string][])(
    '%s',
    { timeout: 90_000 },
    async (_name, first, second, output, input) => {
      await using chain = await Chain.create();
      const [file, name] =
        second === ours
          ? ['test/e2e/fixtures/passing-processor.ts', 'Passing']
          : ['test/interop/python/served_processor.py', 'Served'];
      await chain.start(
        second,
        'hpc-consumer',
        `-id 2 -im ${input} -ic chain:stage2 -oc chain:last -siu 0 -pf ${join(repositoryRoot(), file)} -pc ${name} -dc`,
      );
      await chain.holdSimulator();
      // The initial image goes through, too: PvaPy's second stage has no output channel before.
      await chain.start(
        first,
        'hpc-consumer',
        `-id 1 -ic chain:image -om ${output} -oc chain:stage2 -sqs 200 -siu 0 -pc ${PASS} -dc`,
      );
      // PvaPy acknowledges a put before it processes it, and processes what the record holds by then
      // (pvapy-behaviour.md 6.3): the same number of objects, in order, some of them newer than what was put.
      const ids = chain.collect('chain:last');
      await chain.go();
      await chain.expectAll(ids, !(second === theirs && input === 'pvas'));
    },
  );
});
