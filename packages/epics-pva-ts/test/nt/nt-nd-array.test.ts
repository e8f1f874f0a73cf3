/** Detector frames of every make, as their user sees them. */
import { describe, expect, it } from 'vitest';
import { NoConvertError, NoFieldError } from '../../src/errors.ts';
import { NTNDArray } from '../../src/nt/nt-nd-array.ts';
import { ColorMode } from '../../src/nt/nt-nd-array-image.ts';
import { AnyValue, UnionValue } from '../../src/value/containers.ts';
import { formatValue } from '../../src/value/format.ts';
import { arrayOf, struct, type TypeDef, typeOf, union } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { decodePartial, encodePartial } from '../support/image.ts';
import { pvapyType } from '../support/pvapy-image.ts';

describe('NTNDArray pixels', () => {
  const arrays = [
    ['byteValue', new Int8Array([-1, 2])],
    ['shortValue', new Int16Array([-1, 2])],
    ['intValue', new Int32Array([-1, 2])],
    ['longValue', new BigInt64Array([-1n, 2n])],
    ['ubyteValue', new Uint8Array([1, 2])],
    ['ushortValue', new Uint16Array([1, 2])],
    ['uintValue', new Uint32Array([1, 2])],
    ['ulongValue', new BigUint64Array([1n, 2n])],
    ['floatValue', new Float32Array([1.5, 2])],
    ['doubleValue', new Float64Array([1.5, 2])],
    ['booleanValue', [true, false]],
  ] as const;

  it.each(arrays)('%s is selected by the kind of the array, in any order of members', (member, pixels) => {
    const bytes = Array.isArray(pixels) ? 2 : (pixels as Uint8Array).byteLength;
    for (const type of [NTNDArray.type, pvapyType()]) {
      const frame = NTNDArray.create({ type, pixels: pixels as Uint8Array });
      expect((frame.get('value') as UnionValue).member).toBe(member);
      expect(frame.pixels).toBe(pixels);
      expect(frame.get('compressedSize')).toBe(BigInt(bytes));
      expect(frame.get('uncompressedSize')).toBe(BigInt(bytes));
      const received = new NTNDArray(decodePartial(type, encodePartial(frame.value)));
      expect(received.pixels).toEqual(pixels);
    }
  });

  it('are undefined until there is a frame', () => {
    const frame = new NTNDArray(Value.create(NTNDArray.type));
    expect(frame.pixels).toBeUndefined();
    expect(frame.dimensions).toEqual([]);
    expect([frame.width, frame.height, frame.shape]).toEqual([0, 0, []]);
    expect(frame.attributes.size).toBe(0);
    expect(frame.attribute('ColorMode')).toBeUndefined();
    expect(frame.uniqueId).toBe(0);
  });

  it('take clamped arrays and buffers for ubyte', () => {
    const clamped = new Uint8ClampedArray([1, 2, 3]).subarray(1);
    expect(NTNDArray.create({ pixels: clamped }).pixels).toEqual(new Uint8Array([2, 3]));
    expect(NTNDArray.create({ pixels: Buffer.from([4]) }).get('value->ubyteValue')).toHaveLength(1);
  });

  it('can be compressed bytes, and are raw again when set', () => {
    const frame = NTNDArray.create({ pixels: new Uint16Array([1, 2, 3, 4]), dimensions: [2, 2] });
    frame.setCompressed(new Uint8Array([0xaa, 0xbb, 0xcc]), { name: 'lz4', parameters: 6 }, 8);
    expect(frame.codec).toEqual({ name: 'lz4', parameters: 6 });
    expect(frame.get('codec.parameters')).toEqual(new AnyValue(typeOf('int'), 6));
    expect(frame.pixels).toEqual(new Uint8Array([0xaa, 0xbb, 0xcc]));
    expect([frame.get('compressedSize'), frame.uncompressedSize]).toEqual([3n, 8]);
    frame.pixels = new Uint16Array([5, 6, 7, 8]);
    expect(frame.codec).toEqual({ name: '', parameters: null });
    expect([frame.get('compressedSize'), frame.uncompressedSize]).toEqual([8n, 8]);
    expect(frame.shape).toEqual([2, 2]);
  });

  it('are refused when the type has no place for them', () => {
    const type = struct(NTNDArray.id, { value: union('', { ubyteValue: 'ubyte[]' }), uniqueId: 'int' });
    const frame = NTNDArray.create({ type, uniqueId: 1 });
    expect(() => {
      frame.pixels = new Float32Array(2);
    }).toThrow('no place for float pixels; its members are: ubyteValue');
    frame.pixels = new Uint8Array([7]);
    expect(frame.pixels).toEqual(new Uint8Array([7]));
  });

  it('must be a typed array or booleans', () => {
    for (const pixels of [[1, 2], 'text', new DataView(new ArrayBuffer(2)), null])
      expect(() => {
        NTNDArray.create().pixels = pixels as never;
      }).toThrow(NoConvertError);
  });

  it('must fit the dimensions of a new frame', () => {
    expect(() => NTNDArray.create({ pixels: new Uint8Array(5), dimensions: [2, 3] })).toThrow(
      new NoConvertError('dimensions 2 x 3 make 6 pixels, there are 5'),
    );
    expect(NTNDArray.create({ pixels: new Uint8Array(5) }).shape).toEqual([5]);
  });
});

