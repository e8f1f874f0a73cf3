/**
 * The type of an NTNDArray, and how one is recognised.
 *
 * Order of PVXS and p4p, then descriptor and display, which areaDetector and PvaPy add. PvaPy's own class has another
 * order, also of the union's members: everything is looked up by name (pva-protocol.md 8.4).
 */
import type { NumericKind } from '../value/type-code.ts';
import { arrayOf, struct, TypeDef, union } from '../value/type-def.ts';
import type { Value } from '../value/value.ts';
import { COMMON, type FieldRule, NormativeType, NUMBER, STRUCTURE, TIME, UNION } from './compatibility.ts';
import { alarmType, isNormativeId, standardDisplayType, timeType } from './fields.ts';

export const ND_ARRAY_ID = 'epics:nt/NTNDArray:1.0';

/** Kinds of pixels. */
export type PixelKind = NumericKind | 'boolean';

const pixelsType = union('', {
  booleanValue: 'boolean[]',
  byteValue: 'byte[]',
  shortValue: 'short[]',
  intValue: 'int[]',
  longValue: 'long[]',
  ubyteValue: 'ubyte[]',
  ushortValue: 'ushort[]',
  uintValue: 'uint[]',
  ulongValue: 'ulong[]',
  floatValue: 'float[]',
  doubleValue: 'double[]',
} satisfies Record<`${PixelKind}Value`, `${PixelKind}[]`>);

const dimensionType = struct('dimension_t', {
  size: 'int',
  offset: 'int',
  fullSize: 'int',
  binning: 'int',
  reverse: 'boolean',
});

const attributeType = struct('epics:nt/NTAttribute:1.0', {
  name: 'string',
  value: 'any',
  tags: 'string[]',
  descriptor: 'string',
  alarm: alarmType,
  timeStamp: timeType,
  sourceType: 'int',
  source: 'string',
});

export const ndArrayType: TypeDef = struct(ND_ARRAY_ID, {
  value: pixelsType,
  codec: struct('codec_t', { name: 'string', parameters: 'any' }),
  compressedSize: 'long',
  uncompressedSize: 'long',
  uniqueId: 'int',
  dataTimeStamp: timeType,
  alarm: alarmType,
  timeStamp: timeType,
  dimension: arrayOf(dimensionType),
  attribute: arrayOf(attributeType),
  descriptor: 'string',
  display: standardDisplayType,
});

function structures(what: string, ...members: string[]): FieldRule {
  return {
    what: `an array of ${what}`,
    fits: (t) => t.kind === 'struct' && t.isArray && members.every((m) => t.member(m)),
  };
}

/** The fields an NTNDArray must have. */
export const ndArrayRules = new NormativeType(
  'NTNDArray',
  {
    value: {
      what: "a union with NTNDArray's members, or any",
      fits: (t) => UNION.fits(t) && (t.kind === 'any' || hasPixels(t)),
    },
    codec: {
      what: 'a codec_t (name, parameters)',
      fits: (t) =>
        STRUCTURE.fits(t) && t.member('name')?.kind === 'string' && t.member('parameters') !== undefined,
    },
    compressedSize: NUMBER,
    uncompressedSize: NUMBER,
    dimension: structures('dimension_t', 'size', 'offset', 'fullSize', 'binning', 'reverse'),
    uniqueId: NUMBER,
    dataTimeStamp: TIME,
    attribute: structures('NTAttribute', 'name', 'value'),
  },
  { ...COMMON, display: STRUCTURE },
);

function hasPixels(type: TypeDef): boolean {
  return type.members.some((m) => pixelsType.member(m.name)?.equals(m.type));
}

const known = new WeakMap<TypeDef, boolean>();

/**
 * Is it an NTNDArray 1.x? By its id or, because servers that filter fields and copies made by PvaPy lose the top id,
 * by its shape: no id of its own, a `value` that is a union with NTNDArray's member names (or any), and `dimension`
 * or `uniqueId` (for any: both).
 */
export function isNdArray(from: Value | TypeDef): boolean {
  const type = from instanceof TypeDef ? from : from.type;
  let yes = known.get(type);
  if (yes === undefined) {
    yes = type.kind === 'struct' && !type.isArray && (isNormativeId(type.id, 'NTNDArray') || hasShape(type));
    known.set(type, yes);
  }
  return yes;
}

function hasShape(type: TypeDef): boolean {
  const value = type.member('value');
  if (type.id !== '' || !value || value.isArray) return false;
  const dimension = type.member('dimension');
  const hasDimension = dimension?.kind === 'struct' && dimension.isArray;
  const hasId = type.member('uniqueId') !== undefined;
  if (value.kind === 'any') return hasDimension && hasId;
  return value.kind === 'union' && hasPixels(value) && (hasDimension || hasId);
}
