/**
 * Field options of a pvRequest with our server and with pvDatabase, where they come from (pvapy's server): the same requests,
 * the same puts, the same answers.
 */
import { Context, clientConfigFromEnv, type PvData, UnionValue, type Value } from 'epics-pva-ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCatalogue } from './catalogue.ts';
import type { Child } from './child.ts';
import { MonitorLog } from './monitor-log.ts';
import { OurServer } from './our-server.ts';
import { startPvapyClient, startPvapyServer } from './p4p.ts';
import type { PeerClient } from './peer-client.ts';
import { ensurePeers } from './peers.ts';
import { freePorts, peerEnv } from './ports.ts';

const peers = await ensurePeers();
const NAMES = [
  'array:int',
  'array:long',
  'array:double',
  'array:string',
  'array:boolean',
  'nt:scalar',
  'scalar:int',
];

const plain = (v: PvData): unknown => {
  const content = v instanceof UnionValue ? v.value : v;
  return ArrayBuffer.isView(content) || Array.isArray(content) ? Array.from(content as never[]) : content;
};

describe.skipIf(!peers.available)('field options, with pvDatabase and with our server', () => {
  let server: Child;
  let ours: OurServer;
  let client: PeerClient;
  let contexts: readonly { context: Context; name: (pv: string) => string }[];

  beforeAll(async () => {
    const [theirEnv, ourEnv] = [peerEnv(await freePorts()), peerEnv(await freePorts())];
    server = await startPvapyServer(peers, theirEnv, 'cpp:');
    ours = await OurServer.start(
      ourEnv,
      'our:',
      readCatalogue().filter(({ name }) => NAMES.includes(name)),
    );
    client = await startPvapyClient(peers, ourEnv);
    contexts = [
      { context: new Context(clientConfigFromEnv(theirEnv)), name: (pv) => `cpp:${pv}` },
      { context: new Context(clientConfigFromEnv(ourEnv)), name: (pv) => `our:${pv}` },
    ];
  });

  afterAll(async () => {
    await client?.stop();
    await Promise.all(contexts?.map(({ context }) => context.close()) ?? []);
    await ours?.close();
    await server?.stop();
  });

  /** What both servers do: the same. */
  async function both<T>(act: (context: Context, name: (pv: string) => string) => Promise<T>): Promise<T> {
    const [theirs, our] = (await Promise.all(contexts.map(({ context, name }) => act(context, name)))) as [
      T,
      T,
    ];
    expect(our).toEqual(theirs);
    return our;
  }

  const ELEVEN = Array.from({ length: 11 }, (_, i) => i * 10);
  const SLICES = [
    '0:9',
    '2:4',
    '7',
    '-3',
    '-3:-2',
    '1:3:9',
    '0:2:-1',
    '-100:2',
    '8:100',
    '5:2',
    '11:20',
    '0:-100',
  ];

  it.each(SLICES)('array=%s: get, monitor, and a pvAccessCPP client', async (slice) => {
    const request = `field(value[array=${slice}])`;
    const expected = await both(async (context, name) => {
      await context.put(name('array:int'), ELEVEN);
      const got = plain((await context.get(name('array:int'), { pvRequest: request })).get('value'));
      const log = new MonitorLog(context, name('array:int'), request);
      const [first] = (await log.values(1)) as [Value];
      await context.put(name('array:int'), [5, 4, 3, 2, 1]);
      const [second] = (await log.values(1)) as [Value];
      log.close();
      return [got, plain(first.get('value')), plain(second.get('value'))];
    });
    ours.pv('array:int').post({ value: ELEVEN });
    expect((await client.get('our:array:int', { request })).value).toMatchObject({ value: expected[0] });
  });

  it.each([
    ['array:long', [1n, 2n, 3n]],
    ['array:double', [0.5, 1.5, 2.5]],
    ['array:string', ['a', 'b', 'c']],
    ['array:boolean', [true, false, true]],
  ])('slices %s', async (pv, value) => {
    const got = await both(async (context, name) => {
      await context.put(name(pv), value);
      const get = async (slice: string): Promise<unknown> =>
        plain((await context.get(name(pv), { pvRequest: `field(value[array=${slice}])` })).get('value'));
      return [await get('1:2'), await get('0:2:2')];
    });
    expect(got).toEqual([value.slice(1), [value[0], value[2]]]);
  });

  it.each([
    ['2:4', [20, 21, 22], [0, 1, 20, 21, 22]],
    ['0:2:4', [50, 51, 52], [50, 1, 51, 3, 52]],
    ['-2:-1', [98, 99], [0, 1, 2, 98, 99]],
    ['5:6', [5, 6], [0, 1, 2, 3, 4, 5, 6]],
  ])('array=%s: puts a part', async (slice, part, expected) => {
    const after = await both(async (context, name) => {
      await context.put(name('array:int'), [0, 1, 2, 3, 4]);
      await context.put(name('array:int'), part, { pvRequest: `field(value[array=${slice}])` });
      return plain((await context.get(name('array:int'))).get('value'));
    });
    expect(after).toEqual(expected);
  });

  it('a put-get puts a part and gets another', async () => {
    const got = await both(async (context, name) => {
      await context.put(name('array:int'), [0, 1, 2, 3, 4]);
      const pvRequest = 'putField(value[array=1:2])getField(value[array=2:3])';
      const value = await context.putGet(name('array:int'), [51, 52], { pvRequest });
      return [plain(value.get('value')), plain((await context.get(name('array:int'))).get('value'))];
    });
    expect(got).toEqual([
      [52, 3],
      [0, 51, 52, 3, 4],
    ]);
  });

  it.each(['abs:2', 'rel:25'])('deadband=%s: the same updates', async (deadband) => {
    const seen = await both(async (context, name) => {
      await context.put(name('scalar:int'), 10);
      const log = new MonitorLog(context, name('scalar:int'), `field(value[deadband=${deadband}])`);
      await log.values(1);
      for (const value of [11, 12, 13, 14, 18, 17, 13, 100, 101, 50, 0, 1, -1, 1000])
        await context.put(name('scalar:int'), value);
      await log.until((event) => event.event === 'update' && event.value.get('value') === 1000);
      log.close();
      return log.events.flatMap((event) => (event.event === 'update' ? [event.value.get('value')] : []));
    });
    expect(seen.length).toBeLessThan(14);
    expect(seen[0]).toBe(10);
  });

  it('ignore: no event of these fields alone, but with the next one', async () => {
    const seen = await both(async (context, name) => {
      const put = (fields: Record<string, unknown>): Promise<void> =>
        context.put(name('nt:scalar'), fields, { pvRequest: `field(${Object.keys(fields).join()})` });
      await put({ value: 1, alarm: { severity: 0, status: 0, message: '' } });
      const log = new MonitorLog(context, name('nt:scalar'), 'field(value,alarm[ignore=true])');
      await log.values(1);
      await put({ alarm: { severity: 1, status: 2, message: 'a' } });
      await put({ alarm: { severity: 2, status: 2, message: 'b' } });
      await put({ value: 2 });
      await put({ value: 3 });
      await log.values(2);
      log.close();
      return log.events.flatMap((event) =>
        event.event === 'update'
          ? [[event.value.get('value'), event.value.get('alarm.message'), event.value.isMarked('alarm')]]
          : [],
      );
    });
    expect(seen).toEqual([
      [1, '', true],
      [2, 'b', true],
      [3, 'b', false],
    ]);
  });

  it('timestamp=current: the time of the answer', async () => {
    const times = contexts.map(async ({ context, name }) => {
      await context.put(
        name('nt:scalar'),
        { timeStamp: { secondsPastEpoch: 5n } },
        { pvRequest: 'field(timeStamp)' },
      );
      const value = await context.get(name('nt:scalar'), {
        pvRequest: 'field(timeStamp[timestamp=current])',
      });
      return Number(value.get('timeStamp.secondsPastEpoch'));
    });
    for (const time of await Promise.all(times)) expect(Math.abs(Date.now() / 1000 - time)).toBeLessThan(60);
  });
});