describe('NTNDArray dimensions and colour', () => {
  it.each([
    ['mono', undefined, [640, 480], 640, 480],
    ['a line', undefined, [640], 640, 1],
    ['a stack', undefined, [640, 480, 7], 640, 480],
    ['RGB1', ColorMode.RGB1, [3, 640, 480], 640, 480],
    ['RGB2', ColorMode.RGB2, [640, 3, 480], 640, 480],
    ['RGB3', ColorMode.RGB3, [640, 480, 3], 640, 480],
    ['RGB1 of a server that sends two dimensions', ColorMode.RGB1, [640, 480], 640, 480],
  ])('%s', (_, colorMode, dimensions, width, height) => {
    const frame = NTNDArray.create({ dimensions, ...(colorMode === undefined ? {} : { colorMode }) });
    expect([frame.width, frame.height]).toEqual([width, height]);
    expect(frame.shape).toEqual([...dimensions].reverse());
    expect(frame.colorMode).toBe(colorMode);
  });

  it('keep offset, binning and reversal', () => {
    const frame = NTNDArray.create({
      dimensions: [{ size: 100, offset: 20, fullSize: 1024, binning: 2, reverse: true }, 50],
    });
    expect(frame.dimensions).toEqual([
      { size: 100, offset: 20, fullSize: 1024, binning: 2, reverse: true },
      { size: 50, offset: 0, fullSize: 50, binning: 1, reverse: false },
    ]);
  });

  it('may come with a size only, or null', () => {
    const type = struct('epics:nt/NTNDArray:1.3', {
      value: 'any',
      dimension: arrayOf(struct('', { size: 'long' })),
    });
    const frame = new NTNDArray(
      Value.create(type, { value: new Uint16Array([1, 2]), dimension: [{ size: 2n }, null] }),
    );
    expect(frame.dimensions).toEqual([{ size: 2, offset: 0, fullSize: 2, binning: 1, reverse: false }]);
    expect(frame.pixels).toEqual(new Uint16Array([1, 2]));
    frame.pixels = [true];
    frame.dimensions = [1];
    expect(frame.get('value')).toEqual(new AnyValue(typeOf('boolean[]'), [true]));
    expect(frame.shape).toEqual([1]);
  });
});

describe('NTNDArray attributes', () => {
  it('have the values PvaPy wraps in structures', () => {
    const wrapped = new AnyValue(
      struct('', { value: 'int' }),
      Value.create(struct('', { value: 'int' }), { value: 2 }),
    );
    const value = Value.create(pvapyType(), {
      attribute: [{ name: 'ColorMode', value: wrapped }],
      codec: { name: 'lz4', parameters: wrapped },
    });
    const frame = new NTNDArray(value);
    expect(frame.colorMode).toBe(ColorMode.RGB1);
    expect(frame.attributes).toEqual(new Map([['ColorMode', 2]]));
    expect(frame.codec).toEqual({ name: 'lz4', parameters: 2 });
  });

  it('are added and replaced, the first of a name counting', () => {
    const frame = NTNDArray.create({
      attributes: {
        exposure: 0.5,
        frames: 7n,
        name: 'scan 1',
        gain: new AnyValue(typeOf('short'), 3),
        spectrum: new Float32Array([1, 2]),
      },
    });
    frame.setAttribute('exposure', 0.25, { descriptor: 'Exposure time', sourceType: 2, source: 'det:exp' });
    frame.setAttribute('more', true);
    expect([...frame.attributes]).toEqual([
      ['exposure', 0.25],
      ['frames', 7n],
      ['name', 'scan 1'],
      ['gain', 3],
      ['spectrum', new Float32Array([1, 2])],
      ['more', true],
    ]);
    expect(frame.get('attribute[0].descriptor')).toBe('Exposure time');
    expect(frame.get('attribute[0].source')).toBe('det:exp');
    expect(frame.get('attribute[0].sourceType')).toBe(2);
    const received = new NTNDArray(decodePartial(NTNDArray.type, encodePartial(frame.value), { lazy: true }));
    expect(received.attributes).toEqual(frame.attributes);
    expect(received.attribute('name')).toBe('scan 1');
    expect(received.attribute('nothing')).toBeUndefined();
  });

  it('of a received frame can be changed without changing what others hold', () => {
    const sent = NTNDArray.create({ pixels: new Uint8Array([1, 2]), colorMode: ColorMode.Mono });
    const received = decodePartial(NTNDArray.type, encodePartial(sent.value), { lazy: true });
    const frame = new NTNDArray(received);
    const copy = frame.clone();
    copy.colorMode = ColorMode.Bayer;
    copy.setAttribute('new', 1);
    expect(copy.colorMode).toBe(ColorMode.Bayer);
    expect(frame.colorMode).toBe(ColorMode.Mono);
    expect([...frame.attributes.keys()]).toEqual(['ColorMode']);
    expect(copy.pixels).toBe(frame.pixels);
  });

  it('may be missing or null', () => {
    const type = struct(NTNDArray.id, { value: 'any', attribute: arrayOf(struct('', { name: 'string' })) });
    const frame = new NTNDArray(Value.create(type, { attribute: [null, { name: 'x' }] }));
    expect(frame.attributes.size).toBe(0);
    expect(frame.attribute('x')).toBeUndefined();
    const bare = new NTNDArray(Value.create(struct(NTNDArray.id, { value: 'any' })));
    expect(bare.attributes.size).toBe(0);
    expect(() => bare.setAttribute('x', 1)).toThrow(NoFieldError);
  });
});

