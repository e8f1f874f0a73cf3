/**
 * NTTable: named columns of equal length. Labels are for people, column names (members of `value`) for programs.
 * Order as in PVXS: labels, value, descriptor, alarm, timeStamp.
 */
import { NoConvertError } from '../errors.ts';
import type { NumericArray, ScalarKind } from '../value/type-code.ts';
import { struct, type TypeDef, type TypeSpec } from '../value/type-def.ts';
import { Value } from '../value/value.ts';
import { alarmType, isNormativeId, timeType } from './fields.ts';

const ID = 'epics:nt/NTTable:1.0';

/** A column to build a table with. */
export interface TableColumn {
  /** Field name: letters, digits and `_`. */
  readonly name: string;
  /** Kind of the column's cells. */
  readonly kind: ScalarKind;
  /** Heading for people; default the name. */
  readonly label?: string;
}

/** The cells of a column: a typed array for numbers, else an array. */
export type TableColumnData = NumericArray | string[] | boolean[];

/** One row by column name. 64-bit integers are bigint. */
export type TableRow = Record<string, number | bigint | string | boolean>;

function body(table: Value): Value {
  const columns = table.get('value');
  if (columns instanceof Value) return columns;
  throw new NoConvertError(`${table.id} is no table: its 'value' is not a structure of columns`);
}

/** As many rows as the shortest column has. */
function rowCount(columns: readonly TableColumnData[]): number {
  return columns.length === 0 ? 0 : Math.min(...columns.map((c) => c.length));
}

/** Named columns of equal length. Labels are for people, column names (members of `value`) for programs. */
export const NTTable = {
  /** `epics:nt/NTTable:1.0`. */
  id: ID,

  /** @throws NoFieldError for a column name that pvData does not allow or that comes twice */
  build(columns: readonly TableColumn[]): TypeDef {
    return struct(ID, {
      labels: 'string[]',
      value: struct(
        '',
        columns.map((c): [string, TypeSpec] => [c.name, `${c.kind}[]`]),
      ),
      descriptor: 'string',
      alarm: alarmType,
      timeStamp: timeType,
    });
  },

  /**
   * A table with its labels and, if given, its cells by column.
   * @throws NoConvertError if columns differ in length or cells do not fit; NoFieldError for an unknown column
   */
  create(columns: readonly TableColumn[], cells?: Readonly<Record<string, ArrayLike<unknown>>>): Value {
    const table = Value.create(NTTable.build(columns), { labels: columns.map((c) => c.label ?? c.name) });
    if (cells) NTTable.setColumns(table, cells);
    return table;
  },

  /** Has it the id of an NTTable 1.x? */
  is(value: Value): boolean {
    return isNormativeId(value.id, 'NTTable');
  },

  /** Headings for people. */
  labels(table: Value): readonly string[] {
    return (table.tryGet('labels') as string[] | undefined) ?? [];
  },

  /** Names of the columns, in the table's order. */
  columnNames(table: Value): string[] {
    return body(table).type.members.map((m) => m.name);
  },

  /** The cells by column name, in the table's order. */
  columns(table: Value): Map<string, TableColumnData> {
    const columns = body(table);
    return new Map(columns.type.members.map((m) => [m.name, columns.get(m.name) as TableColumnData]));
  },

  /** The cells by row; as many rows as the shortest column has. */
  rows(table: Value): TableRow[] {
    const columns = [...NTTable.columns(table)];
    const rows: TableRow[] = [];
    const count = rowCount(columns.map(([, cells]) => cells));
    for (let r = 0; r < count; r++)
      rows.push(Object.fromEntries(columns.map(([name, cells]) => [name, cells[r] as TableRow[string]])));
    return rows;
  },

  /** Sets columns; those not named must already have that length. @throws NoConvertError, NoFieldError */
  setColumns(table: Value, cells: Readonly<Record<string, ArrayLike<unknown>>>): void {
    const lengths = [...NTTable.columns(table)].map(
      ([name, present]) => [name, (cells[name] ?? present).length] as const,
    );
    const first = lengths[0];
    const other = lengths.find(([, n]) => n !== first?.[1]);
    if (first && other)
      throw new NoConvertError(
        `columns of a table have equal lengths: '${first[0]}' has ${first[1]} cell(s), '${other[0]}' ${other[1]}`,
      );
    body(table).assign(cells);
  },

  /** Sets all columns from rows. @throws NoConvertError if a row lacks a column or a cell does not fit */
  setRows(table: Value, rows: readonly Readonly<Record<string, unknown>>[]): void {
    const cells = NTTable.columnNames(table).map((name) => [
      name,
      rows.map((row, r) => {
        if (row[name] === undefined) throw new NoConvertError(`row ${r} of the table has no '${name}'`);
        return row[name];
      }),
    ]);
    NTTable.setColumns(table, Object.fromEntries(cells));
  },
} as const;
