/** FieldDesc beyond the golden vectors: type ids of a connection, null and tagged types, and what is refused. */
import { describe, expect, it } from 'vitest';
import { DecodeError } from '../../src/errors.ts';
import { decodeType, encodeType, TYPE_LIMITS, TypeCache } from '../../src/value/type-codec.ts';
import { type TypeDef, typeOf } from '../../src/value/type-def.ts';
import { WireReader } from '../../src/wire/reader.ts';
import { WireWriter } from '../../src/wire/writer.ts';
import { fromHex, toHex } from '../support/hex.ts';
import { notation } from '../support/plain.ts';

function decode(hex: string, cache = new TypeCache(), littleEndian = true): string | null {
  const bytes = fromHex(hex);
  const r = new WireReader(bytes, littleEndian);
  const type = decodeType(r, cache);
  expect(r.offset).toBe(bytes.length);
  return type && notation(type);
}

function encode(type: TypeDef | null): string {
  const w = new WireWriter();
  encodeType(w, type);
  return toHex(w.finishBytes());
}

/** `struct { <type> a }`, n times around `inner`. */
function nested(n: number, inner: string): string {
  return '80 00 01 01 61 '.repeat(n) + inner;
}

describe('type ids', () => {
  it('are defined with FD and referred to with FE, in the byte order of the message', () => {
    const cache = new TypeCache();
    expect(decode('fd 01 00 80 00 01 01 61 22', cache)).toBe('struct { int a }');
    expect(decode('fe 01 00', cache)).toBe('struct { int a }');
    expect(decode('fe 00 01', cache, false)).toBe('struct { int a }');
    expect(decode('fd 12 34 2a', cache, false)).toBe('int[]');
    expect(decode('fe 34 12', cache)).toBe('int[]');
  });

  it('hold for nested types too, wherever they were defined', () => {
    const cache = new TypeCache();
    decode('fd 01 00 80 00 02 01 75 fd 02 00 81 00 01 01 69 22 01 73 fd 03 00 88 fd 04 00 80 00 00', cache);
    expect(decode('fe 02 00', cache)).toBe('union { int i }');
    expect(decode('fe 03 00', cache)).toBe('struct[] {  }');
    expect(decode('89 fe 02 00', cache)).toBe('union[] { int i }');
    expect(decode('80 01 54 01 01 78 fe 04 00', cache)).toBe('struct T { struct {  } x }');
  });

  it('are replaced when defined again; what was decoded before keeps its type', () => {
    const cache = new TypeCache();
    const before = decodeType(new WireReader(fromHex('fd 01 00 80 00 01 01 61 22')), cache) as TypeDef;
    decode('fd 01 00 60', cache);
    expect(decode('fe 01 00', cache)).toBe('string');
    expect(notation(before)).toBe('struct { int a }');
  });

  it('are replaced even when as many types are known as are allowed', () => {
    const cache = new TypeCache({ ...TYPE_LIMITS, maxCached: 2 });
    decode('fd 01 00 22', cache);
    decode('fd 02 00 23', cache);
    decode('fd 02 00 60', cache);
    expect(decode('fe 02 00', cache)).toBe('string');
    expect(() => decode('fd 03 00 24', cache)).toThrow(DecodeError);
  });

  it('are refused when unknown', () => {
    expect(() => decode('fe 01 00')).toThrow(/id 1.*never defined/);
    expect(() => decode('80 00 01 01 61 fe 09 00')).toThrow(DecodeError);
    expect(() => decode('fd 01 00 80 00 01 01 61 fe 01 00'), 'a type inside itself').toThrow(DecodeError);
  });

  it('do not survive in another cache', () => {
    decode('fd 01 00 22');
    expect(() => decode('fe 01 00')).toThrow(DecodeError);
  });

  it("may be tagged, as core-pva's form has it", () => {
    const cache = new TypeCache();
    expect(decode('fc 05 00 01 00 00 00 80 00 01 01 61 22', cache)).toBe('struct { int a }');
    expect(decode('fe 05 00', cache)).toBe('struct { int a }');
  });

  it('are never sent', () => {
    const type = decodeType(new WireReader(fromHex('fd 01 00 80 00 01 01 61 fd 02 00 8a')), new TypeCache());
    expect(encode(type)).toBe('80 00 01 01 61 8a');
  });
});

describe('special forms', () => {
  it('null is null', () => {
    expect(decode('ff')).toBeNull();
    expect(encode(null)).toBe('ff');
    const cache = new TypeCache();
    expect(decode('fd 01 00 ff', cache)).toBeNull();
  });

  it('the default ids are the empty id', () => {
    expect(decode('80 09 73 74 72 75 63 74 75 72 65 00')).toBe('struct {  }');
    expect(decode('81 05 75 6e 69 6f 6e 01 01 61 22')).toBe('union { int a }');
    expect(encode(typeOf('any'))).toBe('82');
  });

  it('a union without members is the variant union', () => {
    expect(decode('81 00 00')).toBe('any');
    expect(decode('80 00 01 01 61 81 00 00')).toBe('struct { any a }');
  });

  it.each([
    ['30 10', 'byte<16>'],
    ['3a fe 00 01 00 00', 'int[256]'],
    ['53 01', 'double<1>'],
    ['78 02', 'string[2]'],
    ['10 08', 'boolean<8>'],
    ['83 fe ff 00 00 00', 'string(255)'],
  ])('%s is %s and comes back', (hex, name) => {
    expect(decode(hex)).toBe(name);
    expect(encode(decodeType(new WireReader(fromHex(hex)), new TypeCache()))).toBe(hex);
  });

  it('simple types are shared, not made again', () => {
    const once = decodeType(new WireReader(fromHex('4b')), new TypeCache());
    const again = decodeType(new WireReader(fromHex('4b')), new TypeCache());
    expect(once).toBe(again);
    expect(once).toBe(typeOf('double[]'));
  });
});

