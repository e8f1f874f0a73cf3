/** How two consumers share a stream: which field tells a new update, and by which plugin of the server. */
import { NTNDArray, Server, SharedPV, serverConfigFromEnv } from 'epics-pva-ts';
import { describe, expect } from 'vitest';
import { RECORDING } from './support/chain.ts';
import { idsFrom, leastReceived, type Status, statusWhen } from './support/consumer.ts';
import { it, until, type World } from './support/world.ts';

const LAST = 20;
const IDS = idsFrom(1, LAST);
const TWICE = IDS.flatMap((id) => [id, id]);
const CHANNELS = '-ic image -sc consumer:*:status -cc consumer:*:control -sqs 200';

/** What each of the two has processed, in order, and its statistics at the end. */
interface Shares {
  readonly ids: readonly [number[], number[]];
  readonly stats: readonly [Status, Status];
}

/**
 * Two consumers with these options, and 20 images that are published twice each: the same image, a millisecond later.
 * @param total how many are processed by both together
 */
async function share(world: World, options: string, total: number): Promise<Shares> {
  const pv = SharedPV.readonly(NTNDArray.create({ uniqueId: 0 }).value);
  world.own(await new Server({ ...serverConfigFromEnv(world.env), tcpPort: 0 }).addPV('image', pv).start());
  await world.start(`hpc-consumer ${CHANNELS} -nc 2 ${RECORDING} ${options}`, {
    HPC_TEST_FOLDER: world.folder,
  });
  for (const id of [1, 2]) await statusWhen(world, id, 'connected', (s) => leastReceived(s) > 0);
  for (const [i, uniqueId] of TWICE.entries()) {
    const timeStamp = new Date(1_700_000_000_000 + i);
    const frame = { pixels: new Uint8Array(16), dimensions: [4, 4], uniqueId, colorMode: 0, timeStamp };
    pv.post(NTNDArray.create(frame).value.mark());
  }
  const idsOf = (id: number): number[] => world.lines(`ids-${id}`).map(Number);
  await until(() => expect(idsOf(1).length + idsOf(2).length).toBe(total));
  // All that was sent has arrived, so nothing more can come.
  const done = (id: number): Promise<Status> =>
    statusWhen(world, id, 'done', (s) => s.processorStats.nProcessed === idsOf(id).length);
  return { stats: [await done(1), await done(2)], ids: [idsOf(1), idsOf(2)] };
}

const together = ({ ids }: Shares): number[] => ids.flat().toSorted((a, b) => a - b);

describe.concurrent('--distributor-trigger', () => {
  it('uniqueId: an image that is published again is none of its own, and each goes to one consumer', async ({
    world,
  }) => {
    const shares = await share(world, '-du 1 -dt uniqueId', LAST);
    expect(together(shares)).toEqual(IDS);
    const odd = shares.ids[0].includes(1) ? 0 : 1;
    expect(shares.ids[odd]).toEqual(IDS.filter((id) => id % 2 === 1));
    for (const { processorStats, receiverStats } of shares.stats) {
      expect(processorStats).toMatchObject({ nProcessed: LAST / 2, nMissed: 0, nErrors: 0 });
      expect(receiverStats).toMatchObject({ nReceived: 1 + LAST / 2, nOverruns: 0 });
    }
  });

  it.for(['', '-dt timeStamp', '-dt timeStamp.nanoseconds', '-dt nosuch'])(
    'the time stamp otherwise, or every update when there is no such field: %s',
    async (trigger, { world }) => {
      const shares = await share(world, `-du 1 ${trigger}`, 2 * LAST);
      // One has every first copy, the other one every second copy.
      expect(shares.ids).toEqual([IDS, IDS]);
    },
  );

  it('uniqueId, in turns of several images', async ({ world }) => {
    const shares = await share(world, '-du 5 -dt uniqueId', LAST);
    const turns = [...idsFrom(1, 5), ...idsFrom(11, 15)];
    expect(shares.ids[shares.ids[0].includes(1) ? 0 : 1]).toEqual(turns);
    expect(together(shares)).toEqual(IDS);
    for (const { processorStats } of shares.stats)
      expect(processorStats).toMatchObject({ nProcessed: LAST / 2, nMissed: 0 });
  });
});

describe.concurrent('--distributor-plugin-name', () => {
  it("distributor: the same plugin, by pvDatabase's name", async ({ world }) => {
    const shares = await share(world, '-dpn distributor -du 1 -dt uniqueId', LAST);
    expect(together(shares)).toEqual(IDS);
    expect(shares.ids.map((ids) => ids.length)).toEqual([LAST / 2, LAST / 2]);
  });

  it('one that the server does not have: it gives everything to everyone', async ({ world }) => {
    const shares = await share(world, '-dpn nosuch -du 1 -dt uniqueId', 4 * LAST);
    expect(shares.ids).toEqual([TWICE, TWICE]);
    for (const { processorStats } of shares.stats)
      expect(processorStats).toMatchObject({ nProcessed: 2 * LAST, nMissed: 0, nErrors: 0 });
  });
});
