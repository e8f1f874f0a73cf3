/** docs/reference/normative-types.md lists every normative type with its fields in order, and every codec, as they are. */

import type { TypeDef } from 'epics-pva-ts';
import * as pva from 'epics-pva-ts';
import { describe, expect, it } from 'vitest';
import { prose } from './support/documents.ts';

const TEXT = prose('docs/reference/normative-types.md');
const ALL = { descriptor: true };
const META = { display: true, control: true, valueAlarm: true };

/** Every type with all its optional fields. */
const WHOLE: Readonly<Record<string, TypeDef>> = {
  NTScalar: pva.NTScalar.build('int', { ...ALL, ...META }),
  NTScalarArray: pva.NTScalarArray.build('int', { ...ALL, ...META }),
  NTEnum: pva.NTEnum.build(ALL),
  NTTable: pva.NTTable.build([]),
  NTNDArray: pva.NTNDArray.type,
  NTAttribute: pva.NTAttribute.build({ ...ALL, tags: true }),
  NTNameValue: pva.NTNameValue.build('int', ALL),
  NTURI: pva.NTURI.create('x').type,
  NTMultiChannel: pva.NTMultiChannel.build(ALL),
  NTMatrix: pva.NTMatrix.build({ ...ALL, dim: true, display: true }),
  NTContinuum: pva.NTContinuum.build(ALL),
  NTHistogram: pva.NTHistogram.build(ALL),
  NTAggregate: pva.NTAggregate.build({
    ...ALL,
    dispersion: true,
    first: true,
    firstTimeStamp: true,
    last: true,
    lastTimeStamp: true,
    max: true,
    min: true,
  }),
  NTUnion: pva.NTUnion.build(ALL),
  NTScalarMultiChannel: pva.NTScalarMultiChannel.build('int', ALL),
};

const exported: ReadonlyMap<string, unknown> = new Map(Object.entries(pva));
const list = (text: string): string[] => (text.trim() === '' ? [] : text.trim().split(', '));

describe('docs/reference/normative-types.md', () => {
  it('has all types, with their ids, builders and fields in order', () => {
    const rows = [
      ...TEXT.matchAll(/^\| `epics:nt\/(\w+):1\.0` \| `(\w+)\.create\(.*?\)` \|([^|]*)\|([^|]*)\|$/gm),
    ];
    expect(rows.map(([, name]) => name)).toEqual(Object.keys(WHOLE));
    for (const [, name = '', builder = '', fields = '', optional = ''] of rows) {
      expect(builder).toBe(name);
      const type = WHOLE[name] as TypeDef;
      expect(type.id).toBe(`epics:nt/${name}:1.0`);
      expect([...list(fields), ...list(optional)]).toEqual(type.members.map((m) => m.name));
      const nt = exported.get(builder) as typeof pva.NTMatrix;
      for (const method of ['create', 'is', 'isCompatible', 'wrap'] as const)
        expect([name, method, typeof nt[method]]).toEqual([name, method, 'function']);
      const required = list(fields).map((f) => [f, type.member(f) as TypeDef] as const);
      expect(nt.isCompatible(pva.struct('', required))).toBe(true);
    }
  });

  it('has all codecs, and those that compress', () => {
    const rows = [
      ...TEXT.matchAll(/^\| `(\w+)` \|[^|]*\| (built in|package `[\w-]+`) \| (built in|no) \|$/gm),
    ];
    expect(rows.map(([, name]) => name)).toEqual(pva.codecNames());
    const frame = pva.NTNDArray.create({ pixels: Uint16Array.of(1, 2, 3) });
    for (const [, name = '', , writing] of rows) {
      const compress = (): unknown => frame.compress(name).decompressSync().pixels;
      if (writing === 'no') expect(compress).toThrow(pva.CodecError);
      else expect(compress()).toEqual(frame.pixels);
    }
  });

  it('has the numbers of the types of pixels', () => {
    const numbers = new Map(
      [...TEXT.matchAll(/`(u?(?:byte|short|int|long)|float|double)` (\d+)/g)].map(([, k, n]) => [k, n]),
    );
    expect(numbers.size).toBe(10);
    const arrays = {
      byte: Int8Array,
      short: Int16Array,
      int: Int32Array,
      long: BigInt64Array,
      ubyte: Uint8Array,
      ushort: Uint16Array,
      uint: Uint32Array,
      ulong: BigUint64Array,
      float: Float32Array,
      double: Float64Array,
    };
    for (const [kind, Type] of Object.entries(arrays)) {
      const { codec } = pva.NTNDArray.create({ pixels: new Type(8) }).compress('lz4');
      expect([kind, numbers.get(kind)]).toEqual([kind, String(codec.parameters)]);
    }
  });
});
