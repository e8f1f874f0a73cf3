/** NTScalar and NTScalarArray: one value, or an array of them, with alarm, time and meta-data. */
import { NoConvertError } from '../errors.ts';
import { SCALAR_KINDS, type ScalarKind } from '../value/type-code.ts';
import { struct, type TypeDef, type TypeSpec } from '../value/type-def.ts';
import type { Value } from '../value/value.ts';
import {
  alarmType,
  controlType,
  displayType,
  isNormativeId,
  isNumericKind,
  timeType,
  valueAlarmType,
} from './fields.ts';

/** Which optional meta-data a type carries. All default to false; control and valueAlarm exist for numbers only. */
export interface ScalarOptions {
  /** Description and units; for numbers also limits. */
  readonly display?: boolean;
  /** With `display`, for numbers: precision and format. */
  readonly form?: boolean;
  /** Limits of what may be put, and the smallest step. */
  readonly control?: boolean;
  /** Alarm and warning limits. */
  readonly valueAlarm?: boolean;
}

function build(id: string, kind: ScalarKind, value: TypeSpec, options: ScalarOptions): TypeDef {
  if (!SCALAR_KINDS.includes(kind))
    throw new NoConvertError(`'${kind}' is no scalar; there are: ${SCALAR_KINDS.join(', ')}`);
  const members: [string, TypeSpec][] = [
    ['value', value],
    ['alarm', alarmType],
    ['timeStamp', timeType],
  ];
  const { display, form = false, control, valueAlarm } = options;
  if (display) members.push(['display', displayType(kind, { form })]);
  if (control && isNumericKind(kind)) members.push(['control', controlType(kind)]);
  if (valueAlarm && isNumericKind(kind)) members.push(['valueAlarm', valueAlarmType(kind)]);
  return struct(id, members);
}

const SCALAR_ID = 'epics:nt/NTScalar:1.0';
const ARRAY_ID = 'epics:nt/NTScalarArray:1.0';

/** One value, with alarm, time and meta-data. */
export const NTScalar = {
  /** `epics:nt/NTScalar:1.0`. */
  id: SCALAR_ID,

  /**
   * The type of a scalar: value, alarm, timeStamp and what `options` asks for, in PVXS's order.
   * @example Value.create(NTScalar.build('double', { display: true }), { value: 3.25 })
   * @throws NoConvertError if `kind` is not a scalar kind
   */
  build(kind: ScalarKind, options: ScalarOptions = {}): TypeDef {
    return build(SCALAR_ID, kind, kind, options);
  },

  /** Has it the id of an NTScalar 1.x? */
  is(value: Value): boolean {
    return isNormativeId(value.id, 'NTScalar');
  },
} as const;

/** An array of values, with alarm, time and meta-data. */
export const NTScalarArray = {
  /** `epics:nt/NTScalarArray:1.0`. */
  id: ARRAY_ID,

  /** The type of an array of scalars; limits are scalars of the element's kind. See {@link NTScalar.build}. */
  build(kind: ScalarKind, options: ScalarOptions = {}): TypeDef {
    return build(ARRAY_ID, kind, `${kind}[]`, options);
  },

  /** Has it the id of an NTScalarArray 1.x? */
  is(value: Value): boolean {
    return isNormativeId(value.id, 'NTScalarArray');
  },
} as const;
