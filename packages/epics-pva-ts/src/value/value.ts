/**
 * Value: a pvData structure with a mark on every field that has been set or received.
 *
 * As in PVXS a Value is one flat store of fields in depth-first order (field-store.ts); a sub-structure is a Value on
 * the same store. Here is what users see of it: paths, conversion, marks. Paths with `->member` into unions and any and
 * with `[i]` into arrays are value-path.ts's.
 */
import { LocalProtocolError, NoConvertError } from '../errors.ts';
import { BitSet } from '../wire/bit-set.ts';
import type { WireReader } from '../wire/reader.ts';
import type { WireWriter } from '../wire/writer.ts';
import { AnyValue, UnionValue } from './containers.ts';
import { bindStructConverter, convert } from './convert.ts';
import type { DecodeContext } from './decode-context.ts';
import { bindStructFactory, codecOf } from './field-codec.ts';
import { FieldStore } from './field-store.ts';
import { isMarked, without } from './marks.ts';
import type { NumericArray } from './type-code.ts';
import type { FieldNode, TypeDef } from './type-def.ts';
import { resolveGet, resolveSet } from './value-path.ts';

/** What a field holds. Elements of structure, union and any arrays may be null. */
export type PvData =
  | null
  | boolean
  | number
  | bigint
  | string
  | NumericArray
  | boolean[]
  | string[]
  | Value
  | UnionValue
  | AnyValue
  | (Value | null)[]
  | (UnionValue | null)[]
  | (AnyValue | null)[];

/**
 * A pvData structure with a mark on every field that was set or received. `get` and `set` take dotted paths, `->member`
 * into unions and any, `[i]` into arrays. 64-bit integers are `bigint`, arrays of numbers typed arrays, other arrays plain
 * arrays. A sub-structure is a Value on the same fields.
 */
export class Value {
  private readonly store: FieldStore;
  private readonly at: FieldNode;

  private constructor(store: FieldStore, at: FieldNode) {
    this.store = store;
    this.at = at;
  }

  /** A new structure of `type`, with the given fields set and marked. @throws NoConvertError, NoFieldError */
  static create(type: TypeDef, fields?: Readonly<Record<string, unknown>>): Value {
    const value = Value.of(new FieldStore(type, [], new BitSet(), null));
    if (fields) value.assign(fields);
    return value;
  }

  private static of(store: FieldStore): Value {
    const { type } = store;
    if (type.kind !== 'struct' || type.isArray)
      throw new NoConvertError(`${type.displayId} is not a structure`);
    return new Value(store, type.nodes[0] as FieldNode);
  }

  /** Made by the codecs for complete structures inside arrays, unions and any: every field is marked. */
  static complete(type: TypeDef, slots: (PvData | undefined)[]): Value {
    return Value.of(new FieldStore(type, slots, BitSet.of(0), null));
  }

  /** The type of this (sub-)structure. */
  get type(): TypeDef {
    return this.at.type;
  }

  /** Type id as pvData prints it, e.g. `epics:nt/NTScalar:1.0` or `structure`. */
  get id(): string {
    return this.at.type.displayId;
  }

  private nodeOf(path: string): FieldNode | undefined {
    const type = this.store.type;
    if (this.at.index === 0) return type.find(path);
    return type.find(path === '' ? this.at.path : `${this.at.path}.${path}`);
  }

  /** Does the structure have this field? */
  has(path: string): boolean {
    return this.nodeOf(path) !== undefined;
  }

  /**
   * The field's value. A sub-structure is a Value on the same fields. An array may be a view on receive memory: it
   * never changes by itself. @throws NoFieldError
   */
  get(path: string): PvData {
    const node = this.nodeOf(path);
    if (!node) return resolveGet(this, path);
    return node.isStruct ? new Value(this.store, node) : this.store.slot(node);
  }

  /** As `get`, but undefined for a field that does not exist. */
  tryGet(path: string): PvData | undefined {
    return this.nodeOf(path) ? this.get(path) : undefined;
  }

  /**
   * The number in a field found before with `type.node(path)`. One of 64 bits is rounded to a double, and no bigint is
   * made of it: for loops that look at every update. NaN if the field holds no number.
   */
  numberAt(node: FieldNode): number {
    return this.store.number(node);
  }

  /** Sets and marks a field; a structure takes a plain object or Value. @throws NoFieldError, NoConvertError */
  set(path: string, input: unknown): this {
    const node = this.nodeOf(path);
    if (!node) {
      resolveSet(this, path, input);
      return this;
    }
    if (node.isStruct)
      (path === '' ? this : (this.get(path) as Value)).assign(input as Record<string, unknown>);
    else this.store.put(node, convert(node.type, input));
    return this;
  }

  /**
   * Sets a field found before with `type.node(path)`, without conversion: `v` must be what `get` would return.
   * For loops that set the same fields of the same type many times a second.
   */
  setNode(node: FieldNode, v: PvData): this {
    this.store.put(node, v);
    return this;
  }

  /** Sets the fields named in `input`: a plain object (nested as the structure), or the marked fields of a Value. */
  assign(input: Readonly<Record<string, unknown>> | Value): this {
    if (input instanceof Value) {
      const from = input;
      for (const n of from.type.nodes) {
        if (n.isStruct || !from.isMarked(n.path)) continue;
        this.set(n.path, from.get(n.path));
      }
      return this;
    }
    if (typeof input !== 'object' || input === null || Array.isArray(input) || ArrayBuffer.isView(input))
      throw new NoConvertError(`${this.id} takes an object with its fields, not ${typeof input}`);
    for (const [name, v] of Object.entries(input)) if (v !== undefined) this.set(name, v);
    return this;
  }

