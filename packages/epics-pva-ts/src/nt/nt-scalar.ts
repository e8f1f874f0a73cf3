/** NTScalar and NTScalarArray: one value, or an array of them, with alarm, time and meta-data. */
import { NoConvertError } from '../errors.ts';
import { type NumericArray, SCALAR_KINDS, type ScalarKind } from '../value/type-code.ts';
import { struct, type TypeDef, type TypeSpec } from '../value/type-def.ts';
import { Value } from '../value/value.ts';
import { type CommonFields, commonMembers, type Members, NormativeView, setCommon } from './common-fields.ts';
import { COMMON, type FieldRule, NormativeType, SCALAR, SCALARS, STRUCTURE } from './compatibility.ts';
import { controlType, displayType, isNumericKind, valueAlarmType } from './fields.ts';
import {
  type Control,
  type Display,
  readControl,
  readDisplay,
  readValueAlarm,
  type ValueAlarm,
  writeDisplay,
} from './meta-data.ts';

/**
 * Which optional fields a type carries. Those of meta-data default to false; control and valueAlarm exist for numbers
 * only. For `create` a field may also be given as what it holds.
 */
export interface ScalarOptions extends CommonFields {
  /** Description and units; for numbers also limits. */
  readonly display?: boolean | Display;
  /** With `display`, for numbers: precision and format. Default: whether `display` gives one of them. */
  readonly form?: boolean;
  /** Limits of what may be put, and the smallest step. */
  readonly control?: boolean | Control;
  /** Alarm and warning limits. */
  readonly valueAlarm?: boolean | ValueAlarm;
}

/** A scalar of pvData. 64-bit integers are bigint. */
export type Scalar = number | bigint | string | boolean;

/** The elements of an array of scalars: a typed array for numbers, else an array. */
export type ScalarArray = NumericArray | string[] | boolean[];

const OPTIONAL = { ...COMMON, display: STRUCTURE, control: STRUCTURE, valueAlarm: STRUCTURE };

function build(id: string, kind: ScalarKind, value: TypeSpec, options: ScalarOptions): TypeDef {
  if (!SCALAR_KINDS.includes(kind))
    throw new NoConvertError(`'${kind}' is no scalar; there are: ${SCALAR_KINDS.join(', ')}`);
  const members: Members = [['value', value], ...commonMembers(options)];
  const { display, form = hasForm(display), control, valueAlarm } = options;
  if (display) members.push(['display', displayType(kind, { form })]);
  if (control && isNumericKind(kind)) members.push(['control', controlType(kind)]);
  if (valueAlarm && isNumericKind(kind)) members.push(['valueAlarm', valueAlarmType(kind)]);
  return struct(id, members);
}

function hasForm(display: boolean | Display | undefined): boolean {
  return typeof display === 'object' && (display.precision !== undefined || display.form !== undefined);
}

function fill(value: Value, content: unknown, options: ScalarOptions): Value {
  if (content !== undefined) value.set('value', content);
  const { display, control, valueAlarm } = options;
  if (typeof display === 'object') writeDisplay(value, display);
  if (typeof control === 'object') value.set('control', control);
  if (typeof valueAlarm === 'object') value.set('valueAlarm', valueAlarm);
  return setCommon(value, options);
}

/** Reads a scalar or an array of them with its meta-data. */
export class MetaDataView extends NormativeView {
  /** How the value is shown; undefined if there is no such field. */
  get display(): Display | undefined {
    return readDisplay(this.structure);
  }

  /** How far, and in what steps, the value may be set; undefined if there is no such field. */
  get control(): Control | undefined {
    return readControl(this.structure);
  }

  /** Alarm and warning limits; undefined if there is no such field. */
  get valueAlarm(): ValueAlarm | undefined {
    return readValueAlarm(this.structure);
  }
}

/** Reads an NTScalar. */
export class NTScalarView extends MetaDataView {
  /** The value. 64-bit integers are bigint. */
  get value(): Scalar {
    return this.structure.get('value') as Scalar;
  }
}

/** Reads an NTScalarArray. */
export class NTScalarArrayView extends MetaDataView {
  /** The elements: a typed array for numbers, else an array; not copied. */
  get value(): ScalarArray {
    return this.structure.get('value') as ScalarArray;
  }
}

function describe(name: string, rule: FieldRule): NormativeType {
  return new NormativeType(name, { value: rule }, OPTIONAL);
}

const scalar = describe('NTScalar', SCALAR);
const scalarArray = describe('NTScalarArray', SCALARS);

/** One value of a scalar kind. Standard: NTScalar; meta-data as PVXS nt.h. */
export const NTScalar = {
  /** `epics:nt/NTScalar:1.0`. */
  id: scalar.id,

  /**
   * The type of a scalar: value, alarm, timeStamp and what `options` asks for, in PVXS's order; a descriptor comes
   * behind the value, as the standard has it.
   * @example Value.create(NTScalar.build('double', { display: true }), { value: 3.25 })
   * @throws NoConvertError if `kind` is not a scalar kind
   */
  build(kind: ScalarKind, options: ScalarOptions = {}): TypeDef {
    return build(scalar.id, kind, kind, options);
  },

  /**
   * A scalar with its meta-data.
   * @example NTScalar.create('double', 3.25, { display: { units: 'mm', limitHigh: 10 }, timeStamp: new Date() })
   * @throws NoConvertError if something does not fit; NoFieldError for limits of a string or boolean
   */
  create(kind: ScalarKind, value?: unknown, options: ScalarOptions = {}): Value {
    return fill(Value.create(NTScalar.build(kind, options)), value, options);
  },

  /** Has it the id of an NTScalar 1.x? */
  is(from: Value | TypeDef): boolean {
    return scalar.is(from);
  },

  /** Has it the fields of an NTScalar, whatever its id? */
  isCompatible(from: Value | TypeDef): boolean {
    return scalar.isCompatible(from);
  },

  /** @throws NoConvertError naming the field that does not fit */
  wrap(structure: Value): NTScalarView {
    scalar.check(structure);
    return new NTScalarView(structure);
  },
} as const;

/** An array of one scalar kind. Standard: NTScalarArray; meta-data as PVXS nt.h. */
export const NTScalarArray = {
  /** `epics:nt/NTScalarArray:1.0`. */
  id: scalarArray.id,

  /** The type of an array of scalars; limits are scalars of the element's kind. See {@link NTScalar.build}. */
  build(kind: ScalarKind, options: ScalarOptions = {}): TypeDef {
    return build(scalarArray.id, kind, `${kind}[]`, options);
  },

  /** An array with its meta-data. See {@link NTScalar.create}. */
  create(kind: ScalarKind, value?: ArrayLike<unknown>, options: ScalarOptions = {}): Value {
    return fill(Value.create(NTScalarArray.build(kind, options)), value, options);
  },

  /** Has it the id of an NTScalarArray 1.x? */
  is(from: Value | TypeDef): boolean {
    return scalarArray.is(from);
  },

  /** Has it the fields of an NTScalarArray, whatever its id? */
  isCompatible(from: Value | TypeDef): boolean {
    return scalarArray.isCompatible(from);
  },

  /** @throws NoConvertError naming the field that does not fit */
  wrap(structure: Value): NTScalarArrayView {
    scalarArray.check(structure);
    return new NTScalarArrayView(structure);
  },
} as const;
