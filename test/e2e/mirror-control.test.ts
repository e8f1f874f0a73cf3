/** What a mirror server can be told while it runs, by its control channel, and who may tell it and read from it. */
import { userInfo } from 'node:os';
import { Server, SharedPV, serverConfigFromEnv, struct, Value } from 'epics-pva-ts';
import { describe, expect } from 'vitest';
import type { Child } from '../../bench/peers/child.ts';
import { codeBlocks, commandLines } from '../docs/support/documents.ts';
import { control } from './support/consumer.ts';
import { Detector } from './support/detector.ts';
import { mirrorRows } from './support/mirror.ts';
import { it, until, type World } from './support/world.ts';

const MIRROR = "mirror-server -cm '(mirror,source,pva,100)' -sc mirror:status -cc mirror:1:control";
const type = struct('', { n: 'int' });

/** Serves `source`, with n = 0. */
async function source(world: World): Promise<SharedPV> {
  const pv = SharedPV.readonly(Value.create(type, { n: 0 }));
  world.own(await new Server({ ...serverConfigFromEnv(world.env) }).addPV('source', pv).start());
  return pv;
}

/** The values of n that the mirror shows, as they come. */
function watch(world: World): number[] {
  const seen: number[] = [];
  world.context.monitor(
    'mirror',
    { pvRequest: 'record[queueSize=100]field()' },
    { update: (value) => void seen.push(Number(value.get('n'))) },
  );
  return seen;
}

describe.concurrent('the control channel of mirror-server', () => {
  it('begins the counters anew, writes them at once, and ends it', async ({ world }) => {
    const pv = await source(world);
    const mirror = await world.start(MIRROR);
    const seen = watch(world);
    await until(() => expect(seen).toEqual([0]), 30_000);
    for (let n = 1; n <= 10; n++) pv.post(Value.create(type, { n }));
    await until(() => expect(seen.at(-1)).toBe(10));
    const row = async (): Promise<unknown> => (await mirrorRows(world)).get('mirror');
    await until(async () => expect(await row()).toMatchObject({ nReceived: 11n, nPublished: 11n }));

    expect(await control(world, 'mirror:1', 'reset_stats')).toBe('Stats reset successful');
    expect(await row()).toMatchObject({
      connected: true,
      nReceived: 0n,
      nPublished: 0n,
      nBytes: 0n,
      receivedRate: 0,
      bytesPerSecond: 0,
    });
    for (let n = 11; n <= 15; n++) pv.post(Value.create(type, { n }));
    await until(() => expect(seen.at(-1)).toBe(15));
    expect(await control(world, 'mirror:1', 'get_stats')).toBe('Stats update successful');
    expect(await row()).toMatchObject({ nReceived: 5n, nPublished: 5n });
    const report = /^Channel mirror @ \d+\.\d{3}: {'nReceived': 5, 'nOverruns': 0}$/;
    await mirror.waitForLine(report, 5_000);

    expect(await control(world, 'mirror:1', 'configure', '{}')).toBe(
      "Ignoring request: command 'configure' is not one of reset_stats, get_stats, stop",
    );
    expect(await control(world, 'mirror:1', 'stop')).toBe('Stop flag set');
    expect(await mirror.waitForExit(15_000)).toMatchObject({ code: 0, signal: null });
    expect(mirror.lines.at(-1)?.text).toMatch(report);
    expect(mirror.lines.map(({ text }) => text).join('\n')).toMatch(/^Server exiting after/m);
  });

  it('takes the commands of the reference', async ({ world }) => {
    const [first, shared, put, ...more] = codeBlocks('docs/reference/mirror-server.md', 'sh').flatMap(
      commandLines,
    );
    expect([shared, more.length]).toEqual([expect.stringContaining('pydistributor'), 0]);
    const detector = await Detector.start(world, { nx: 8, ny: 8 });
    await world.start(first as string);
    await detector.subscribers(1);
    const row = async (): Promise<unknown> => (await mirrorRows(world)).get('mirror:image');
    await until(async () => expect(await row()).toMatchObject({ nReceived: 1n, nPublished: 1n }));
    expect(await world.run(put as string)).toMatchObject({ code: 0 });
    await until(async () => expect(await row()).toMatchObject({ nReceived: 0n, nPublished: 0n }));
  });

  it.for([
    ["mirror-server -cm '(a,b)' -cc a", "'a' would be control channel and mirror"],
    ["mirror-server -cm '(a,b)' -sc c -cc c", "'c' would be control channel and status channel"],
  ])('%s ends with one line', async ([line, message], { world }) => {
    const { code, stdout, stderr } = await world.run(line as string);
    expect([code, stdout, stderr]).toEqual([1, '', `mirror-server: error: ${message} (HPC_CHANNEL_NAME)\n`]);
  });
});

describe.concurrent('the access security file of mirror-server', () => {
  /** A mirror server for which this user is in the group `guests`, `operators` or none. */
  async function guarded(world: World, group: string): Promise<Child> {
    const file = world.file(
      'mirror.acf',
      `${['guests', 'operators']
        .map((name) => `UAG(${name}) {"${name === group ? userInfo().username : 'somebody else'}"}`)
        .join('\n')}
       ASG(DEFAULT) {
         RULE(1, READ)  { UAG(guests) }
         RULE(1, WRITE) { UAG(operators) }
       }`,
    );
    await source(world);
    const mirror = await world.start(`${MIRROR} -asf ${file}`);
    await mirror.waitForLine(/^Started mirror server/, 15_000);
    return mirror;
  }
  const stop = { command: 'stop' };

  it('lets those command who may write, and nobody write a mirror', async ({ world }) => {
    const mirror = await guarded(world, 'operators');
    expect((await world.context.get('mirror', { timeout: 30 })).get('n')).toBe(0);
    await expect(world.context.put('mirror', { n: 5 })).rejects.toThrow(/a mirror is read-only/);
    await world.context.put('mirror:1:control', stop);
    expect(await mirror.waitForExit(15_000)).toMatchObject({ code: 0, signal: null });
  });

  it('lets others read, and not command', async ({ world }) => {
    await guarded(world, 'guests');
    expect((await world.context.get('mirror', { timeout: 30 })).get('n')).toBe(0);
    const refused = /^mirror:1:control: write access denied to '.*' at .* \(ASG DEFAULT, ASL 0\)$/;
    await expect(world.context.put('mirror:1:control', stop)).rejects.toThrow(refused);
  });

  it('refuses reading to everybody else', async ({ world }) => {
    await guarded(world, 'nobody');
    const refused = /: read access denied to '.*' at .* \(ASG DEFAULT, ASL 0\)$/;
    for (const name of ['mirror', 'mirror:status'])
      await expect(world.context.get(name, { timeout: 30 })).rejects.toThrow(refused);
  });

  it.for([
    ['UAG(operators {alice}', /mirror\.acf:1: .* \(PVA_CONFIG\)\n$/],
    [undefined, /cannot read the access security file .*mirror\.acf: .* \(PVA_CONFIG\)\n$/],
  ] as const)('that cannot be read is one line: %s', async ([text, message], { world }) => {
    if (text !== undefined) world.file('mirror.acf', text);
    const { code, stdout, stderr } = await world.run(`${MIRROR} -asf ${world.folder}/mirror.acf`);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd()).not.toContain('\n');
  });
});
