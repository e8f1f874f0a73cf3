/**
 * descriptor, alarm and timeStamp: the optional fields nearly every normative type has, in the standard's order, and
 * the reader all types have in common.
 */
import type { NumericArray } from '../value/type-code.ts';
import type { TypeSpec } from '../value/type-def.ts';
import type { Value } from '../value/value.ts';
import { type Alarm, NO_ALARM, readAlarm } from './alarm.ts';
import { alarmType, timeType } from './fields.ts';
import { readTimeStamp, type TimeStamp, writeTimeStamp } from './time-stamp.ts';

/**
 * Which of the common fields a type carries, and what they hold: `true` and `false` put a field in or leave it out, a
 * value puts it in and sets it.
 */
export interface CommonFields {
  /** What the value means, for people. Default false. */
  readonly descriptor?: boolean | string;
  /** Default true: carried, no alarm. */
  readonly alarm?: boolean | Partial<Alarm>;
  /** Default true: carried, not set. `nowTimeStamp()` is the time now. */
  readonly timeStamp?: boolean | TimeStamp | Date;
}

/** The members of a structure in order. */
export type Members = [string, TypeSpec][];

/** descriptor, alarm, timeStamp, as far as `fields` has them. */
export function commonMembers(fields: CommonFields): Members {
  const { descriptor = false, alarm = true, timeStamp = true } = fields;
  const members: Members = [];
  if (descriptor !== false) members.push(['descriptor', 'string']);
  if (alarm !== false) members.push(['alarm', alarmType]);
  if (timeStamp !== false) members.push(['timeStamp', timeType]);
  return members;
}

/** Sets what `fields` gives as values. @throws NoConvertError */
export function setCommon(value: Value, fields: CommonFields): Value {
  const { descriptor, alarm, timeStamp } = fields;
  if (typeof descriptor === 'string') value.set('descriptor', descriptor);
  if (typeof alarm === 'object') value.set('alarm', { ...NO_ALARM, ...alarm });
  if (typeof timeStamp === 'object') writeTimeStamp(value, 'timeStamp', timeStamp);
  return value;
}

/** Reads a structure as a normative type. Fields have the standard's names; optional ones may be undefined. */
export class NormativeView {
  /** The structure itself. The view reads it at every access and copies nothing unless it says so. */
  readonly structure: Value;

  constructor(structure: Value) {
    this.structure = structure;
  }

  /** What the value means, for people; undefined if there is no such field. */
  get descriptor(): string | undefined {
    return this.structure.tryGet('descriptor') as string | undefined;
  }

  /** Severity, status and message; undefined if there is no such field. */
  get alarm(): Alarm | undefined {
    return readAlarm(this.structure);
  }

  /** When the value was taken; undefined if there is no such field. */
  get timeStamp(): TimeStamp | undefined {
    return readTimeStamp(this.structure);
  }

  /** An array of strings that the type always has. */
  protected strings(field: string): readonly string[] {
    return this.structure.get(field) as string[];
  }

  /** An array of numbers that the type always has, in the kind it came in; not copied. */
  protected numbers(field: string): NumericArray {
    return this.structure.get(field) as NumericArray;
  }

  /** As doubles: the array itself where it holds doubles, as the standard asks for. */
  protected doubles(field: string): Float64Array {
    const numbers = this.numbers(field);
    return numbers instanceof Float64Array ? numbers : Float64Array.from(numbers as Float32Array, Number);
  }

  /** A number of any kind; undefined if there is no such field. */
  protected optionalNumber(field: string): number | undefined {
    const n = this.structure.tryGet(field);
    return n === undefined ? undefined : Number(n);
  }
}
