/** ad-sim-server beyond one channel at one rate: metadata PVs, several channels, ramps, bursts, the notification PV. */
import {
  type Context,
  NTEnum,
  type NTNDArray,
  NTScalar,
  Server,
  SharedPV,
  serverConfigFromEnv,
  toSeconds,
} from 'epics-pva-ts';
import { describe, expect } from 'vitest';
import { idsFrom, leastReceived, statusWhen } from './support/consumer.ts';
import { holdSimulator } from './support/held-simulator.ts';
import { collectImages } from './support/processing.ts';
import { type Finished, it, until, type World } from './support/world.ts';

/** Time stamp of an update as text: equal if and only if the times are. */
function timeOf(value: { get(path: string): unknown }): string {
  return `${value.get('timeStamp.secondsPastEpoch')}.${value.get('timeStamp.nanoseconds')}`;
}

interface Update {
  readonly value: number;
  readonly time: string;
}

/** The updates of a metadata PV, the first of them its present value, which is there. */
async function follow(context: Context, channel: string): Promise<Update[]> {
  const updates: Update[] = [];
  context.monitor(
    channel,
    { pvRequest: 'record[queueSize=2000]field()' },
    { update: (value) => void updates.push({ value: value.get('value') as number, time: timeOf(value) }) },
  );
  await until(() => expect(updates.length).toBeGreaterThan(0));
  return updates;
}

interface Image {
  readonly id: number;
  readonly time: string;
  readonly seconds: number;
  readonly pixels: string;
}

const read = (frame: NTNDArray): Image => ({
  id: frame.uniqueId,
  time: timeOf(frame),
  seconds: toSeconds(frame.timeStamp),
  pixels: Array.from(frame.pixels as ArrayLike<number>).join(),
});

const SMALL = '-nx 4 -ny 4 -nf 3 -rp 0';

describe.concurrent('metadata PVs', () => {
  it('get a value of their own for every frame, with its time stamp', async ({ world }) => {
    const held = await holdSimulator(
      world,
      `ad-sim-server ${SMALL} -mpv pva://motor:x,pva://motor:y -fps 200 -rt 1`,
    );
    const simulator = held.child;
    await simulator.waitForLine(/^PVA metadata PVs: motor:x, motor:y$/, 15_000);
    const x = await follow(world.context, 'motor:x');
    const y = await follow(world.context, 'motor:y');
    const images = await collectImages(world, 'pvapy:image', read);
    held.go();
    await until(() => expect(images.length).toBe(200), 20_000);
    expect(images.map(({ id }) => id)).toEqual(idsFrom(1, 200));
    const times = images.map(({ time }) => time);
    expect(new Set(times).size).toBe(200);
    for (const updates of [x, y]) {
      expect(updates[0]).toEqual({ value: 0, time: '0.0' });
      expect(updates.slice(1).map(({ time }) => time)).toEqual(times);
      const values = updates.slice(1).map(({ value }) => value);
      expect(new Set(values).size).toBe(200);
      for (const value of values) expect(value >= 0 && value < 1).toBe(true);
    }
    expect(x.map(({ value }) => value)).not.toEqual(y.map(({ value }) => value));
    simulator.signal('SIGINT');
    const ends = /^Channel motor:y: 200 published; monitors now: 1 \(201 updates sent, 0 overwritten\)$/;
    await simulator.waitForLine(ends, 20_000);
    expect(await simulator.waitForExit(20_000)).toMatchObject({ code: 0 });
  });

  it("have PvaPy's type", async ({ world }) => {
    const simulator = await world.start(`ad-sim-server ${SMALL} -mpv pva://motor:x -std 60`);
    await simulator.waitForLine(/^Serving /, 15_000);
    const { stdout } = await world.run('pvinfo motor:x');
    expect(stdout).toMatch(
      /structure\s+double value\s+time_t timeStamp\s+long secondsPastEpoch\s+int nanoseconds\s+int userTag/,
    );
  });

  it('are there before their image, whose attributes MetadataProcessor makes of them', async ({ world }) => {
    const simulator = await holdSimulator(
      world,
      `ad-sim-server ${SMALL} -mpv pva://motor:x,pva://motor:y -fps 300 -rt 1`,
    );
    await world.start(
      'hpc-consumer -ic pvapy:image -sc consumer:*:status -cc consumer:*:control -oc processed -sqs 1000 -mc pva://motor:x,pva://motor:y -pc MetadataProcessor',
    );
    await statusWhen(world, 1, 'connected', (now) => leastReceived(now) === 1);
    simulator.go();
    const s = await statusWhen(world, 1, 'done', (now) => now.processorStats.nProcessed === 300);
    expect(s.userStats).toMatchObject({ nFramesProcessed: 300, nFrameErrors: 0 });
    expect(Number(s.userStats?.['nMetadataProcessed'])).toBe(600);
  });

  it('are seen by pvmonitor, every update once', async ({ world }) => {
    const simulator = await holdSimulator(world, `ad-sim-server ${SMALL} -mpv pva://motor:x -fps 50 -rt 1`);
    const monitor = await world.start("pvmonitor -r 'record[queueSize=100]field(value)' motor:x");
    await until(() => expect(monitor.lines.length).toBe(1));
    simulator.go();
    await until(() => expect(monitor.lines.length).toBe(51), 20_000);
    await simulator.child.waitForLine(/^Server exiting after reaching runtime/, 15_000);
    expect(new Set(monitor.lines.map(({ text }) => text)).size).toBe(51);
  });
});

