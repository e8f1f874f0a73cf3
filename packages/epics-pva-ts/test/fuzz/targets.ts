/**
 * Everything that reads what a stranger sent, each as a function of one random input. In CI a few ten thousand inputs,
 * in `npm run fuzz` as many as time allows. A target throws when the code under test does what it must not: throw
 * something that is no PvaError of the right kind, read beyond its bytes, or understand the same bytes in two ways.
 */
import { clientConfigFromEnv, parseAddress, serverConfigFromEnv } from '../../src/config.ts';
import { ConfigError, DecodeError, PvaError, PvRequestError } from '../../src/errors.ts';
import { type Frame, FrameDecoder } from '../../src/frame/frame-decoder.ts';
import { HEADER_SIZE } from '../../src/frame/header.ts';
import { decodeBeacon } from '../../src/message/beacon.ts';
import { decodeDatagram, decodePayload } from '../../src/message/datagram.ts';
import { decodeOriginTag } from '../../src/message/origin-tag.ts';
import { decodeSearchRequest, decodeSearchResponse } from '../../src/message/search.ts';
import { readAlarm } from '../../src/nt/alarm.ts';
import { NTEnum } from '../../src/nt/nt-enum.ts';
import { NTNDArray } from '../../src/nt/nt-nd-array.ts';
import { NTTable } from '../../src/nt/nt-table.ts';
import { NTURI } from '../../src/nt/nt-uri.ts';
import { readTimeStamp } from '../../src/nt/time-stamp.ts';
import { DecodeContext } from '../../src/value/decode-context.ts';
import { codecOf } from '../../src/value/field-codec.ts';
import { formatValue } from '../../src/value/format.ts';
import { PvRequest, parsePvRequest } from '../../src/value/pv-request.ts';
import { decodeType, encodeType, TypeCache } from '../../src/value/type-codec.ts';
import { struct, type TypeDef } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { BitSet } from '../../src/wire/bit-set.ts';
import { WireReader } from '../../src/wire/reader.ts';
import { decodeStatus } from '../../src/wire/status.ts';
import { WireWriter } from '../../src/wire/writer.ts';
import { CODECS } from '../golden/message-codecs.ts';
import { readSessions } from '../golden/read-messages.ts';
import { imageUpdate } from '../support/image.ts';
import { framed, mutateBytes, pieces } from '../support/mutate.ts';
import type { Random } from '../support/random.ts';
import { messageBytes, segmented } from '../support/raw-peer.ts';
import { NT_ENUM, ntScalar, QSRV_DOUBLE, SIMPLE_T } from '../support/types.ts';
import { clientMachine, serverMachine } from './machine-targets.ts';

export type Target = (random: Random) => void | Promise<void>;

/** Runs it; undefined if it refuses as it should. @throws what else was thrown */
export function refuses<T>(
  kind: typeof PvaError | typeof DecodeError | typeof ConfigError,
  run: () => T,
): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof kind) return undefined;
    throw error;
  }
}

