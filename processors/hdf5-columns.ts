/**
 * What is stored beside each image: numbers, times and the NTNDArray's attributes, one value a frame. Their types are
 * fixed when a file is made, so what is new or different makes a new file, each attribute at most twice.
 */

/** Type of a column: 64-bit integer, double, or text of at most {@link TEXT_BYTES} bytes. */
export type ColumnKind = 'int64' | 'float64' | 'text';
/** One value of a column; undefined if the frame has none. */
export type ColumnValue = bigint | number | string | undefined;

/** Bytes of a text, UTF-8, as in files of areaDetector. */
export const TEXT_BYTES = 256;
/** More attributes are not stored. */
export const MAX_ATTRIBUTES = 256;

/** What HDF5 needs to know of a kind. */
export const COLUMN_TYPES: Readonly<Record<ColumnKind, { readonly dtype: string; readonly rows: number }>> = {
  // Rows a chunk: small files stay small, long ones do not have too many.
  int64: { dtype: '<q', rows: 1024 },
  float64: { dtype: '<d', rows: 1024 },
  text: { dtype: `S${TEXT_BYTES}`, rows: 64 },
};

const MISSING = -(2n ** 63n);

/** Values of a column, as the bytes of its dataset. Missing: the smallest integer, NaN, an empty text. */
export function columnBytes(kind: ColumnKind, values: readonly ColumnValue[]): Uint8Array {
  if (kind === 'text') {
    // Fixed length, filled with blanks (HDF5's H5T_FORTRAN_S1).
    const bytes = Buffer.alloc(values.length * TEXT_BYTES, ' ');
    for (const [i, value] of values.entries())
      Buffer.from(cut(value === undefined ? '' : String(value))).copy(bytes, i * TEXT_BYTES);
    return bytes;
  }
  const view = new DataView(new ArrayBuffer(values.length * 8));
  for (const [i, value] of values.entries())
    if (kind === 'int64') view.setBigInt64(i * 8, typeof value === 'bigint' ? value : MISSING, true);
    else view.setFloat64(i * 8, typeof value === 'number' ? value : Number.NaN, true);
  return new Uint8Array(view.buffer);
}

/** At most {@link TEXT_BYTES} bytes, and no half character. */
function cut(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= TEXT_BYTES) return text;
  let end = TEXT_BYTES;
  while (((bytes[end] as number) & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end);
}

/** An attribute's value for a column: numbers and texts as they are, all else as JSON; undefined for nothing. */
export function columnValue(value: unknown): ColumnValue {
  if (value === null || value === undefined) return undefined;
  if (typeof value === 'boolean') return Number(value);
  if (typeof value === 'number' || typeof value === 'string') return value;
  if (typeof value === 'bigint') return BigInt.asIntN(64, value) === value ? value : String(value);
  const plain = ArrayBuffer.isView(value)
    ? Array.from(value as unknown as ArrayLike<unknown>)
    : typeof (value as { toJS?: unknown }).toJS === 'function'
      ? (value as { toJS(): unknown }).toJS()
      : value;
  return JSON.stringify(plain, (_key, v: unknown) => (typeof v === 'bigint' ? String(v) : v));
}

function kindOf(value: Exclude<ColumnValue, undefined>): ColumnKind {
  return typeof value === 'number' ? 'float64' : typeof value === 'bigint' ? 'int64' : 'text';
}

/** A column for an attribute. */
export interface AttributeColumn {
  /** The attribute's own name, which the column's is not always; its first {@link TEXT_BYTES} bytes (HDF5 takes 64 KB). */
  readonly attribute: string;
  readonly kind: ColumnKind;
}

/** The attributes seen so far and their kinds: it only grows, so that attributes that come and go make no new files. */
export class AttributeColumns {
  private columns = new Map<string, AttributeColumn>();
  /** Names of columns by those of attributes: once given they stay, so that a column is one attribute's in all files. */
  private readonly names = new Map<string, string>();
  /** Attributes that found no place, each time one came. */
  nDropped = 0;

  /** By names of columns, as it is now; another map when it has changed. */
  get all(): ReadonlyMap<string, AttributeColumn> {
    return this.columns;
  }

  /** Takes in the attributes of a frame, values as they are; returns them as values for columns, by column name. */
  admit(attributes: ReadonlyMap<string, unknown>): Map<string, ColumnValue> {
    const values = new Map<string, ColumnValue>();
    for (const [attribute, given] of attributes) {
      const value = columnValue(given);
      if (value === undefined) continue;
      const name = this.names.get(attribute) ?? this.freeName(attribute);
      const known = this.columns.get(name)?.kind;
      if (known === undefined && this.columns.size >= MAX_ATTRIBUTES) {
        this.nDropped++;
        continue;
      }
      this.names.set(attribute, name);
      // Whatever has been of two kinds is text from then on.
      const kind = known === undefined || known === kindOf(value) ? kindOf(value) : 'text';
      if (kind !== known) this.columns = new Map(this.columns).set(name, { attribute: cut(attribute), kind });
      values.set(name, value);
    }
    return values;
  }

  /** The column name of a new attribute: if another one has it already, with the first of _2, _3, ... that is free. */
  private freeName(attribute: string): string {
    const name = columnName(attribute);
    let free = name;
    for (let n = 2; this.columns.has(free); n++) free = `${name}_${n}`;
    return free;
  }
}

/** A name that HDF5 takes: no path, not ended by a NUL, not empty. */
function columnName(attribute: string): string {
  const name = attribute.replaceAll(/[/\0]/g, '_');
  return /^\.*$/.test(name) ? '_' : name;
}
