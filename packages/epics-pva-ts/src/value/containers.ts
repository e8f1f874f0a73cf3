/** What union and any fields hold. Immutable: a new choice is a new object. */
import type { TypeDef } from './type-def.ts';
import type { PvData } from './value.ts';

/** A union field: which member is selected, and its value. */
export class UnionValue {
  /** The union type. */
  readonly type: TypeDef;
  /** Index of the selected member; -1 when nothing is selected. Servers order members differently: use `member`. */
  readonly index: number;
  /** What the selected member holds; null when nothing is selected. */
  readonly value: PvData;

  constructor(type: TypeDef, index: number, value: PvData) {
    this.type = type;
    this.index = index;
    this.value = value;
  }

  /** Name of the selected member; null when nothing is selected. */
  get member(): string | null {
    return this.type.members[this.index]?.name ?? null;
  }
}

/** An any (variant union) field: a value with its own type; `type` null when it holds nothing. */
export class AnyValue {
  /** Type of what it holds; null when it holds nothing. */
  readonly type: TypeDef | null;
  /** What it holds. */
  readonly value: PvData;

  constructor(type: TypeDef | null, value: PvData) {
    this.type = type;
    this.value = value;
  }
}