describe.concurrent('several channels', () => {
  it('have the same frames, each with ids and clients of its own', async ({ world }) => {
    const held = await holdSimulator(world, `ad-sim-server ${SMALL} -cn 'det:1, det:2,det:3' -fps 100 -rt 1`);
    const simulator = held.child;
    await simulator.waitForLine(/^Serving det:1, det:2, det:3 on TCP port/, 15_000);
    const first = await collectImages(world, 'det:1', read);
    const second = await collectImages(world, 'det:2', read);
    held.go();
    await until(() => expect([first.length, second.length]).toEqual([100, 100]), 20_000);
    expect(first.map(({ id }) => id)).toEqual(idsFrom(1, 100));
    expect(second).toEqual(first);
    simulator.signal('SIGINT');
    expect(await simulator.waitForExit(20_000)).toMatchObject({ code: 0 });
    const text = simulator.lines.map((line) => line.text);
    expect(text.filter((line) => line.startsWith('Channel '))).toEqual([
      'Channel det:1: 100 published; monitors now: 1 (101 updates sent, 0 overwritten)',
      'Channel det:2: 100 published; monitors now: 1 (101 updates sent, 0 overwritten)',
      'Channel det:3: 100 published; monitors now: 0 (0 updates sent, 0 overwritten)',
    ]);
    expect(text.at(-2)).toMatch(/^Published frames: +100 @ /);
  });
});

describe.concurrent('the rate', () => {
  it('may change: from 100 to 300 frames/s within 4 s are 800 frames, most of them towards the end', async ({
    world,
  }) => {
    const held = await holdSimulator(world, `ad-sim-server ${SMALL} -fps 100 -rto 300 -rtm 4 -rt 4`);
    const simulator = held.child;
    await simulator.waitForLine(/^Frame rate: 100fps, changing to 300fps within 4s$/, 15_000);
    const images = await collectImages(world, 'pvapy:image', read);
    held.go();
    await simulator.waitForLine(/^Server exiting after reaching runtime/, 20_000);
    await until(() => expect(images.map(({ id }) => id)).toEqual(idsFrom(1, 800)));
    expectOnTime(images, (n) => (Math.sqrt(100 ** 2 + 2 * 50 * n) - 100) / 50);
  });

  it('may come in bursts, as many frames in all', async ({ world }) => {
    const held = await holdSimulator(world, `ad-sim-server ${SMALL} -fps 100 -bst 25 -rt 4`);
    const simulator = held.child;
    await simulator.waitForLine(/^Frames come in bursts of 25$/, 15_000);
    const images = await collectImages(world, 'pvapy:image', read);
    held.go();
    await simulator.waitForLine(/^Server exiting after reaching runtime/, 20_000);
    await until(() => expect(images.map(({ id }) => id)).toEqual(idsFrom(1, 400)));
    expectOnTime(images, (n) => Math.floor(n / 25) / 4);
    // Without bursts there would be 0.24 s between the first and the last of them.
    const widths = [0, 1, 2, 3].map((k) => images[25 * k + 24]!.seconds - images[25 * k]!.seconds);
    expect(Math.min(...widths)).toBeLessThan(0.1);
  });
});

/** Frame n (from 0) is due `due(n)` seconds after the first; on a busy computer it may be late. */
function expectOnTime(images: readonly Image[], due: (n: number) => number): void {
  const lateness = images.map(({ seconds }, n) => seconds - due(n));
  // The first may have been late itself.
  const start = Math.min(...lateness);
  expect(lateness[0]! - start).toBeLessThan(0.5);
  // Half of them at least are nearly on time.
  const sorted = lateness.map((late) => late - start).sort((a, b) => a - b);
  expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThan(0.1);
}

