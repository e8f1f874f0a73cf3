/** NTMatrix: a matrix of doubles, row by row, or a vector. */
import { NoConvertError } from '../errors.ts';
import { struct, type TypeDef } from '../value/type-def.ts';
import { Value } from '../value/value.ts';
import { type CommonFields, commonMembers, type Members, NormativeView, setCommon } from './common-fields.ts';
import { COMMON, NormativeType, NUMBERS, STRUCTURE } from './compatibility.ts';
import { standardDisplayType } from './fields.ts';
import { type Display, readDisplay, writeDisplay } from './meta-data.ts';

const description = new NormativeType(
  'NTMatrix',
  { value: NUMBERS },
  { dim: NUMBERS, ...COMMON, display: STRUCTURE },
);

/** Which optional fields a matrix carries; for `create` also what they hold. */
export interface MatrixOptions extends CommonFields {
  /** [rows, columns], or [length] of a vector. Default: those of the rows that `create` is given; else left out. */
  readonly dim?: boolean | readonly number[];
  /** display_t of pvData, with `format`. Default false. */
  readonly display?: boolean | Omit<Display, 'precision' | 'form'>;
}

/** What is wrong with a shape; '' if nothing is. */
function shapeProblem(length: number, dim: readonly number[] | undefined): string {
  if (dim === undefined) return '';
  if (dim.length !== 1 && dim.length !== 2) return `a matrix has 1 or 2 dimensions, not ${dim.length}`;
  if (!dim.every((n) => Number.isInteger(n) && n > 0))
    return `dimensions ${dim.join(' x ')} are not positive`;
  const product = dim.reduce((n, d) => n * d, 1);
  return product === length
    ? ''
    : `dimensions ${dim.join(' x ')} make ${product} element(s), there are ${length}`;
}

function flatten(rows: readonly ArrayLike<number>[]): { value: Float64Array; dim: number[] } {
  const columns = rows[0]?.length ?? 0;
  const value = new Float64Array(rows.length * columns);
  rows.forEach((row, r) => {
    if (row.length !== columns)
      throw new NoConvertError(
        `rows of a matrix have equal lengths: row 0 has ${columns}, row ${r} ${row.length}`,
      );
    value.set(row, r * columns);
  });
  return { value, dim: [rows.length, columns] };
}

function isRows(v: unknown): v is readonly ArrayLike<number>[] {
  return Array.isArray(v) && typeof v[0] === 'object';
}

/** Reads an NTMatrix. */
export class NTMatrixView extends NormativeView {
  /** All elements, row by row. Doubles are not copied; other numbers, which the standard does not know, are. */
  get value(): Float64Array {
    return this.doubles('value');
  }

  /** [rows, columns], [length] of a vector, or undefined: a vector too. */
  get dim(): number[] | undefined {
    const dim = this.structure.tryGet('dim');
    return dim === undefined ? undefined : Array.from(dim as Int32Array, Number);
  }

  /** How the elements are shown; undefined if there is no such field. */
  get display(): Display | undefined {
    return readDisplay(this.structure);
  }

  /** Rows; a vector is one row, unless its `dim` is [n, 1]. */
  get rowCount(): number {
    const dim = this.dim;
    return dim?.length === 2 ? (dim[0] as number) : 1;
  }

  /** Columns; those of a vector are its elements, unless its `dim` is [n, 1]. */
  get columnCount(): number {
    const dim = this.dim;
    return dim?.length === 2 ? (dim[1] as number) : this.numbers('value').length;
  }

  /** Element of a row and a column, both from 0; undefined outside. */
  at(row: number, column: number): number | undefined {
    const columns = this.columnCount;
    if (row < 0 || column < 0 || column >= columns) return undefined;
    return this.value[row * columns + column];
  }

  /** The rows, as views on `value`. A matrix that is not valid may have incomplete rows. */
  get rows(): Float64Array[] {
    const { value, columnCount } = this;
    const count = Math.min(this.rowCount, columnCount === 0 ? 0 : Math.ceil(value.length / columnCount));
    return Array.from({ length: count }, (_, r) => value.subarray(r * columnCount, (r + 1) * columnCount));
  }

  /** Not empty, and as many elements as `dim` says, as the standard asks for. */
  isValid(): boolean {
    const { length } = this.numbers('value');
    return length > 0 && shapeProblem(length, this.dim) === '';
  }
}

/** A matrix or vector of doubles. Standard: NTMatrix. */
export const NTMatrix = {
  /** `epics:nt/NTMatrix:1.0`. */
  id: description.id,

  /** value and what `options` asks for, in the order dim, descriptor, alarm, timeStamp, display. */
  build(options: MatrixOptions = {}): TypeDef {
    const members: Members = [['value', 'double[]']];
    if (options.dim) members.push(['dim', 'int[]']);
    members.push(...commonMembers(options));
    if (options.display) members.push(['display', standardDisplayType]);
    return struct(description.id, members);
  },

  /**
   * A matrix from its rows, or from its elements row by row and `dim`; without `dim` those are a vector.
   * @example NTMatrix.create([[1, 0], [0, 1]], { descriptor: 'unit matrix' })
   * @throws NoConvertError if rows differ in length or `dim` does not fit
   */
  create(matrix: ArrayLike<number> | readonly ArrayLike<number>[], options: MatrixOptions = {}): Value {
    const flat = isRows(matrix) ? flatten(matrix) : { value: matrix as ArrayLike<number>, dim: undefined };
    const dim = typeof options.dim === 'object' ? options.dim : flat.dim;
    const problem = shapeProblem(flat.value.length, dim);
    if (problem) throw new NoConvertError(problem);
    const type = NTMatrix.build(dim && options.dim === undefined ? { ...options, dim } : options);
    const value = Value.create(type, { value: flat.value });
    if (dim && type.member('dim')) value.set('dim', dim);
    if (typeof options.display === 'object') writeDisplay(value, options.display);
    return setCommon(value, options);
  },

  /** Has it the id of an NTMatrix 1.x? */
  is(from: Value | TypeDef): boolean {
    return description.is(from);
  },

  /** Has it the fields of an NTMatrix, whatever its id? */
  isCompatible(from: Value | TypeDef): boolean {
    return description.isCompatible(from);
  },

  /** @throws NoConvertError naming the field that does not fit */
  wrap(structure: Value): NTMatrixView {
    description.check(structure);
    return new NTMatrixView(structure);
  },
} as const;
