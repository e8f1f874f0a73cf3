/** The pvData types that the golden vectors are written in (pva-protocol.md 2.9, 8.1, 11). */
import type { ScalarKind } from '../../src/value/type-code.ts';
import { arrayOf, bounded, struct, type TypeDef, type TypeSpec, union } from '../../src/value/type-def.ts';

export const TIME_T: TypeDef = struct('time_t', {
  secondsPastEpoch: 'long',
  nanoseconds: 'int',
  userTag: 'int',
});

export const ALARM_T: TypeDef = struct('alarm_t', { severity: 'int', status: 'int', message: 'string' });

export const ENUM_T: TypeDef = struct('enum_t', { index: 'int', choices: 'string[]' });

/** Bits: value 1; alarm 2 (3 severity, 4 status, 5 message); timeStamp 6 (7, 8, 9). */
export function ntScalar(kind: ScalarKind): TypeDef {
  return struct('epics:nt/NTScalar:1.0', { value: kind, alarm: ALARM_T, timeStamp: TIME_T });
}

/** As a PVXS IOC has it. Bits: value 1 (2 index, 3 choices); alarm 4 (5, 6, 7); timeStamp 8 (9, 10, 11); display 12 (13). */
export const NT_ENUM: TypeDef = struct('epics:nt/NTEnum:1.0', {
  value: ENUM_T,
  alarm: ALARM_T,
  timeStamp: TIME_T,
  display: struct('', { description: 'string' }),
});

/** Bits: value 1, timeStamp 2 (3, 4), arbitrary 5 (sarr 6), any 7, anya 8, choice 9, achoice 10. */
export const SIMPLE_T: TypeDef = struct('simple_t', {
  value: 'ulong[]',
  timeStamp: struct('time_t', { secondsPastEpoch: 'ulong', nanoseconds: 'uint' }),
  arbitrary: struct('', { sarr: arrayOf(struct('', { value: 'uint' })) }),
  any: 'any',
  anya: 'any[]',
  choice: union('', { a: 'float', b: 'string' }),
  achoice: arrayOf(union('', { x: 'string', y: 'string' })),
});

/** The example of the pvAccess specification. */
export const EXAMPLE_STRUCTURE: TypeDef = struct('exampleStructure', {
  value: 'byte[]',
  boundedSizeArray: bounded('byte', 'bounded', 16),
  fixedSizeArray: bounded('byte', 'fixed', 4),
  timeStamp: TIME_T,
  alarm: ALARM_T,
  valueUnion: union('', { stringValue: 'string', intValue: 'int', doubleValue: 'double' }),
  variantUnion: 'any',
});

/** What an IOC with QSRV 1 announces for a double record (pva-protocol.md 11.2). 34 fields. */
export const QSRV_DOUBLE: TypeDef = struct('epics:nt/NTScalar:1.0', {
  value: 'double',
  alarm: ALARM_T,
  timeStamp: struct('', { secondsPastEpoch: 'long', nanoseconds: 'int', userTag: 'int' }),
  display: struct('', {
    limitLow: 'double',
    limitHigh: 'double',
    description: 'string',
    units: 'string',
    precision: 'int',
    form: ENUM_T,
  }),
  control: struct('control_t', { limitLow: 'double', limitHigh: 'double', minStep: 'double' }),
  valueAlarm: struct('valueAlarm_t', {
    active: 'boolean',
    lowAlarmLimit: 'double',
    lowWarningLimit: 'double',
    highWarningLimit: 'double',
    highAlarmLimit: 'double',
    lowAlarmSeverity: 'int',
    lowWarningSeverity: 'int',
    highWarningSeverity: 'int',
    highAlarmSeverity: 'int',
    hysteresis: 'byte',
  }),
});

const PIXEL_KINDS = {
  boolean: ['boolean'],
  // The specification, PVXS, p4p and areaDetector.
  standard: ['byte', 'short', 'int', 'long', 'ubyte', 'ushort', 'uint', 'ulong', 'float', 'double'],
  // pvaPy's own class.
  pvapy: ['byte', 'ubyte', 'short', 'ushort', 'int', 'uint', 'long', 'ulong', 'float', 'double'],
} as const;

/** The union of an NTNDArray; servers order its members differently. */
export function pixelUnion(order: 'standard' | 'pvapy'): TypeDef {
  const kinds = [...PIXEL_KINDS.boolean, ...PIXEL_KINDS[order]];
  return union(
    '',
    kinds.map((kind) => [`${kind}Value`, `${kind}[]` as TypeSpec] as const),
  );
}

export const CODEC_T: TypeDef = struct('codec_t', { name: 'string', parameters: 'any' });
export const DIMENSION_T: TypeDef = struct('dimension_t', {
  size: 'int',
  offset: 'int',
  fullSize: 'int',
  binning: 'int',
  reverse: 'boolean',
});
export const NT_ATTRIBUTE: TypeDef = struct('epics:nt/NTAttribute:1.0', {
  name: 'string',
  value: 'any',
  tags: 'string[]',
  descriptor: 'string',
  alarm: ALARM_T,
  timeStamp: TIME_T,
  sourceType: 'int',
  source: 'string',
});

/** PVXS and p4p order; the bits are those of pva-protocol.md 2.9. */
export const NT_NDARRAY: TypeDef = struct('epics:nt/NTNDArray:1.0', {
  value: pixelUnion('standard'),
  codec: CODEC_T,
  compressedSize: 'long',
  uncompressedSize: 'long',
  uniqueId: 'int',
  dataTimeStamp: TIME_T,
  alarm: ALARM_T,
  timeStamp: TIME_T,
  dimension: arrayOf(DIMENSION_T),
  attribute: arrayOf(NT_ATTRIBUTE),
});