/** A PV for the simulator to put to. */
async function flag(world: World, pv: SharedPV): Promise<void> {
  const server = new Server({ ...serverConfigFromEnv(world.env), tcpPort: 0 });
  world.own(await server.addPV('scan:flag', pv).start());
}

/**
 * Runs a simulator until it has this to say of its notification PV: it looks for it for 3 s only, which a busy computer
 * may need to find it.
 */
function notifying(world: World, options: string, outcome: RegExp): Promise<Finished> {
  return until(async () => {
    const all = await world.run(
      `ad-sim-server ${SMALL} -npv pva://scan:flag -fps 100 -rt 0.1 -std 0 -shd 0 ${options}`,
    );
    expect(all.stdout).toMatch(outcome);
    return all;
  });
}

describe.concurrent('the notification PV', () => {
  it('is put to before the first frame', async ({ world }) => {
    const pv = SharedPV.mailbox(NTScalar.create('double', 0));
    await flag(world, pv);
    const { code, stdout } = await notifying(world, '-nvl 4.5 -rp 1', /^Set notification PV/m);
    expect(code).toBe(0);
    expect(pv.fetch().get('value')).toBe(4.5);
    const lines = stdout.split('\n');
    const set = lines.indexOf('Set notification PV scan:flag to 4.5');
    expect(set).toBeGreaterThan(0);
    expect(set).toBeLessThan(lines.findIndex((line) => /^Published frame id +1 /.test(line)));
  });

  it('takes the label of an enum, and 1 when no value is given', async ({ world }) => {
    const pv = SharedPV.mailbox(NTEnum.create(['Idle', 'Run', 'Hold'], 0));
    await flag(world, pv);
    await notifying(world, '-nvl Hold', /^Set notification PV/m);
    expect(pv.fetch().get('value.index')).toBe(2);
    await notifying(world, '', /^Set notification PV/m);
    expect(pv.fetch().get('value.index')).toBe(1);
  });

  it.for<[string, (world: World) => Promise<void>, RegExp]>([
    ['is not there', async () => {}, /^Could not set notification PV scan:flag to 1: .*scan:flag/m],
    [
      'is read-only',
      (world) => flag(world, SharedPV.readonly(NTScalar.create('double', 0))),
      /^Could not set notification PV scan:flag to 1: .*read-only/m,
    ],
  ])('that %s is one line, and the frames come all the same', async ([, prepare, message], { world }) => {
    await prepare(world);
    const { code, stdout, stderr } = await notifying(world, '', message);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^Published frames: +10 @/m);
  });
});

describe.concurrent('a mistake', () => {
  it.for<[string, RegExp]>([
    [
      '-mpv x',
      /metadata PV 'x': without a protocol .* write pva:\/\/x .*0013-channel-access\.md\) \(HPC_METADATA\)$/,
    ],
    ['-mpv pva://x,ca://y', /metadata PV 'ca:\/\/y': Channel Access is not offered; write pva:\/\/y/],
    ['-mpv pva://x,pva://x', /channel 'x' would be served twice; .*\(HPC_CHANNEL_NAME\)$/],
    ['-cn x -mpv pva://x', /channel 'x' would be served twice/],
    ['-cn x,x', /channel 'x' would be served twice/],
    ['-cn ,', /the channel name is empty/],
    [
      '-npv scan:flag',
      /notification PV 'scan:flag': .* write pva:\/\/scan:flag, for IOCs .* \(HPC_BAD_ARGUMENT\)$/,
    ],
    ['-npv http://x', /notification PV 'http:\/\/x': unknown protocol 'http'; write pva:\/\/x/],
    ['-rtm 3', /--ramp-time: give the frame rate at its end, too: --ramp-to/],
    ['-rto 0', /ramp to 0 frames\/s: use a number above 0/],
    ['-fps 0 -rto 10', /a ramp from 0 frames\/s has no beginning/],
    ['-bst 0', /bursts of 0 frames: use a whole number of 1 or more/],
    ['-bst 5 -fps 0', /bursts need a frame rate above 0/],
  ])('%s is said in one line', async ([options, message], { world }) => {
    const { code, stderr } = await world.run(`ad-sim-server ${SMALL} ${options}`);
    expect(code).toBe(1);
    expect(stderr.trimEnd()).toMatch(message);
    expect(stderr.trimEnd()).not.toContain('\n');
  });
});