describe('NTNDArray recognition', () => {
  const pixels = union('', { ubyteValue: 'ubyte[]', ushortValue: 'ushort[]' });
  const dimension = arrayOf(struct('dimension_t', { size: 'int' }));

  it.each<[string, boolean, TypeDef]>([
    ['its own type', true, NTNDArray.type],
    ['PvaPy', true, pvapyType()],
    ['a later version', true, struct('epics:nt/NTNDArray:1.4', { value: 'any' })],
    ['version 2', false, struct('epics:nt/NTNDArray:2.0', { value: 'any' })],
    ['its id with fields left out', true, struct(NTNDArray.id, { uniqueId: 'int' })],
    ['the whole without id', true, pvapyType('')],
    ['value and uniqueId without id', true, struct('', { value: pixels, uniqueId: 'int' })],
    ['value and dimension without id', true, struct('', { value: pixels, dimension })],
    ['value alone without id', false, struct('', { value: pixels })],
    ['any with both', true, struct('', { value: 'any', uniqueId: 'int', dimension })],
    ['any with uniqueId only', false, struct('', { value: 'any', uniqueId: 'int' })],
    ['another union', false, struct('', { value: union('', { a: 'int' }), uniqueId: 'int', dimension })],
    ['another id', false, struct('my_image', { value: pixels, uniqueId: 'int', dimension })],
    ['a scalar', false, struct('epics:nt/NTScalar:1.0', { value: 'int', uniqueId: 'int' })],
  ])('%s: %s', (_, yes, type) => {
    expect(NTNDArray.is(type)).toBe(yes);
    const value = Value.create(type);
    expect(NTNDArray.is(value)).toBe(yes);
    if (yes) expect(new NTNDArray(value).value).toBe(value);
    else expect(() => new NTNDArray(value)).toThrow(NoConvertError);
  });

  it('needs uniqueId when it is asked for', () => {
    const frame = new NTNDArray(Value.create(struct('', { value: pixels, dimension })));
    expect(() => frame.uniqueId).toThrow(NoFieldError);
    expect(frame.has('uniqueId')).toBe(false);
    expect(frame.uncompressedSize).toBe(0);
    expect(frame.codec).toEqual({ name: '', parameters: null });
    expect(frame.timeStamp).toEqual({ secondsPastEpoch: 0n, nanoseconds: 0, userTag: 0 });
  });
});

describe('NTNDArray.create', () => {
  it('stamps the frame with now unless told otherwise', () => {
    const before = BigInt(Math.floor(Date.now() / 1000));
    const frame = NTNDArray.create({ pixels: new Uint8Array(1) });
    expect(frame.timeStamp.secondsPastEpoch).toBeGreaterThanOrEqual(before);
    expect(frame.dataTimeStamp).toEqual(frame.timeStamp);
    const acquired = new Date('2026-01-02T03:04:05.678Z');
    const later = NTNDArray.create({ timeStamp: new Date(acquired.getTime() + 5), dataTimeStamp: acquired });
    expect(later.dataTimeStamp).toEqual({
      secondsPastEpoch: BigInt(Math.floor(acquired.getTime() / 1000)),
      nanoseconds: 678_000_000,
      userTag: 0,
    });
    expect(later.timeStamp.nanoseconds).toBe(683_000_000);
  });

  it('sets other fields by path', () => {
    const frame = NTNDArray.create({ descriptor: 'made here' }).set('alarm.severity', 2);
    expect(frame.get('descriptor')).toBe('made here');
    expect(frame.get('alarm.severity')).toBe(2);
    expect(frame.has('display.units')).toBe(true);
    expect(() => frame.set('nothing', 1)).toThrow(NoFieldError);
    expect(formatValue(frame.value)).toContain('    union value\n        (none)\n');
  });

  it('keeps the pixels of a union value given as such', () => {
    const type = NTNDArray.type.member('value') as TypeDef;
    const frame = NTNDArray.create().set('value', new UnionValue(type, 6, new Uint16Array([8])));
    expect(frame.pixels).toEqual(new Uint16Array([8]));
  });
});