describe('what is refused', () => {
  const CODES = Array.from({ length: 256 }, (_, code) => code);
  const VALID = new Set([
    ...[0x00, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x42, 0x43, 0x60].flatMap((c) => [
      c,
      c | 8,
      c | 0x10,
      c | 0x18,
    ]),
    ...[0x80, 0x81, 0x82, 0x88, 0x89, 0x8a, 0x83, 0xfc, 0xfd, 0xfe, 0xff],
  ]);

  it('every code that is not listed in the specification', () => {
    for (const code of CODES) {
      // Enough bytes that only the code can be wrong.
      const bytes = Buffer.concat([Buffer.from([code]), Buffer.alloc(64)]);
      let refused = '';
      try {
        decodeType(new WireReader(bytes), new TypeCache());
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError);
        refused = (error as Error).message;
      }
      const unknownCode = /unknown type code|bounded or fixed array of/.test(refused);
      expect(unknownCode, `0x${code.toString(16)}: ${refused || 'accepted'}`).toBe(!VALID.has(code));
    }
  });

  it.each([
    ['a member without a type', '80 00 01 01 61 ff'],
    ['a struct array of something else', '88 22'],
    ['a struct array of unions', '88 81 00 01 01 61 22'],
    ['a struct array of struct arrays', '88 88 80 00 00'],
    ['a struct array of null', '88 ff'],
    ['a null bound', '30 ff'],
    ['a null member count', '80 00 ff'],
    ['more members than bytes', '80 00 fe ff ff ff 7f 01 61 22'],
    ['a negative member count', '80 00 fe ff ff ff ff'],
    ['an id longer than the message', '80 20 61'],
  ])('%s', (_what, hex) => {
    expect(() => decode(hex)).toThrow(DecodeError);
  });

  it('types nested deeper than the limit, and not those at the limit', () => {
    const deepest = TYPE_LIMITS.maxDepth;
    expect(decode(nested(deepest, '22'))).toContain('int a');
    expect(() => decode(nested(deepest + 1, '22'))).toThrow(/deeper than 20/);
    expect(() => decode(`88 ${nested(deepest, '22')}`)).toThrow(DecodeError);
    expect(() => decode(`${'fd 01 00 '.repeat(1000)}22`)).toThrow(DecodeError);
  });

  it('types nested deeper than the limit through references, in one message or over many', () => {
    const inOne = new TypeCache();
    const chain = Array.from({ length: 200 }, (_, i) => {
      const inner = i === 0 ? '22' : `fe ${toHex(Buffer.from([i & 0xff, i >> 8]))}`;
      return `fd ${toHex(Buffer.from([(i + 1) & 0xff, (i + 1) >> 8]))} 80 00 01 01 61 ${inner}`;
    });
    const members = chain.map((t) => `01 6d ${t}`).join(' ');
    expect(() => decode(`80 00 ${toHex(Buffer.from([chain.length]))} ${members}`, inOne)).toThrow(
      DecodeError,
    );

    const overMany = new TypeCache();
    const decoded = (): void => {
      for (const t of chain) decode(t, overMany);
    };
    expect(decoded).toThrow(DecodeError);
  });

  it('types with more fields than the limit, counted through references', () => {
    const cache = new TypeCache({ ...TYPE_LIMITS, maxFields: 100 });
    const fields = (n: number, type: string): string =>
      Array.from({ length: n }, (_, i) => `01 ${(0x61 + i).toString(16)} ${type} `).join('');
    decode(`fd 01 00 80 00 09 ${fields(9, '22')}`, cache);
    decode(`80 00 09 ${fields(9, 'fe 01 00')}`, cache);
    expect(() => decode(`80 00 0a ${fields(10, 'fe 01 00')}`, cache)).toThrow(/too many fields/);
    expect(() => decode(`80 00 0a ${fields(10, '88 fe 01 00')}`, cache)).toThrow(/too many fields/);
  });

  it.each([
    ['without a name', '80 00 01 00 22'],
    ['whose name has a dot', '80 00 01 03 61 2e 62 22'],
    ['whose name is there already', '80 00 02 01 61 22 01 61 22'],
    ['of a union, twice', '81 00 02 01 61 22 01 61 22'],
  ])('a field %s: nobody could ask for it', (_what, bytes) => {
    expect(() => decode(bytes, new TypeCache())).toThrow(/empty, dotted or there twice/);
  });

  it('names and ids of more than 4 KiB', () => {
    const name = (n: number): string =>
      `fe ${(n & 255).toString(16).padStart(2, '0')} ${(n >> 8).toString(16).padStart(2, '0')} 00 00 ${'61 '.repeat(n)}`;
    expect(() => decode(`80 00 01 ${name(4091)} 22`, new TypeCache())).not.toThrow();
    expect(() => decode(`80 00 01 ${name(4092)} 22`, new TypeCache())).toThrow(/more than 4096 bytes/);
    expect(() => decode(`80 ${name(4092)} 00`, new TypeCache())).toThrow(/more than 4096 bytes/);
  });
});
