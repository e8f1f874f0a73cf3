/** Every pvData type through real sockets: put, got, monitored, called and described, to the last bit. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Context } from '../../src/client/context.ts';
import { Server } from '../../src/server/server.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { AnyValue, UnionValue } from '../../src/value/containers.ts';
import { arrayOf, bounded, struct, type TypeSpec, typeOf, union } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { Happenings } from '../support/loopback.ts';
import { notation, plain } from '../support/plain.ts';

const POINT = struct('point_t', { x: 'int', label: 'string' });
const CHOICE = union('choice_t', { i: 'int', text: 'string', list: 'double[]', at: POINT });
const I64 = 2n ** 63n;
const MAX_F32 = 3.4028234663852886e38;
const long = 'ü€𝄞'.repeat(200);

const CASES: [TypeSpec, unknown[]][] = [
  ['boolean', [true, false]],
  ['byte', [-128, -1, 0, 127]],
  ['short', [-32768, -1, 32767]],
  ['int', [-(2 ** 31), -1, 2 ** 31 - 1]],
  ['long', [-I64, -1n, 0n, I64 - 1n, 2n ** 53n + 1n]],
  ['ubyte', [0, 128, 255]],
  ['ushort', [0, 32768, 65535]],
  ['uint', [0, 2 ** 31, 2 ** 32 - 1]],
  ['ulong', [0n, I64, 2n * I64 - 1n, 2n ** 53n + 1n]],
  ['float', [0, -0, 1.5, MAX_F32, 2 ** -149, Number.NaN, Number.POSITIVE_INFINITY]],
  ['double', [-0, Number.MAX_VALUE, Number.MIN_VALUE, Number.NaN, Number.NEGATIVE_INFINITY, 0.1]],
  ['string', ['', 'plain', long, '\u0000 inside', 'x'.repeat(253), 'x'.repeat(254), 'line\nbreak']],
  ['boolean[]', [[], [true, false, true]]],
  ['byte[]', [new Int8Array(0), Int8Array.of(-128, 127)]],
  ['short[]', [Int16Array.of(-32768, 32767)]],
  ['int[]', [Int32Array.of(-(2 ** 31), 2 ** 31 - 1)]],
  ['long[]', [BigInt64Array.of(-I64, I64 - 1n, 2n ** 53n + 1n)]],
  ['ubyte[]', [Uint8Array.of(0, 255), new Uint8Array(253), new Uint8Array(254)]],
  ['ushort[]', [Uint16Array.of(0, 65535)]],
  ['uint[]', [Uint32Array.of(0, 2 ** 32 - 1)]],
  ['ulong[]', [BigUint64Array.of(0n, 2n * I64 - 1n)]],
  ['float[]', [Float32Array.of(1.5, MAX_F32, Number.NaN)]],
  ['double[]', [new Float64Array(0), Float64Array.of(0.1, -0, Number.NaN)]],
  ['string[]', [[], ['', 'one', long]]],
  [POINT, [{ x: 5, label: 'five' }]],
  [
    struct('', { inner: struct('', { deeper: struct('', { value: 'long' }) }) }),
    [{ 'inner.deeper.value': 7n }],
  ],
  [arrayOf(POINT), [[], [{ x: 1, label: 'a' }, null, { x: 2, label: 'b' }]]],
  [
    CHOICE,
    [
      new UnionValue(CHOICE, -1, null),
      new UnionValue(CHOICE, 0, -5),
      new UnionValue(CHOICE, 1, 'text'),
      new UnionValue(CHOICE, 2, Float64Array.of(1, 2)),
      new UnionValue(CHOICE, 3, Value.create(POINT, { x: 3, label: 'three' }).mark()),
    ],
  ],
  [
    arrayOf(CHOICE),
    [
      [],
      [new UnionValue(CHOICE, 1, 'a'), null, new UnionValue(CHOICE, -1, null), new UnionValue(CHOICE, 0, 4)],
    ],
  ],
  [
    'any',
    [
      null,
      new AnyValue(typeOf('ulong'), 2n * I64 - 1n),
      new AnyValue(typeOf('string[]'), ['a', 'b']),
      new AnyValue(typeOf('float[]'), Float32Array.of(0.5)),
      new AnyValue(POINT, Value.create(POINT, { x: 1, label: 'any' }).mark()),
      new AnyValue(CHOICE, new UnionValue(CHOICE, 0, 1)),
      new AnyValue(typeOf('any'), new AnyValue(typeOf('byte'), -1)),
    ],
  ],
  [
    'any[]',
    [
      [],
      [new AnyValue(typeOf('int'), 1), null, new AnyValue(null, null), new AnyValue(typeOf('string'), 'x')],
    ],
  ],
  [bounded('string', 'string', 10), ['', 'ten chars!']],
  [bounded('int', 'bounded', 3), [Int32Array.of(1, 2, 3), new Int32Array(0)]],
  [bounded('double', 'fixed', 3), [Float64Array.of(1, 2, 3)]],
];

let server: Server;
let context: Context;
beforeAll(async () => {
  server = await Server.isolated().start();
  server.addPV('echo', new SharedPV({ onRpc: (_pv, argument) => argument }));
  context = new Context(server.clientConfig());
});
afterAll(async () => {
  await context.close();
  await server.close();
});

describe('every type', () => {
  it.each(CASES.map(([spec, values]) => [notation(typeOf(spec)), spec, values] as const))(
    '%s',
    async (name, spec, values) => {
      // Odd sizes around the value put arrays at odd places in the message.
      const type = struct('holder_t', { before: 'byte', value: spec, after: 'string' });
      const pv = SharedPV.mailbox(Value.create(type, { before: 1, after: 'end' }));
      server.addPV(name, pv);
      const updates = new Happenings<unknown>();
      const subscription = context.monitor(name, {}, { update: (v) => updates.push(plain(v)) });
      await updates.count(1);
      expect(updates.all[0]).toEqual(plain(Value.create(type, { before: 1, after: 'end' })));
      for (const value of values) {
        const sent = Value.create(type, { before: -1, value, after: 'done' });
        const seen = updates.all.length;
        await context.put(name, sent);
        const expected = plain(sent);
        expect(plain(await context.get(name))).toEqual(expected);
        expect(plain(pv.fetch())).toEqual(expected);
        await updates.count(seen + 1);
        expect(updates.all.at(-1)).toEqual(expected);
        expect(plain((await context.rpc('echo', sent)) as Value)).toEqual(expected);
      }
      subscription.close();
      const info = await context.info(name);
      expect(info.type.equals(type)).toBe(true);
      expect(info.server).toBe(`127.0.0.1:${server.tcpPort}`);
    },
  );
});

describe('arrays of floats', () => {
  it('keep the bits of every NaN', async () => {
    const doubles = BigUint64Array.of(0x7ff8000000000000n, 0x7ff0000000000001n, 0xfff8dead_beef1234n);
    const floats = Uint32Array.of(0x7fc00000, 0x7f800001, 0xffc12345);
    const type = struct('', { d: 'double[]', f: 'float[]' });
    server.addPV('nan', SharedPV.mailbox(Value.create(type)));
    await context.put('nan', {
      d: new Float64Array(doubles.buffer),
      f: new Float32Array(floats.buffer),
    });
    const back = await context.get('nan');
    const bits = (path: string): string => {
      const a = back.get(path) as Float64Array;
      return Buffer.from(a.buffer, a.byteOffset, a.byteLength).toString('hex');
    };
    expect(bits('d')).toBe(Buffer.from(doubles.buffer).toString('hex'));
    expect(bits('f')).toBe(Buffer.from(floats.buffer).toString('hex'));
  });
});

describe('large arrays', () => {
  it('of 10 MB are put, got, monitored and called', async () => {
    const type = struct('', { id: 'byte', value: 'double[]', more: 'ubyte[]' });
    const pv = SharedPV.mailbox(Value.create(type));
    server.addPV('large', pv);
    const data = Float64Array.from({ length: 1_250_000 }, (_, i) => i / 7);
    const bytes = Buffer.alloc(10_000_001, 'pvAccess');
    const same = (v: Value): boolean[] => {
      const d = v.get('value') as Float64Array;
      return [
        Buffer.from(d.buffer, d.byteOffset, d.byteLength).equals(Buffer.from(data.buffer)),
        bytes.equals(v.get('more') as Uint8Array),
      ];
    };
    const updates = new Happenings<boolean[]>();
    context.monitor('large', {}, { update: (v) => updates.push(same(v)) });
    await updates.count(1);
    const sent = Value.create(type, { id: 1, value: data, more: new Uint8Array(bytes) });
    await context.put('large', sent);
    expect(same(pv.fetch())).toEqual([true, true]);
    expect(same(await context.get('large'))).toEqual([true, true]);
    await updates.count(2);
    expect(updates.all.at(-1)).toEqual([true, true]);
    expect(same((await context.rpc('echo', sent)) as Value)).toEqual([true, true]);
  });
});
