/**
 * ArraySlice: the part of an array that the field option `array=start:increment:end` names, read and written.
 *
 * Rules as pvDatabaseCPP's `pvArrayPlugin.cpp`: `start`, `start:end` or `start:increment:end`; numbers below 0 count
 * from the array's end, `end` is included and need not exist. An increment below 1, which pvDatabase divides by, and what
 * is not an integer make no slice.
 */
import { RemoteError } from '../errors.ts';
import { AnyValue, UnionValue } from '../value/containers.ts';
import type { NumericArray } from '../value/type-code.ts';
import type { PvData } from '../value/value.ts';

/** Arrays of scalars: what can be sliced. */
type ScalarArray = NumericArray | boolean[] | string[];

export class ArraySlice {
  private readonly start: number;
  private readonly increment: number;
  private readonly end: number;

  private constructor(start: number, increment: number, end: number) {
    this.start = start;
    this.increment = increment;
    this.end = end;
  }

  /** Reads the option's text; undefined if it is no slice. */
  static parse(text: string): ArraySlice | undefined {
    const parts = text.split(':');
    if (parts.length > 3 || !parts.every((part) => /^[+-]?\d{1,15}$/.test(part))) return undefined;
    const numbers = parts.map(Number);
    const start = numbers[0] as number;
    const increment = numbers.length === 3 ? (numbers[1] as number) : 1;
    const end = numbers.length === 1 ? -1 : (numbers.at(-1) as number);
    return increment < 1 ? undefined : new ArraySlice(start, increment, end);
  }

  /** The slice's elements; a union or any keeps its choice. What is no array of scalars stays as it is. */
  of(field: PvData): PvData {
    return replaced(field, (array) => this.cut(array));
  }

  /**
   * `present` with the elements of the slice replaced by those of `given`, in order. It grows when the slice reaches beyond
   * its end, by no more elements than are given, so that a few bytes of a client cannot make an array of gigabytes.
   * @throws RemoteError
   */
  into(present: PvData, given: PvData): PvData {
    const source = contentOf(given);
    if (!isScalarArray(source)) return present;
    return replaced(present, (array) => this.insert(array, source));
  }

  /** First and last element, which need not exist, in an array of this length. */
  private range(length: number): { from: number; last: number } {
    const { start, end } = this;
    return {
      from: start < 0 ? Math.max(0, length + start) : start,
      last: end < 0 ? Math.max(0, length + end) : end,
    };
  }

  private count(from: number, last: number): number {
    return last < from ? 0 : 1 + Math.floor((last - from) / this.increment);
  }

  private cut(array: ScalarArray): ScalarArray {
    const { length } = array;
    const { from, last } = this.range(length);
    const count = from >= length ? 0 : this.count(from, Math.min(last, length - 1));
    if (this.increment === 1) {
      // A view: what is served is never changed.
      if (ArrayBuffer.isView(array)) return array.subarray(from, from + count) as NumericArray;
      return array.slice(from, from + count) as string[];
    }
    const cut = empty(array, count);
    for (let i = 0; i < count; i++) cut[i] = array[from + i * this.increment] as never;
    return cut;
  }

  private insert(array: ScalarArray, given: ScalarArray): ScalarArray {
    const { from, last } = this.range(array.length);
    const count = Math.min(this.count(from, last), given.length);
    if (count === 0) return array;
    if (array.constructor !== given.constructor)
      throw new RemoteError('put with array=: the elements are of another type than those there are');
    const reached = from + (count - 1) * this.increment + 1;
    if (reached > array.length + given.length)
      throw new RemoteError(
        `put with array=: element ${reached - 1} lies too far behind the ${array.length} there are`,
      );
    const whole = empty(array, Math.max(array.length, reached));
    for (let i = 0; i < array.length; i++) whole[i] = array[i] as never;
    for (let i = 0; i < count; i++) whole[from + i * this.increment] = given[i] as never;
    return whole;
  }
}

function isScalarArray(v: unknown): v is ScalarArray {
  return ArrayBuffer.isView(v) || (Array.isArray(v) && (v.length === 0 || typeof v[0] !== 'object'));
}

/** What a union or any holds, or the field itself. */
function contentOf(field: PvData): PvData {
  return field instanceof UnionValue || field instanceof AnyValue ? field.value : field;
}

/** The field with its array of scalars, in a union or any too, replaced by another one. */
function replaced(field: PvData, change: (array: ScalarArray) => ScalarArray): PvData {
  const array = contentOf(field);
  if (!isScalarArray(array)) return field;
  if (field instanceof UnionValue) return new UnionValue(field.type, field.index, change(array));
  if (field instanceof AnyValue) return new AnyValue(field.type, change(array));
  return change(array);
}

/** An array of the same kind, with nothing in it. */
function empty(like: ScalarArray, length: number): ScalarArray {
  if (ArrayBuffer.isView(like)) return new (like.constructor as new (length: number) => NumericArray)(length);
  return new Array(length).fill(typeof like[0] === 'string' ? '' : false) as string[];
}
