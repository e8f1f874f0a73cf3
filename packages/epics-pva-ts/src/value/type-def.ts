/**
 * TypeDef: the description of a pvData type, immutable, and the numbering of a structure's fields.
 *
 * A type is written down with the names pvData prints: `'double'`, `'int[]'`, `'string'`, `'any'`; structures and
 * unions are built with {@link struct} and {@link union}. Fields are numbered depth first from 0 (the structure
 * itself); arrays, unions and any take one number whatever is inside (pvAccess specification "Partial structures").
 */
import { NoFieldError } from '../errors.ts';
import { MAX_REMEMBERED_PATHS } from '../limits.ts';
import {
  ARRAY_BITS,
  type ArrayForm,
  BOUNDED_STRING_CODE,
  KIND_CODE,
  type Kind,
  SCALAR_KINDS,
  type ScalarKind,
} from './type-code.ts';

/** One named member of a structure or union. */
export interface Member {
  /** Name in the structure or union. */
  readonly name: string;
  /** Its type. */
  readonly type: TypeDef;
}

/** A node of a structure's depth-first numbering. */
export interface FieldNode {
  /** Number of the field. */
  readonly index: number;
  /** Index of the structure it is in; -1 for the top. */
  readonly parent: number;
  /** Name of the member; "" for the top. */
  readonly name: string;
  /** Dotted path from the top; "" for the top. */
  readonly path: string;
  /** Type of the field. */
  readonly type: TypeDef;
  /** A structure (not an array of structures): its members have numbers of their own. */
  readonly isStruct: boolean;
  /** Index behind the last field inside this one. */
  readonly end: number;
}

/**
 * A pvData type, immutable: kind, array form, id and members. Write one down with {@link typeOf}, {@link struct},
 * {@link union}, {@link arrayOf} and {@link bounded}.
 */
export class TypeDef {
  /** What it is, or what the elements of the array are. */
  readonly kind: Kind;
  /** Is it an array, and of which form? */
  readonly array: ArrayForm;
  /** Largest length of a bounded array or string, length of a fixed array, else 0. */
  readonly bound: number;
  /** Type id of a structure or union (or of the elements of an array of them); "" is the default id. */
  readonly id: string;
  /** Members of a structure or union (or of the elements of an array of them). */
  readonly members: readonly Member[];
  /** The element type of an array; this type itself otherwise. */
  readonly element: TypeDef;
  /** Numbers this type takes in a structure: 1, or 1 and those of all members for a structure. */
  readonly fieldCount: number;
  /** Levels of structures, unions and arrays of them inside this type. */
  readonly depth: number;
  private flat: readonly FieldNode[] | undefined;
  /** Fields found so far, by path: programs use a few, a peer's type may have very many. */
  private found: Map<string, FieldNode> | undefined;
  /** Scratch of the codec: encoders and decoders compiled for this type. */
  codec: unknown;
  /** Scratch of the codec: how each field of a structure is read and written. */
  plan: unknown;

  constructor(
    kind: Kind,
    array: ArrayForm = 'none',
    bound = 0,
    id = '',
    members: readonly Member[] = [],
    element?: TypeDef,
  ) {
    this.kind = kind;
    this.array = array;
    this.bound = bound;
    this.id = id;
    this.members = members;
    this.element = array === 'none' ? this : (element ?? new TypeDef(kind, 'none', 0, id, members));
    const inside = members.reduce((n, m) => Math.max(n, m.type.depth), 0);
    this.depth =
      (kind === 'struct' || kind === 'union' ? inside + 1 : 0) +
      (this.element === this || members.length === 0 ? 0 : 1);
    this.fieldCount =
      kind === 'struct' && array === 'none' ? members.reduce((n, m) => n + m.type.fieldCount, 1) : 1;
    this.flat = undefined;
    this.found = undefined;
    this.codec = undefined;
    this.plan = undefined;
  }

  /** The byte that begins this type's FieldDesc. */
  get code(): number {
    if (this.kind === 'string' && this.array === 'none' && this.bound > 0) return BOUNDED_STRING_CODE;
    return KIND_CODE[this.kind] | ARRAY_BITS[this.array];
  }

  /** Is it an array of any form? */
  get isArray(): boolean {
    return this.array !== 'none';
  }

  /** The id as pvData prints it: `structure`, `union` or the id; arrays with `[]`. */
  get displayId(): string {
    const base =
      this.kind === 'struct'
        ? this.id || 'structure'
        : this.kind === 'union'
          ? this.id || 'union'
          : this.kind;
    if (this.array === 'none')
      return this.kind === 'string' && this.bound > 0 ? `string(${this.bound})` : base;
    if (this.array === 'variable') return `${base}[]`;
    return this.array === 'bounded' ? `${base}<${this.bound}>` : `${base}[${this.bound}]`;
  }

  /** The array type with this type as its element. */
  asArray(): TypeDef {
    return new TypeDef(this.kind, 'variable', 0, this.id, this.members, this);
  }

  /** Member of a structure or union by name. */
  member(name: string): TypeDef | undefined {
    return this.members.find((m) => m.name === name)?.type;
  }

  /** All fields of a structure in depth-first order; `nodes[i].index === i`. */
  get nodes(): readonly FieldNode[] {
    if (!this.flat) this.flat = flatten(this);
    return this.flat;
  }

