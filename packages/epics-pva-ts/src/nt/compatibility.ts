/**
 * What makes a structure usable as a normative type: the fields it must and may have, and of what kind they are.
 *
 * As in normativeTypesCPP there are two questions. `is` looks at the id alone. `isCompatible` looks at the fields and
 * not at the id, which servers that filter fields do not send; order and additional fields do not matter to it.
 */
import { NoConvertError } from '../errors.ts';
import { TypeDef } from '../value/type-def.ts';
import type { Value } from '../value/value.ts';
import { isNormativeId, isNumericKind } from './fields.ts';

/** What a field has to be. */
export interface FieldRule {
  /** For error texts: `a scalar`. */
  readonly what: string;
  fits(type: TypeDef): boolean;
}

export type FieldRules = Readonly<Record<string, FieldRule>>;

const isPrimitive = (t: TypeDef): boolean => t.kind !== 'struct' && t.kind !== 'union' && t.kind !== 'any';
const isStruct = (t: TypeDef): boolean => t.kind === 'struct' && !t.isArray;
const isText = (t: TypeDef | undefined): boolean => t?.kind === 'string' && !t.isArray;
const isNumber = (t: TypeDef | undefined): boolean =>
  t !== undefined && isPrimitive(t) && isNumericKind(t.kind as never) && !t.isArray;

export const SCALAR: FieldRule = { what: 'a scalar', fits: (t) => isPrimitive(t) && !t.isArray };
export const NUMBER: FieldRule = { what: 'a number', fits: isNumber };
export const TEXT: FieldRule = { what: 'a string', fits: isText };
export const SCALARS: FieldRule = { what: 'an array of scalars', fits: (t) => isPrimitive(t) && t.isArray };
export const NUMBERS: FieldRule = {
  what: 'an array of numbers',
  fits: (t) => isPrimitive(t) && isNumericKind(t.kind as never) && t.isArray,
};
export const TEXTS: FieldRule = {
  what: 'an array of strings',
  fits: (t) => t.kind === 'string' && t.isArray,
};
export const BOOLEANS: FieldRule = {
  what: 'an array of booleans',
  fits: (t) => t.kind === 'boolean' && t.isArray,
};
export const STRUCTURE: FieldRule = { what: 'a structure', fits: isStruct };
export const UNION: FieldRule = {
  what: 'a union or any',
  fits: (t) => (t.kind === 'union' || t.kind === 'any') && !t.isArray,
};
export const UNIONS: FieldRule = {
  what: 'an array of unions or of any',
  fits: (t) => (t.kind === 'union' || t.kind === 'any') && t.isArray,
};
export const COLUMNS: FieldRule = {
  what: 'a structure of arrays of scalars',
  fits: (t) => isStruct(t) && t.members.every((m) => SCALARS.fits(m.type)),
};
export const ENUM: FieldRule = {
  what: 'an enum_t (index and choices)',
  fits: (t) => {
    const choices = t.member('choices');
    return isStruct(t) && isNumber(t.member('index')) && choices !== undefined && TEXTS.fits(choices);
  },
};
export const ALARM: FieldRule = {
  what: 'an alarm_t (severity, status, message)',
  fits: (t) =>
    isStruct(t) &&
    isNumber(t.member('severity')) &&
    isNumber(t.member('status')) &&
    isText(t.member('message')),
};
/** userTag is left out by some. */
export const TIME: FieldRule = {
  what: 'a time_t (secondsPastEpoch, nanoseconds)',
  fits: (t) => isStruct(t) && isNumber(t.member('secondsPastEpoch')) && isNumber(t.member('nanoseconds')),
};

/** The optional fields nearly every normative type has. */
export const COMMON: FieldRules = { descriptor: TEXT, alarm: ALARM, timeStamp: TIME };

/** One normative type, as it is recognised and checked. */
export class NormativeType {
  /** `NTMatrix` */
  readonly name: string;
  /** `epics:nt/NTMatrix:1.0` */
  readonly id: string;
  private readonly required: FieldRules;
  private readonly optional: FieldRules;
  /** What is wrong with the types seen so far; '' if nothing is. */
  private readonly known = new WeakMap<TypeDef, string>();

  constructor(name: string, required: FieldRules, optional: FieldRules = COMMON) {
    this.name = name;
    this.id = `epics:nt/${name}:1.0`;
    this.required = required;
    this.optional = optional;
  }

  /** Has it this type's id, in any version 1.x? */
  is(from: Value | TypeDef): boolean {
    return isNormativeId(from instanceof TypeDef ? from.id : from.type.id, this.name);
  }

  /** Has it the fields of this type, whatever its id? */
  isCompatible(from: Value | TypeDef): boolean {
    return this.problem(from instanceof TypeDef ? from : from.type) === '';
  }

  /** @throws NoConvertError naming the first field that does not fit */
  check(value: Value): void {
    const problem = this.problem(value.type);
    if (problem !== '') throw new NoConvertError(`${value.type.displayId} is no ${this.name}: ${problem}`);
  }

  private problem(type: TypeDef): string {
    let problem = this.known.get(type);
    if (problem === undefined) {
      problem = this.firstProblem(type);
      this.known.set(type, problem);
    }
    return problem;
  }

  private firstProblem(type: TypeDef): string {
    if (!isStruct(type)) return 'it is not a structure';
    for (const [field, rule] of Object.entries(this.required)) {
      const member = type.member(field);
      if (!member) return `it has no '${field}', which must be ${rule.what}`;
      if (!rule.fits(member)) return `its '${field}' is ${member.displayId}, not ${rule.what}`;
    }
    for (const [field, rule] of Object.entries(this.optional)) {
      const member = type.member(field);
      if (member && !rule.fits(member)) return `its '${field}' is ${member.displayId}, not ${rule.what}`;
    }
    return '';
  }
}
