/**
 * All normative types with PVXS (p4p) and pvAccessCPP (pvapy), both ways: the peers read what our builders make, with
 * ids and order of fields exactly as we have them, and with their own classes where they have one; we read what they
 * make. What p4p.nt builds is the same as what our builders build.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  AnyValue,
  Context,
  clientConfigFromEnv,
  NTEnum,
  NTMultiChannel,
  NTNDArray,
  NTScalar,
  NTScalarArray,
  NTTable,
  NTURI,
  Server,
  SharedPV,
  serverConfigFromEnv,
  type TypeDef,
  typeOf,
} from 'epics-pva-ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PeerType } from './catalogue.ts';
import { withoutIds } from './compare.ts';
import { ALARM, ALL, COLUMNS, NAMES, read, readerOf, sample, TIME } from './nt-samples.ts';
import { startClient, startP4pClient, startPvapyClient } from './p4p.ts';
import type { PeerClient } from './peer-client.ts';
import { gotValueOf, peerTypeOf } from './peer-value.ts';
import { ensurePeers, repositoryRoot } from './peers.ts';
import { freePorts, peerEnv } from './ports.ts';

const peers = await ensurePeers();

function typeId(type: PeerType): string | null {
  return typeof type === 'string' ? type : type[1];
}

let env: NodeJS.ProcessEnv;
let server: Server;
let context: Context;
let p4p: PeerClient;
let pvapy: PeerClient;
let ntP4p: PeerClient;
let ntPvapy: PeerClient;

describe.skipIf(!peers.available)('normative types', () => {
  beforeAll(async () => {
    env = peerEnv(await freePorts());
    server = new Server(serverConfigFromEnv(env));
    for (const name of NAMES) server.addPV(`our:${name}`, SharedPV.readonly(sample(name)));
    await server.start();
    context = new Context(clientConfigFromEnv(env));
    p4p = await startP4pClient(peers, env);
    pvapy = await startPvapyClient(peers, env);
    ntP4p = await startClient(peers, env, 'nt_p4p.py');
    ntPvapy = await startClient(peers, env, 'nt_pvapy.py');
  });

  afterAll(async () => {
    await context?.close();
    await Promise.all([p4p, pvapy, ntP4p, ntPvapy].map((peer) => peer?.stop()));
    await server?.close();
  });

  describe('that we build', () => {
    it.each(NAMES)('%s is the same for PVXS, all ids and the order of all fields', async (name) => {
      const { type, value } = gotValueOf(sample(name));
      const got = await p4p.get(`our:${name}`);
      expect(got.type).toEqual(type);
      expect(got.value).toEqual(value);
    });

    it.each(NAMES)('%s is the same for pvAccessCPP', async (name) => {
      const { type } = gotValueOf(sample(name));
      const info = await pvapy.info(`our:${name}`);
      expect(withoutIds(info)).toEqual(withoutIds(type));
      const got = await pvapy.get(`our:${name}`);
      expect(typeId(got.type)).toBe(readerOf(name).id);
      expect(withoutIds(got.value)).toEqual(withoutIds(gotValueOf(sample(name)).value));
    });

    it('is what p4p.nt builds', async () => {
      const { types } = await ntP4p.call<{ types: Record<string, PeerType> }>('types');
      const ours: Record<string, TypeDef> = {
        scalar: NTScalar.build('double'),
        array: NTScalarArray.build('ushort'),
        text: NTScalar.build('string', { display: true }),
        control: NTScalar.build('int', { control: true, valueAlarm: true }),
        enum: NTEnum.build({ display: false }),
        table: NTTable.build(COLUMNS),
        multi: NTMultiChannel.build({ descriptor: true }),
        uri: NTURI.create('x', { x: 1, name: 'y' }).type,
      };
      for (const [name, type] of Object.entries(ours))
        expect([name, peerTypeOf(type)]).toEqual([name, types[name]]);
      // Ours has descriptor and display behind what PVXS and p4p have.
      const image = peerTypeOf(NTNDArray.type) as [string, string, [string, PeerType][]];
      const theirs = types['image'] as typeof image;
      expect(image[2].slice(0, theirs[2].length)).toEqual(theirs[2]);
      expect(image[2].slice(theirs[2].length).map(([field]) => field)).toEqual(['descriptor', 'display']);
    });

    it('is unwrapped by p4p.nt', async () => {
      const unwrap = async (name: string) =>
        (await ntP4p.call<{ result: object }>('unwrap', { pv: `our:${name}` })).result;
      const common = { severity: 2, stamp: [1_700_000_000, 5] };
      expect(await unwrap('NTScalar')).toEqual({ kind: 'ntfloat', ...common, value: 3.25 });
      expect(await unwrap('NTScalarArray')).toEqual({
        kind: 'ntnumericarray',
        ...common,
        value: [1, 65_535],
      });
      expect(await unwrap('NTEnum')).toEqual({ kind: 'ntenum', ...common, value: 1, choice: 'Closed' });
      expect(await unwrap('NTTable')).toEqual({
        kind: 'table',
        labels: ['a', 'b', 'c'],
        rows: [
          { a: 1, b: 'one', c: 1.5 },
          { a: 2, b: 'two', c: 2.5 },
        ],
      });
      expect(await unwrap('NTNDArray')).toEqual({
        kind: 'ntndarray',
        severity: 0,
        stamp: [1_700_000_000, 5],
        shape: [2, 3],
        dtype: 'uint16',
        value: [
          [0, 1, 2],
          [3, 4, 5],
        ],
        attrib: { ColorMode: 0 },
      });
    });

    it("is what PvaPy's classes read", async () => {
      const wrap = async (name: string, className: string) =>
        (await ntPvapy.call<{ result: object }>('wrap', { pv: `our:${name}`, class: className })).result;
      const common = { descriptor: 'text', alarm: [2, 1, 'hot'], timeStamp: [1_700_000_000, 5, 6] };
      expect(await wrap('NTScalar', 'NtScalar')).toEqual({ ...common, value: 3.25 });
      expect(await wrap('NTEnum', 'NtEnum')).toEqual({ ...common, index: 1, choices: ['Open', 'Closed'] });
      // PvaPy finds columns by these names only.
      const columns = COLUMNS.map(({ name, kind }, i) => ({ name: `column${i}`, kind, label: name }));
      const cells = { column0: [1, 2], column1: ['one', 'two'], column2: [1.5, 2.5] };
      server.addPV('our:columns', SharedPV.readonly(NTTable.create(columns, cells, ALL)));
      expect(await wrap('columns', 'NtTable')).toEqual({
        ...common,
        labels: ['a', 'b', 'c'],
        columns: [
          [1, 2],
          ['one', 'two'],
          [1.5, 2.5],
        ],
      });
      expect(await wrap('NTNDArray', 'NtNdArray')).toEqual({
        codec: '',
        sizes: [12, 12],
        uniqueId: 7,
        dimension: [3, 2],
        attribute: ['ColorMode'],
      });
      const { result } = await ntPvapy.call<{ result: object }>('image', { pv: 'our:NTNDArray' });
      expect(result).toMatchObject({
        id: 7,
        pixels: [
          [0, 1, 2],
          [3, 4, 5],
        ],
        nx: 3,
        ny: 2,
        key: 'ushortValue',
      });
    });
  });

  describe('that PVXS serves', () => {
    it.each(NAMES)('%s: our reader gives what it gives for ours', async (name) => {
      const { type, value } = gotValueOf(sample(name));
      // PVXS's Python can put only some types into an any.
      const served = JSON.parse(
        JSON.stringify(value).replace('{"type":"i","value":0}', '{"type":"l","value":"0"}'),
      );
      await ntP4p.call('serve', { pv: `pvxs:${name}`, type, value: served });
      const got = await context.get(`pvxs:${name}`);
      expect(peerTypeOf(got.type)).toEqual(type);
      expect(readerOf(name).is(got)).toBe(true);
      const expected = read(name, sample(name));
      if (name === 'NTNDArray') expected['attributes'] = new Map([['ColorMode', 0n]]);
      expect({ ...read(name, got), value: null }).toEqual({ ...expected, value: null });
      expect(gotValueOf(got).value).toEqual(served);
    });

    it('is read as p4p.nt wrapped it', async () => {
      await ntP4p.call('offer', { prefix: 'p4p:' });
      const timeStamp = { secondsPastEpoch: 1_700_000_000n, nanoseconds: 5, userTag: 0 };
      const scalar = NTScalar.wrap(await context.get('p4p:scalar'));
      expect([scalar.value, scalar.alarm?.severity, scalar.timeStamp]).toEqual([3.25, 2, timeStamp]);
      expect(scalar.display).toMatchObject({ units: 'mm', precision: 2, limitHigh: 10, form: 'Hex' });
      expect(NTScalarArray.wrap(await context.get('p4p:array')).value).toEqual(Uint16Array.of(1, 65_535));
      const valve = NTEnum.wrap(await context.get('p4p:enum'));
      expect([valve.index, valve.label, valve.timeStamp]).toEqual([1, 'Closed', timeStamp]);
      const table = NTTable.wrap(await context.get('p4p:table'));
      expect(table.labels).toEqual(['a', 'b', 'c']);
      expect(table.rows[1]).toEqual({ a: 2, b: 'two', c: 2.5 });
      const image = NTNDArray.wrap(await context.get('p4p:image'));
      expect([image.shape, image.pixels, image.colorMode]).toEqual([
        [2, 3],
        Uint16Array.of(0, 1, 2, 3, 4, 5),
        0,
      ]);
      const multi = NTMultiChannel.wrap(await context.get('p4p:multi'));
      expect(multi.isValid()).toBe(true);
      expect(multi.channels[1]).toEqual({
        name: 'b',
        value: 'text',
        alarm: ALARM,
        timeStamp: { ...TIME, secondsPastEpoch: 1_700_000_001n },
        isConnected: false,
      });
    });
  });

  describe('that pvAccessCPP serves', () => {
    it.each(NAMES)('%s: our reader gives what it gives for ours', async (name) => {
      const { type, value } = gotValueOf(sample(name));
      await ntPvapy.call('serve', { pv: `cpp:${name}`, type, value });
      const got = await context.get(`cpp:${name}`);
      expect(withoutIds(peerTypeOf(got.type))).toEqual(withoutIds(type));
      expect({ ...read(name, got), value: null }).toEqual({ ...read(name, sample(name)), value: null });
    });

    it("is read as PvaPy's classes made it, compressed images too", async () => {
      const images = goldenImages();
      await ntPvapy.call('offer', { prefix: 'pvapy:', images });
      for (const name of ['scalar', 'enum', 'table']) {
        const view = { scalar: NTScalar, enum: NTEnum, table: NTTable }[name]?.wrap(
          await context.get(`pvapy:${name}`),
        );
        expect([view?.descriptor, view?.alarm, view?.timeStamp]).toEqual(['text', ALARM, TIME]);
      }
      const scalar = NTScalar.wrap(await context.get('pvapy:scalar'));
      expect([scalar.value, scalar.display?.format]).toEqual([3.25, '']);
      expect(NTEnum.wrap(await context.get('pvapy:enum')).label).toBe('Closed');
      const table = NTTable.wrap(await context.get('pvapy:table'));
      expect([table.labels, table.rows[1]]).toEqual([
        ['A', 'B', 'C'],
        { column0: 2, column1: 'two', column2: 2.5 },
      ]);
      const image = NTNDArray.wrap(await context.get('pvapy:image'));
      expect(NTNDArray.isCompatible(image.structure)).toBe(true);
      expect([image.uniqueId, image.shape, image.pixels]).toEqual([
        7,
        [2, 3],
        Uint16Array.of(0, 1, 2, 3, 4, 5),
      ]);
      for (const [name, { codec }] of Object.entries(images)) {
        const packed = NTNDArray.wrap(await context.get(`pvapy:${name}`));
        expect([name, packed.codec]).toEqual([name, { name: codec, parameters: 6 }]);
        const { pixels } = await packed.decompress();
        expect(pixels).toEqual(Uint16Array.from({ length: 5003 }, (_, i) => (i % 50 < 3 ? i : i >> 8)));
      }
    });
  });

  it('carry images that we compress, with the codec as areaDetector writes it', async () => {
    const frame = NTNDArray.create({
      pixels: Uint16Array.from({ length: 5000 }, (_, i) => i >> 4),
      dimensions: [100, 50],
    });
    for (const name of ['lz4', 'bslz4']) {
      server.addPV(`our:${name}`, SharedPV.readonly(frame.compress(name).value));
      const { value } = await p4p.get(`our:${name}`);
      expect(value).toMatchObject({
        codec: { name, parameters: { type: 'i', value: 6 } },
        uncompressedSize: '10000',
      });
      const back = NTNDArray.wrap(await context.get(`our:${name}`));
      expect(back.get('codec.parameters')).toEqual(new AnyValue(typeOf('int'), 6));
      expect(back.decompressSync().pixels).toEqual(frame.pixels);
    }
  });
});

/** Images of the reference libraries, as the library's own tests have them. */
function goldenImages() {
  const file = join(repositoryRoot(), 'packages/epics-pva-ts/test/golden/codecs.json');
  const golden = JSON.parse(readFileSync(file, 'utf8')) as { codec: string; kind: string; base64: string }[];
  return Object.fromEntries(
    golden
      .filter(({ codec, kind }) => kind === 'ushort' && codec !== 'jpeg')
      .map(({ codec, base64 }, i) => [`${codec}${i}`, { codec, base64, nx: 5003, ny: 1, dtype: 'uint16' }]),
  );
}
