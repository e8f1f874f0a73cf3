/**
 * Bytes made to hurt: nesting, multiplication, lying counts. Each must be refused with DecodeError, quickly and
 * without taking memory for what is not there; anything else can end the process that received them.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { DecodeError } from '../../src/errors.ts';
import { DecodeContext } from '../../src/value/decode-context.ts';
import { codecOf } from '../../src/value/field-codec.ts';
import { decodeType, TypeCache } from '../../src/value/type-codec.ts';
import {
  arrayOf,
  bounded,
  struct,
  type TypeDef,
  type TypeSpec,
  typeOf,
  union,
} from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { WireReader } from '../../src/wire/reader.ts';
import { fromHex } from '../support/hex.ts';

const ANY = struct('', { v: 'any', list: 'any[]' });

function bytesOf(...parts: (string | Uint8Array)[]): Buffer {
  return Buffer.concat(parts.map((p) => (typeof p === 'string' ? fromHex(p) : p)));
}

/** Decodes an update of `type` eagerly, and lazily with everything read and thrown away. */
function readBothWays(
  type: TypeDef,
  bytes: Uint8Array,
  context: () => DecodeContext = () => new DecodeContext(),
): void {
  for (const lazy of [true, false])
    expect(
      () => Value.decodePartial(type, new WireReader(bytes), context(), lazy),
      lazy ? 'lazy' : 'eager',
    ).toThrow(DecodeError);
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes of memory that are in use after `run` and were not before. */
function memoryTaken(run: () => unknown): number {
  collectGarbage();
  const before = process.memoryUsage();
  const keep = run();
  const after = process.memoryUsage();
  expect(keep).toBeDefined();
  return after.arrayBuffers - before.arrayBuffers + (after.heapUsed - before.heapUsed);
}

describe('nesting', () => {
  const MEGABYTE = 1 << 20;

  it('1 MB of 82: any in any in any', () => {
    readBothWays(ANY, bytesOf('01 02', Buffer.alloc(MEGABYTE, 0x82)));
    const r = new WireReader(Buffer.alloc(MEGABYTE, 0x82));
    expect(() => codecOf(typeOf('any')).decode(r, new DecodeContext())).toThrow(/nested deeper/);
  });

  it('any[] in any[]', () => {
    readBothWays(ANY, bytesOf('01 04', Buffer.from('01018a'.repeat(100_000), 'hex')));
  });

  it('types 1 MB deep, in every form that nests', () => {
    for (const form of [
      '80 00 01 01 61',
      '81 00 01 01 61',
      '88',
      '89',
      'fd 01 00',
      'fc 01 00 00 00 00 00',
      '88 80 00 01 01 61',
    ]) {
      const unit = fromHex(form);
      const bytes = Buffer.concat(new Array<Buffer>(Math.ceil(MEGABYTE / unit.length)).fill(unit));
      expect(() => decodeType(new WireReader(bytes), new TypeCache()), form).toThrow(DecodeError);
    }
  });

  it('values of a recursive kind, each level legal by itself', () => {
    const element = struct('', { inner: 'any' });
    // struct { any inner } in any, over and over: type and value alternate.
    const level = fromHex('80 00 01 05 69 6e 6e 65 72 82');
    readBothWays(element, bytesOf('01 02', ...new Array<Buffer>(50_000).fill(level)));
  });
});

describe('multiplication', () => {
  it('types that double with every definition ("billion laughs")', () => {
    // FD n = struct { a FE n-1, b FE n-1 }, 40 times: 2^40 fields in 700 bytes.
    const parts = ['80 00 28', '01 6d fd 00 00 22'];
    for (let n = 1; n < 40; n++) {
      const id = (i: number): string => i.toString(16).padStart(2, '0');
      parts.push(`01 6d fd ${id(n)} 00 80 00 02 01 61 fe ${id(n - 1)} 00 01 62 fe ${id(n - 1)} 00`);
    }
    const started = performance.now();
    expect(() => decodeType(new WireReader(bytesOf(...parts)), new TypeCache())).toThrow(DecodeError);
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it('the same in unions, arrays of structures and over many messages', () => {
    for (const form of ['80', '81', '88 80'])
      expect(() => {
        const cache = new TypeCache();
        decodeType(new WireReader(bytesOf('fd 00 00 80 00 01 01 78 22')), cache);
        for (let n = 1; n < 40; n++) {
          const member =
            form === '88 80'
              ? `88 fe ${(n - 1).toString(16).padStart(2, '0')} 00`
              : `fe ${(n - 1).toString(16).padStart(2, '0')} 00`;
          const code = form === '81' ? '81' : '80';
          const text = `fd ${n.toString(16).padStart(2, '0')} 00 ${code} 00 02 01 61 ${member} 01 62 ${member}`;
          decodeType(new WireReader(bytesOf(text)), cache);
        }
      }, form).toThrow(DecodeError);
  });

  it('an array of a known type shares its description instead of making another', () => {
    const cache = new TypeCache();
    const known = decodeType(new WireReader(bytesOf('fd 01 00 80 00 01 01 61 22')), cache);
    const array = decodeType(new WireReader(bytesOf('88 fe 01 00')), cache) as TypeDef;
    expect(array.element).toBe(known);
  });

  /** A structure of many structures without fields: no bytes on the wire, but something to make for each. */
  const WIDE = struct(
    '',
    Array.from({ length: 20_000 }, (_, i) => [`m${i}`, struct('', {})] as const),
  );
  const knowing = (type: TypeDef) => (): DecodeContext => {
    const context = new DecodeContext();
    context.types.define(1, type, type.nodes.length);
    return context;
  };
  const times = (n: number, hex: string): Buffer => Buffer.from(hex.replace(/ /g, '').repeat(n), 'hex');
  const COUNT = 'fe 2c 01 00 00'; // 300

  it.each<[string, TypeDef, Buffer]>([
    [
      'in an array of structures',
      struct('', { a: arrayOf(WIDE) }),
      bytesOf('01 02', COUNT, times(300, '01')),
    ],
    [
      'in an array of unions',
      struct('', { a: arrayOf(union('', { w: WIDE })) }),
      bytesOf('01 02', COUNT, times(300, '01 00')),
    ],
    ['in an array of any', ANY, bytesOf('01 04', COUNT, times(300, '01 fe 01 00'))],
    ['in types made of references', ANY, bytesOf('01 04', COUNT, times(300, '01 80 00 01 01 61 fe 01 00'))],
  ])('elements of no bytes and 20000 fields, %s', (_what, type, bytes) => {
    readBothWays(type, bytes, knowing(WIDE));
  });

  it('the same with fixed arrays of length 0', () => {
    const members = Array.from({ length: 5000 }, (_, i) => [`m${i}`, bounded('int', 'fixed', 0)] as const);
    const type = struct('', { a: arrayOf(struct('', members)) });
    readBothWays(type, bytesOf('01 02', COUNT, times(300, '01')));
  });

  it('long names over many fields: looking for a field takes no memory for all their paths', () => {
    const outer = Buffer.alloc(16_000, 0x61);
    const member = fromHex('01 62 22');
    const bytes = bytesOf(
      '80 00 01 fe 80 3e 00 00',
      outer,
      '80 00 fe 88 13 00 00',
      ...new Array<Buffer>(5000).fill(member),
    );
    let type: TypeDef | null = null;
    try {
      type = decodeType(new WireReader(bytes), new TypeCache());
    } catch (error) {
      expect(error).toBeInstanceOf(DecodeError);
      return;
    }
    // 31 kB of description; 80 MB if every path is written out.
    expect(memoryTaken(() => type?.find('x') ?? type)).toBeLessThan(20e6);
  });
});

describe('lying counts', () => {
  const LIES = [
    'fe ff ff ff ff',
    'fe ff ff ff 7f',
    'fe fe ff ff 7f',
    'fe 00 00 00 80',
    'fe 00 00 00 01',
    'ff',
  ];
  const COUNTED: [string, TypeSpec | TypeDef][] = [
    ...(
      [
        'boolean[]',
        'byte[]',
        'short[]',
        'int[]',
        'long[]',
        'float[]',
        'double[]',
        'ulong[]',
        'string[]',
        'any[]',
      ] as const
    ).map((s): [string, TypeSpec] => [s, s]),
    ['struct[]', arrayOf(struct('', { a: 'int' }))],
    ['struct[] of nothing', arrayOf(struct('', {}))],
    ['union[]', arrayOf(union('', { a: 'int' }))],
    ['bounded', bounded('int', 'bounded', 0x7ffffffe)],
    ['bounded string', bounded('string', 'string', 40)],
    ['string', 'string'],
    ['union', union('', { a: 'int' })],
  ];

  it.each(COUNTED)('in %s are refused before anything is made of them', (name, spec) => {
    const type = struct('', { x: typeOf(spec as TypeSpec) });
    for (const lie of LIES) {
      // Null is a legal string and a legal choice of nothing.
      if (lie === 'ff' && /^(bounded )?string$|^union$/.test(name)) continue;
      const bytes = bytesOf('01 02', lie, Buffer.alloc(100));
      const taken = memoryTaken(() => {
        readBothWays(type, bytes);
        return true;
      });
      expect(taken, lie).toBeLessThan(16e6);
    }
  });

  it('in masks, type ids, names, member counts and bounds', () => {
    for (const lie of LIES) {
      readBothWays(ANY, bytesOf(lie, Buffer.alloc(100)));
      for (const [before, after] of [
        ['80', ''],
        ['80 00', ''],
        ['80 00 01', '22'],
        ['81 00', ''],
        ['30', ''],
      ] as const) {
        if (lie === 'ff' && (before === '80' || before === '80 00 01')) continue; // a null string is ""
        if (before === '30' && !lie.startsWith('fe ff') && lie !== 'fe 00 00 00 80' && lie !== 'ff') continue;
        expect(
          () => decodeType(new WireReader(bytesOf(before, lie, after)), new TypeCache()),
          `${before} ${lie}`,
        ).toThrow(DecodeError);
      }
    }
  });

  it('in fixed arrays, which have their length in their type and none in the message', () => {
    const fixed = (code: string, length: string): (() => TypeDef | null) => {
      const description = bytesOf('80 00 01 01 78', code, length);
      return () => decodeType(new WireReader(description), new TypeCache());
    };
    for (const code of ['18', '38', '3b', '5b', '78']) {
      // 1000 elements are made when the field did not come and is read; of 20 million, a type of 12 bytes does harm.
      const type = fixed(code, 'fe e8 03 00 00')() as TypeDef;
      const v = Value.decodePartial(type, new WireReader(fromHex('00')), new DecodeContext());
      expect(v.get('x')).toHaveLength(1000);
      expect(fixed(code, 'fe 00 2d 31 01'), code).toThrow(DecodeError);
      expect(fixed(code, 'fe fe ff ff 7f'), code).toThrow(DecodeError);
    }
  });
});
