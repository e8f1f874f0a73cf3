/**
 * NTTable: named columns of equal length. Labels are for people, column names (members of `value`) for programs.
 * Order as in PVXS: labels, value, descriptor, alarm, timeStamp.
 */
import { NoConvertError } from '../errors.ts';
import type { NumericArray, ScalarKind } from '../value/type-code.ts';
import { struct, type TypeDef, type TypeSpec } from '../value/type-def.ts';
import { Value } from '../value/value.ts';
import { type CommonFields, commonMembers, NormativeView, setCommon } from './common-fields.ts';
import { COLUMNS, NormativeType, TEXTS } from './compatibility.ts';

const description = new NormativeType('NTTable', { labels: TEXTS, value: COLUMNS });

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

/** Reads an NTTable. */
export class NTTableView extends NormativeView {
  /** Headings for people. */
  get labels(): readonly string[] {
    return NTTable.labels(this.structure);
  }

  /** The cells by column name, in the table's order. */
  get columns(): Map<string, TableColumnData> {
    return NTTable.columns(this.structure);
  }

  /** The cells by row. */
  get rows(): TableRow[] {
    return NTTable.rows(this.structure);
  }
}

/** Named columns of equal length. Standard: NTTable. */
export const NTTable = {
  /** `epics:nt/NTTable:1.0`. */
  id: description.id,

  /**
   * Labels, value and, unless `options` leaves them out, descriptor, alarm and timeStamp, as PVXS has them.
   * @throws NoFieldError for a column name that pvData does not allow or that comes twice
   */
  build(columns: readonly TableColumn[], options: CommonFields = {}): TypeDef {
    return struct(description.id, [
      ['labels', 'string[]'],
      [
        'value',
        struct(
          '',
          columns.map((c): [string, TypeSpec] => [c.name, `${c.kind}[]`]),
        ),
      ],
      ...commonMembers({ descriptor: true, ...options }),
    ]);
  },

  /**
   * A table with its labels and, if given, its cells by column.
   * @throws NoConvertError if columns differ in length or cells do not fit; NoFieldError for an unknown column
   */
  create(
    columns: readonly TableColumn[],
    cells?: Readonly<Record<string, ArrayLike<unknown>>>,
    options: CommonFields = {},
  ): Value {
    const labels = columns.map((c) => c.label ?? c.name);
    const table = Value.create(NTTable.build(columns, options), { labels });
    if (cells) NTTable.setColumns(table, cells);
    return setCommon(table, options);
  },

  /** Has it the id of an NTTable 1.x? */
  is(from: Value | TypeDef): boolean {
    return description.is(from);
  },

  /** Has it the fields of an NTTable, whatever its id? */
  isCompatible(from: Value | TypeDef): boolean {
    return description.isCompatible(from);
  },

  /** @throws NoConvertError naming the field that does not fit */
  wrap(structure: Value): NTTableView {
    description.check(structure);
    return new NTTableView(structure);
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