  /** Marks a field as changed; a structure with all it holds. */
  mark(path = ''): this {
    this.store.marks.set(this.required(path).index);
    this.store.pristine = false;
    return this;
  }

  /**
   * Takes the marks off a field and everything inside it. A marked structure around it falls apart into its other
   * members; all other marks stay as they are.
   */
  unmark(path = ''): this {
    const { store } = this;
    store.marks = without(store.marks, this.required(path), store.type.nodes);
    store.pristine = false;
    return this;
  }

  private required(path: string): FieldNode {
    return this.nodeOf(path) ?? this.type.node(path);
  }

  /** Was the field received or set: itself, with a structure around it, or (structures) anything inside it? */
  isMarked(path = ''): boolean {
    const { marks, type } = this.store;
    return isMarked(marks, this.required(path), type.nodes);
  }

  /** The marks as received or set, in the numbering of the whole structure. Not to be changed. */
  get marks(): BitSet {
    return this.store.marks;
  }

  /** The marks with every marked structure replaced by the fields in it (its own number included). */
  markedFields(): BitSet {
    return this.store.markedFields();
  }

  /** A copy that shares no fields (array contents are shared), with the same marks. */
  clone(): Value {
    return Value.of(this.at.index === 0 ? this.store.copy() : this.store.copyOf(this.at));
  }

  /** A structure of the same type with nothing set. */
  cloneEmpty(): Value {
    return Value.create(this.type);
  }

  /** Fields that did not come with this update are read from `complete`, which has the same type. */
  setBase(complete: Value): this {
    this.store.base = complete.store;
    return this;
  }

  /** A snapshot for sending: later `set`s on this Value do not reach it; undecoded bytes are shared, not copied. */
  snapshot(): Value {
    if (this.at.index !== 0) throw new LocalProtocolError('a sub-structure cannot be sent by itself');
    return Value.of(this.store.snapshot());
  }

  /** Takes over every marked field of `newer`, which has the same type: what squashing two updates means. */
  merge(newer: Value): this {
    this.store.merge(newer.store);
    return this;
  }

  /**
   * Says that the receive memory behind this update may be used again. Optional: it only saves work. Fields that
   * were read keep their values; fields that were not can no longer be read.
   */
  release(): void {
    this.store.raw?.release();
  }

  /** Plain JavaScript data: nested objects, unions and any as their bare value, 64-bit integers as bigint. */
  toJS(): Record<string, unknown> {
    const { nodes } = this.store.type;
    const out: Record<string, unknown> = {};
    for (let i = this.at.index + 1; i < this.at.end; ) {
      const node = nodes[i] as FieldNode;
      const v = plain(node.isStruct ? new Value(this.store, node) : this.store.slot(node));
      // A peer may name a field __proto__.
      Object.defineProperty(out, node.name, {
        value: v,
        enumerable: true,
        writable: true,
        configurable: true,
      });
      i = node.end;
    }
    return out;
  }

  /** Bytes of the received message that this update keeps in memory; 0 for a small or a self-made one. */
  get receivedBytes(): number {
    const { raw } = this.store;
    return raw ? raw.end - raw.start : 0;
  }

  /** Bytes of mask and fields as they were received, however small; 0 for a self-made update or a copy. */
  get messageBytes(): number {
    return this.store.size;
  }

  /** The received bytes of mask and fields, if they can be sent on as they are in this byte order; else null. */
  rawBytes(littleEndian: boolean): Uint8Array | null {
    return this.store.rawBytes(littleEndian);
  }

  /** Writes the complete structure, without a mask (RPC, any, array elements). */
  encodeFull(w: WireWriter): void {
    this.store.encodeFields(this.at.index, this.at.end, w);
  }

  /** Writes mask and marked fields, limited to the fields of `selection` if given. */
  encodePartial(w: WireWriter, selection?: BitSet): void {
    this.store.encodePartial(w, selection);
  }

  /** Reads a complete structure, without a mask. With `lazy` its fields are decoded when asked for. */
  static decodeFull(type: TypeDef, r: WireReader, ctx: DecodeContext, lazy = false): Value {
    if (lazy) return Value.of(FieldStore.decodeLazily(type, r, ctx));
    ctx.allow(r.remaining);
    return codecOf(type).decode(r, ctx) as Value;
  }

  /**
   * Reads mask and marked fields. Redundant bits (QSRV 1), bits beyond the type and empty masks are legal.
   * With `lazy` the fields are only located and decoded when asked for.
   */
  static decodePartial(type: TypeDef, r: WireReader, ctx: DecodeContext, lazy = false): Value {
    return Value.of(FieldStore.decodePartial(type, r, ctx, lazy));
  }
}

function plain(v: PvData): unknown {
  if (v instanceof Value) return v.toJS();
  if (v instanceof UnionValue || v instanceof AnyValue) return plain(v.value);
  if (Array.isArray(v)) return v.map((x) => plain(x as PvData));
  return v;
}

bindStructFactory((type, slots) => Value.complete(type, slots));
bindStructConverter((type, input) => {
  // A copy: whoever made it may go on using it.
  if (input instanceof Value && input.type.equals(type)) return input.clone().mark();
  return Value.create(type)
    .assign(input as Record<string, unknown>)
    .mark();
});