function must(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

const TABLE = NTTable.create(
  [
    { name: 'a', kind: 'double' },
    { name: 'b', kind: 'string' },
  ],
  { a: [1, 2], b: ['x', 'y'] },
);
const URI = NTURI.create('pv', { a: 1, b: 'text' });

/** Complete values of what people send, to be damaged. */
const SAMPLES: readonly Value[] = [
  Value.create(ntScalar('double'), { value: 4.5 }),
  Value.create(ntScalar('string'), { value: 'text' }),
  Value.create(NT_ENUM, { value: { index: 1, choices: ['a', 'b'] } }),
  Value.create(QSRV_DOUBLE, { value: 1 }),
  Value.create(SIMPLE_T, { value: [1n, 2n], any: 5, anya: ['a', null, 1n] }),
  Value.create(struct('', { value: 'any', list: 'any[]' }), { value: 5, list: ['a', 1n, null] }),
  imageUpdate(1, 20),
  TABLE,
  URI,
];

const typed = (v: Value, littleEndian: boolean): Buffer => {
  const w = new WireWriter(littleEndian);
  encodeType(w, v.type);
  v.encodeFull(w);
  return w.finishBytes();
};

const GOLDEN = readSessions().flatMap((s) =>
  s.messages.map((m) => ({ key: `${m.from} ${m.bytes[3]}`, bytes: m.bytes })),
);
const KEYS = [...CODECS.keys()];
/** Types that an ioid may stand for, as in the golden sessions. */
const TYPES: readonly TypeDef[] = SAMPLES.map((v) => v.type);

/** Bytes that mean something to some decoder: damaged real ones more often than noise. */
function bytesFor(random: Random, real: () => Buffer): Buffer {
  const kind = random.int(10);
  if (kind === 0) return random.bytes(random.int(120));
  if (kind === 1) return Buffer.concat([mutateBytes(real(), random), random.bytes(random.int(20))]);
  return mutateBytes(real(), random, 1 + random.int(5));
}

/** Every message of both sides, in either byte order: refused with DecodeError, or understood within its bytes. */
function messages(random: Random): void {
  const golden = random.pick(GOLDEN);
  const key = random.chance(0.8) && CODECS.has(golden.key) ? golden.key : random.pick(KEYS);
  const codec = CODECS.get(key);
  const bytes = bytesFor(random, () => golden.bytes.subarray(HEADER_SIZE));
  const littleEndian = random.chance(0.5);
  const type = random.pick(TYPES);
  const read = (lazyFrom: number): object | undefined => {
    const r = new WireReader(bytes, littleEndian);
    const m = refuses(DecodeError, () => codec?.decode(r, new DecodeContext(), () => type, lazyFrom));
    must(r.offset <= bytes.length, `read ${r.offset} of ${bytes.length} bytes`);
    return m;
  };
  const m = read(Number.POSITIVE_INFINITY);
  must((read(0) === undefined) === (m === undefined), 'lazy and eager disagree');
  // What was understood can be said: a forwarder, a log.
  if (m) codec?.encode(new WireWriter(littleEndian), m as never);
}

/** Datagrams: nothing at all may be thrown. */
function datagrams(random: Random): void {
  const bytes = random.chance(0.3)
    ? Buffer.concat(Array.from({ length: random.int(4) }, () => framed(random, random.chance(0.5))))
    : mutateBytes(random.pick(GOLDEN).bytes, random);
  for (const m of decodeDatagram(bytes)) {
    must(m.payload.length <= bytes.length, 'a message larger than its datagram');
    for (const decode of [decodeSearchRequest, decodeSearchResponse, decodeBeacon, decodeOriginTag])
      decodePayload<unknown>(m, decode);
  }
}

/** A stream of whole and segmented messages, cut anyhow: the same messages as in one piece, or the same refusal. */
function frames(random: Random): void {
  const one = (): Buffer => {
    const m = messageBytes(random.int(0x18), (w) => w.bytes(random.bytes(random.int(300))), {
      littleEndian: random.chance(0.5),
    });
    if (random.chance(0.2)) return Buffer.from([0xca, 2, 1, 0, 0, 0, 0, 0]);
    return random.chance(0.4) ? segmented(m, 1 + random.int(60), random.chance(0.2)) : m;
  };
  const stream = Buffer.concat(Array.from({ length: 1 + random.int(6) }, one));
  const bytes = random.chance(0.7) ? mutateBytes(stream, random, 2) : stream;
  const read = (feed: (d: FrameDecoder) => void): string => {
    const seen: string[] = [];
    const d = new FrameDecoder({
      maxMessage: 2000,
      onFrame: (f: Frame) =>
        seen.push(`${f.command} ${f.control} ${f.datum} ${f.bytes.toString('hex', f.offset, f.end)}`),
    });
    try {
      feed(d);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      seen.push(error.message);
    }
    d.close();
    return seen.join('\n');
  };
  const whole = read((d) => d.push(bytes));
  const cut = read((d) => {
    for (const piece of pieces(bytes, random)) d.push(piece);
  });
  const inPlace = read((d) => {
    for (const piece of pieces(bytes, random))
      for (let at = 0; at < piece.length; ) {
        const target = d.writeTarget();
        const n = Math.min(target.length, piece.length - at);
        target.set(piece.subarray(at, at + n));
        d.commit(target, n);
        at += n;
      }
  });
  must(whole === cut, 'cut into pieces the stream means something else');
  must(whole === inPlace, 'read in place the stream means something else');
}

/** Types and values of them; then everything the library can do with what came of it. */
function values(random: Random): void {
  const sample = random.pick(SAMPLES);
  const littleEndian = random.chance(0.5);
  const bytes = bytesFor(random, () => typed(sample, littleEndian));
  const cache = new TypeCache();
  const r = new WireReader(bytes, littleEndian);
  const type = refuses(DecodeError, () => decodeType(r, cache));
  if (!type) return;
  const w = new WireWriter();
  encodeType(w, type);
  const again = decodeType(new WireReader(w.finishBytes()), new TypeCache());
  must(again?.equals(type) === true, 'a type that was understood is another one when sent on');
  const rest = new WireReader(bytes, littleEndian, r.offset);
  const skipped = new WireReader(bytes, littleEndian, r.offset);
  const v = refuses(DecodeError, () => codecOf(type).decode(rest, new DecodeContext(cache)));
  const ok = refuses(DecodeError, () => {
    codecOf(type).skip(skipped, new DecodeContext(new TypeCache()));
    return true;
  });
  if (v !== undefined && ok) must(rest.offset === skipped.offset, 'skipped and decoded end elsewhere');
  if (v instanceof Value) useAll(v);
}

/** Updates: mask and fields of a type both sides know. */
function updates(random: Random): void {
  const sample = random.pick(SAMPLES);
  const littleEndian = random.chance(0.5);
  const bytes = bytesFor(random, () => {
    const w = new WireWriter(littleEndian);
    const v = sample.clone();
    for (let n = random.int(4); n > 0; n--) v.unmark((random.pick(v.type.nodes) as { path: string }).path);
    v.encodePartial(w);
    return w.finishBytes();
  });
  const read = (lazy: boolean): Value | undefined =>
    refuses(DecodeError, () =>
      Value.decodePartial(sample.type, new WireReader(bytes, littleEndian), new DecodeContext(), lazy),
    );
  const eager = read(false);
  const lazy = read(true);
  must((lazy === undefined) === (eager === undefined), 'lazy and eager disagree');
  if (!eager || !lazy) return;
  useAll(eager);
  must(formatValue(eager, { mode: 'raw' }) === formatValue(lazy, { mode: 'raw' }), 'lazy and eager differ');
  eager.merge(lazy);
}

/** Formatters and normative types, whatever the structure calls itself. */
function useAll(v: Value): void {
  for (const mode of ['nt', 'raw', 'json'] as const)
    formatValue(v, { mode, name: 'pv', changedOnly: mode === 'raw', highlight: new BitSet() });
  v.toJS();
  const reads: (() => unknown)[] = [
    () => readTimeStamp(v),
    () => readAlarm(v),
    () => NTEnum.is(v) && [NTEnum.index(v), NTEnum.choices(v), NTEnum.label(v)],
    () => NTTable.is(v) && [NTTable.labels(v), NTTable.rows(v)],
    () => NTURI.is(v) && NTURI.read(v),
    () => {
      if (!NTNDArray.is(v)) return;
      const image = new NTNDArray(v);
      for (const look of [
        () => image.pixels,
        () => image.codec,
        () => image.dimensions,
        () => image.shape,
        () => [image.width, image.height, image.colorMode],
        () => image.attributes,
        () => [image.uniqueId, image.timeStamp, image.dataTimeStamp, image.uncompressedSize],
      ])
        refuses<unknown>(PvaError, look);
    },
  ];
  for (const read of reads) refuses<unknown>(PvaError, read);
}

const WORDS = [
  'record',
  'field',
  'putField',
  'getField',
  'value',
  'alarm',
  'a',
  '_',
  '_options',
  '__proto__',
  'queueSize',
];
const SIGNS = [
  '[',
  ']',
  '(',
  ')',
  '{',
  '}',
  ',',
  '.',
  '=',
  ' ',
  ':',
  ';',
  '%',
  '\u0000',
  'ä',
  '1',
  'true',
  '-',
];

function text(random: Random, most: number): string {
  return Array.from({ length: random.int(most) }, () => random.pick(random.chance(0.5) ? WORDS : SIGNS)).join(
    '',
  );
}

/** Texts of pvRequests, and pvRequests of whatever structure. */
function pvRequests(random: Random): void {
  const source = random.chance(0.5)
    ? text(random, 14)
    : mutateBytes(
        Buffer.from(
          'record[queueSize=4,pipeline=true]field(value,alarm{severity,status},_[distributor=updates:2])',
        ),
        random,
      ).toString('latin1');
  const value = refuses(PvRequestError as unknown as typeof PvaError, () => parsePvRequest(source));
  const pvRequest = value ?? random.pick(SAMPLES);
  const w = new WireWriter();
  encodeType(w, pvRequest.type);
  const request = new PvRequest(pvRequest);
  request.option('queueSize');
  request.fieldOptions('_');
  for (const type of TYPES)
    refuses(PvRequestError as unknown as typeof PvaError, () => {
      const { mask } = request.select(type);
      if (mask)
        must(
          mask.toArray().every((n) => n < type.nodes.length),
          'selected a field that is not there',
        );
    });
}

const ADDRESS_PARTS = [
  '127.0.0.1',
  'host',
  '::1',
  '[',
  ']',
  ':',
  '5075',
  '99999',
  ',',
  '@',
  'eth0',
  ' ',
  '224.0.0.1',
  '-',
  '.',
  '255',
  '',
  '%',
  'ä',
];
const VARIABLES = [
  'ADDR_LIST',
  'AUTO_ADDR_LIST',
  'BROADCAST_PORT',
  'SERVER_PORT',
  'INTF_ADDR_LIST',
  'NAME_SERVERS',
  'CONN_TMO',
  'BEACON_ADDR_LIST',
  'IGNORE_ADDR_LIST',
  'AUTO_BEACON_ADDR_LIST',
];

/** Addresses and environment variables. */
function configuration(random: Random): void {
  const some = (): string => Array.from({ length: random.int(8) }, () => random.pick(ADDRESS_PARTS)).join('');
  const entry = refuses(ConfigError, () => parseAddress(some(), 5076));
  if (entry) must(entry.port >= 0 && entry.port <= 65_535, `port ${entry.port}`);
  const env: Record<string, string> = {};
  for (let n = random.int(5); n > 0; n--)
    env[`EPICS_PVA${random.chance(0.5) ? 'S' : ''}_${random.pick(VARIABLES)}`] = random.chance(0.3)
      ? random.pick(['YES', 'no', '0', '30', '1e400', '-1', 'NaN', '0x10', ''])
      : some();
  const client = refuses(ConfigError, () => clientConfigFromEnv(env));
  if (client)
    must(client.tcpTimeout >= 2 && Number.isFinite(client.tcpTimeout), `tcpTimeout ${client.tcpTimeout}`);
  refuses(ConfigError, () => serverConfigFromEnv(env));
}

/** Primitives: masks, statuses, strings, sizes. */
function primitives(random: Random): void {
  const bytes = random.bytes(random.int(40));
  if (random.chance(0.5) && bytes.length > 0) bytes[0] = random.pick([0, 1, 5, 8, 9, 0xfd, 0xfe, 0xff]);
  const littleEndian = random.chance(0.5);
  for (const decode of [
    BitSet.decode,
    decodeStatus,
    (r: WireReader): unknown => r.string(),
    (r: WireReader): unknown => r.count(3),
  ]) {
    const r = new WireReader(bytes, littleEndian);
    refuses(DecodeError, () => decode(r));
    must(r.offset <= bytes.length, 'read beyond the end');
  }
  const mask = refuses(DecodeError, () => BitSet.decode(new WireReader(bytes, littleEndian)));
  if (!mask) return;
  const w = new WireWriter(littleEndian);
  mask.encode(w);
  must(
    BitSet.decode(new WireReader(w.finishBytes(), littleEndian)).equals(mask),
    'a mask sent on is another',
  );
}

/** By name; the number is how many inputs CI gives each. */
export const TARGETS: ReadonlyMap<string, { readonly run: Target; readonly inCi: number }> = new Map([
  ['primitives', { run: primitives, inCi: 8000 }],
  ['messages', { run: messages, inCi: 8000 }],
  ['datagrams', { run: datagrams, inCi: 4000 }],
  ['frames', { run: frames, inCi: 2000 }],
  ['values', { run: values, inCi: 4000 }],
  ['updates', { run: updates, inCi: 2000 }],
  ['pvRequests', { run: pvRequests, inCi: 4000 }],
  ['configuration', { run: configuration, inCi: 4000 }],
  ['server', { run: serverMachine, inCi: 1500 }],
  ['client', { run: clientMachine, inCi: 1000 }],
] as const);
