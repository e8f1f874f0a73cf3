/** Descriptions without a type id that come again: found by their bytes, and never taken for another. */
import { describe, expect, it } from 'vitest';
import { MAX_RECENT_TYPE_BYTES, MAX_RECENT_TYPES } from '../../src/limits.ts';
import { decodeType, encodeType, TypeCache } from '../../src/value/type-codec.ts';
import { struct, type TypeDef, union } from '../../src/value/type-def.ts';
import { WireReader } from '../../src/wire/reader.ts';
import { WireWriter } from '../../src/wire/writer.ts';
import { fromHex } from '../support/hex.ts';

function bytesOf(type: TypeDef, littleEndian = true): Buffer {
  const w = new WireWriter(littleEndian);
  encodeType(w, type);
  return w.finishBytes();
}

function decode(bytes: Uint8Array, cache: TypeCache, littleEndian = true): TypeDef {
  const r = new WireReader(Buffer.from(bytes), littleEndian);
  const type = decodeType(r, cache) as TypeDef;
  expect(r.offset).toBe(bytes.length);
  return type;
}

const one = struct('one', { a: 'int', u: union('', { x: 'int[]', y: 'string' }) });
const numbered = (n: number): TypeDef => struct(`t${n}`, { a: 'int' });

describe('a description that comes again', () => {
  it('is the same type, on the same connection', () => {
    const cache = new TypeCache();
    const first = decode(bytesOf(one), cache);
    expect(first.equals(one)).toBe(true);
    expect(decode(bytesOf(one), cache)).toBe(first);
    expect(decode(bytesOf(one), new TypeCache())).not.toBe(first);
  });

  it('is not taken for one that it begins like, or that is cut off', () => {
    const cache = new TypeCache();
    const short = struct('', { a: 'int', b: 'int' });
    decode(bytesOf(short), cache);
    const other = struct('', { a: 'int', c: 'int' });
    expect(decode(bytesOf(other), cache).equals(other)).toBe(true);
    const half = new WireReader(bytesOf(short).subarray(0, -1), true);
    expect(() => decodeType(half, cache)).toThrow();
  });

  it('in another byte order is read anew', () => {
    const cache = new TypeCache();
    // Sizes above 253 take four bytes in the order of the message.
    const long = struct('i'.repeat(300), { a: 'int' });
    const little = decode(bytesOf(long), cache);
    const big = decode(bytesOf(long, false), cache, false);
    expect([little.equals(long), big.equals(long)]).toEqual([true, true]);
    expect(() => decode(bytesOf(long), cache, false)).toThrow();
  });

  it('with a type id in it is not remembered: the id may mean another type the next time', () => {
    const cache = new TypeCache();
    const referring = fromHex('80 00 01 01 61 fe 01 00');
    decode(fromHex('fd 01 00 80 00 01 01 62 22'), cache);
    expect(decode(referring, cache).find('a.b')?.type.kind).toBe('int');
    decode(fromHex('fd 01 00 80 00 01 01 62 60'), cache);
    expect(decode(referring, cache).find('a.b')?.type.kind).toBe('string');
  });

  it('takes the place of the one that was read longest ago; long ones are not kept', () => {
    const cache = new TypeCache();
    const first = decode(bytesOf(numbered(0)), cache);
    for (let n = 1; n < MAX_RECENT_TYPES; n++) decode(bytesOf(numbered(n)), cache);
    expect(decode(bytesOf(numbered(0)), cache)).toBe(first);
    decode(bytesOf(numbered(MAX_RECENT_TYPES)), cache);
    expect(decode(bytesOf(numbered(0)), cache)).not.toBe(first);
    const long = bytesOf(struct('x'.repeat(4000), { ['y'.repeat(100)]: 'int' }));
    expect(long.length).toBeGreaterThan(MAX_RECENT_TYPE_BYTES);
    expect(decode(long, cache)).not.toBe(decode(long, cache));
  });
});

it('a type is described as it was before, however often, in either byte order', () => {
  const big = bytesOf(one, false);
  expect([bytesOf(one), bytesOf(one), bytesOf(one, false)]).toEqual([bytesOf(one), big, big]);
  const long = struct('i'.repeat(300), { a: 'int' });
  expect(bytesOf(long).subarray(0, 6)).toEqual(fromHex('80 fe 2c 01 00 00'));
  expect(bytesOf(long, false).subarray(0, 6)).toEqual(fromHex('80 fe 00 00 01 2c'));
});