  /** The field at a dotted path ("" is the structure itself), or undefined. */
  find(path: string): FieldNode | undefined {
    const known = this.found?.get(path);
    if (known) return known;
    const node = path === '' ? this.nodes[0] : this.walk(path.split('.'));
    if (!node) return undefined;
    this.found ??= new Map();
    if (this.found.size < MAX_REMEMBERED_PATHS) this.found.set(path, node);
    return node;
  }

  /** Follows names; the number of a member is that of its structure plus what lies before it. */
  private walk(names: readonly string[]): FieldNode | undefined {
    let type: TypeDef = this;
    let index = 0;
    for (const name of names) {
      if (type.kind !== 'struct' || type.isArray) return undefined;
      index++;
      const members: readonly Member[] = type.members;
      const at = members.findIndex((m) => m.name === name);
      if (at < 0) return undefined;
      for (let i = 0; i < at; i++) index += (members[i] as Member).type.fieldCount;
      type = (members[at] as Member).type;
    }
    return this.nodes[index];
  }

  /** As {@link find}; @throws NoFieldError naming the fields there are. */
  node(path: string): FieldNode {
    const node = this.find(path);
    if (node) return node;
    const parent = path.includes('.') ? path.slice(0, path.lastIndexOf('.')) : '';
    const there = this.find(parent)?.type ?? this;
    throw new NoFieldError(
      `no field '${path}' in ${this.displayId}; there are: ${there.members.map((m) => m.name).join(', ') || 'none'}`,
    );
  }

  /** Same kinds, ids, member names and order all the way down. */
  equals(other: TypeDef): boolean {
    if (this === other) return true;
    if (this.kind !== other.kind || this.array !== other.array || this.bound !== other.bound) return false;
    if (this.id !== other.id || this.members.length !== other.members.length) return false;
    return this.members.every((m, i) => {
      const o = other.members[i] as Member;
      return m.name === o.name && m.type.equals(o.type);
    });
  }

  /** Text in pvinfo's layout: the id, then each member indented by four blanks. */
  toString(indent = 0): string {
    const lines: string[] = [];
    describe(this, '', indent, lines);
    return lines.join('\n');
  }
}

function describe(type: TypeDef, name: string, depth: number, lines: string[]): void {
  const pad = '    '.repeat(depth);
  lines.push(`${pad}${type.displayId}${name ? ` ${name}` : ''}`);
  if (type.members.length === 0) return;
  if (type.isArray) {
    describe(type.element, '', depth + 1, lines);
    return;
  }
  for (const m of type.members) describe(m.type, m.name, depth + 1, lines);
}

function flatten(top: TypeDef): FieldNode[] {
  const nodes: FieldNode[] = [];
  const visit = (type: TypeDef, name: string, path: string, parent: number): void => {
    const index = nodes.length;
    const isStruct = type.kind === 'struct' && !type.isArray;
    const node = { index, parent, name, path, type, isStruct, end: index + 1 };
    nodes.push(node);
    if (!isStruct) return;
    for (const m of type.members) visit(m.type, m.name, path ? `${path}.${m.name}` : m.name, index);
    node.end = nodes.length;
  };
  visit(top, '', '', -1);
  return nodes;
}

/** How a type may be written down: a TypeDef, or a pvData name with optional `[]`. */
export type TypeSpec = TypeDef | ScalarKind | `${ScalarKind}[]` | 'any' | 'any[]';

/** Members by name in order; names that look like integers need the array form (JavaScript reorders those keys). */
export type MemberSpecs = { readonly [name: string]: TypeSpec } | readonly (readonly [string, TypeSpec])[];

const named = new Map<string, TypeDef>();
for (const kind of [...SCALAR_KINDS, 'any'] as const) {
  const scalar = new TypeDef(kind);
  named.set(kind, scalar);
  named.set(`${kind}[]`, scalar.asArray());
}

/** A TypeDef from its short name. @throws NoFieldError for an unknown name */
export function typeOf(spec: TypeSpec): TypeDef {
  if (spec instanceof TypeDef) return spec;
  const type = named.get(spec);
  if (!type)
    throw new NoFieldError(
      `unknown pvData type '${spec}'; there are: ${[...SCALAR_KINDS, 'any'].join(', ')}, each also with []`,
    );
  return type;
}

function membersOf(specs: MemberSpecs): Member[] {
  const entries = Array.isArray(specs) ? specs : Object.entries(specs);
  const seen = new Set<string>();
  return (entries as [string, TypeSpec][]).map(([name, spec]) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      throw new NoFieldError(
        `'${name}' cannot name a pvData field (letters, digits and _, not starting with a digit)`,
      );
    if (seen.has(name)) throw new NoFieldError(`two fields are named '${name}'`);
    seen.add(name);
    return { name, type: typeOf(spec) };
  });
}

/** A structure type. `id` "" is the default id `structure`. */
export function struct(id: string, members: MemberSpecs): TypeDef {
  return new TypeDef('struct', 'none', 0, id === 'structure' ? '' : id, membersOf(members));
}

/** A regular union type. `id` "" is the default id `union`. */
export function union(id: string, members: MemberSpecs): TypeDef {
  return new TypeDef('union', 'none', 0, id === 'union' ? '' : id, membersOf(members));
}

/** An array of structures or unions. */
export function arrayOf(element: TypeDef): TypeDef {
  return element.asArray();
}

/** A bounded string, bounded array or fixed array. PVXS refuses these on the wire; see ArrayForm. */
export function bounded(kind: ScalarKind, form: 'string' | 'bounded' | 'fixed', bound: number): TypeDef {
  return form === 'string' ? new TypeDef('string', 'none', bound) : new TypeDef(kind, form, bound);
}
