/**
 * Value: a pvData structure with a mark on every field that has been set or received.
 *
 * As in PVXS a Value is one flat store of fields in depth-first order; a sub-structure is a Value on the same
 * store. `get`/`set` take dotted paths, `->member` into unions and any, `[i]` into arrays (value-path.ts).
 * 64-bit integers are `bigint`, number arrays typed arrays.
 */
import { LocalProtocolError, NoConvertError } from '../errors.ts';
import { BitSet } from '../wire/bit-set.ts';
import type { WireReader } from '../wire/reader.ts';
import type { WireWriter } from '../wire/writer.ts';
import { AnyValue, UnionValue } from './containers.ts';
import { bindStructConverter, convert } from './convert.ts';
import type { DecodeContext } from './decode-context.ts';
import { bindStructFactory, codecOf, planOf } from './field-codec.ts';
import type { LeafPlan } from './leaf-plan.ts';
import { leavesOnly, structuresAround } from './marks.ts';
import { RawBody } from './raw-body.ts';
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

/** The fields of one structure; sub-structure Values share it. */
class Store {
  readonly type: TypeDef;
  readonly slots: (PvData | undefined)[];
  marks: BitSet;
  /** Bytes of the fields not decoded yet. */
  raw: RawBody | null;
  /** Nothing was set and nothing that can be changed was handed out: `raw` is still the truth. */
  pristine: boolean;
  /** Where fields that did not come with this update have their value. */
  base: Store | null = null;
  /** Bytes of mask and fields as they were received; 0 if they were not. */
  size = 0;

  constructor(type: TypeDef, slots: (PvData | undefined)[], marks: BitSet, raw: RawBody | null) {
    this.type = type;
    this.slots = slots;
    this.marks = marks;
    this.raw = raw;
    this.pristine = raw !== null;
  }

  slot(node: FieldNode): PvData {
    const known = this.slots[node.index];
    if (known !== undefined) return known;
    const codec = codecOf(node.type);
    if (!codec.immutable) this.pristine = false;
    if (!this.raw?.has(node) && this.base) return this.base.slot(node);
    const v = this.raw?.has(node) ? this.raw.decode(node) : codec.initial();
    this.slots[node.index] = v;
    return v;
  }

  number(node: FieldNode): number {
    const known = this.slots[node.index];
    if (known === undefined) {
      if (this.raw?.has(node)) return this.raw.number(node);
      return this.base ? this.base.number(node) : 0;
    }
    return typeof known === 'number' || typeof known === 'bigint' ? Number(known) : Number.NaN;
  }

  holds(node: FieldNode): boolean {
    return (
      this.slots[node.index] !== undefined || this.raw?.has(node) === true || this.base?.holds(node) === true
    );
  }
}

/**
 * A pvData structure with a mark on every field that was set or received. `get` and `set` take dotted paths, `->member`
 * into unions and any, `[i]` into arrays. 64-bit integers are `bigint`, arrays of numbers typed arrays, other arrays plain
 * arrays. A sub-structure is a Value on the same fields.
 */
export class Value {
  private readonly store: Store;
  private readonly at: FieldNode;

  private constructor(store: Store, at: FieldNode) {
    this.store = store;
    this.at = at;
  }

  /** A new structure of `type`, with the given fields set and marked. @throws NoConvertError, NoFieldError */
  static create(type: TypeDef, fields?: Readonly<Record<string, unknown>>): Value {
    const value = Value.ofSlots(type, []);
    if (fields) value.assign(fields);
    return value;
  }

  private static ofSlots(
    type: TypeDef,
    slots: (PvData | undefined)[],
    raw: RawBody | null = null,
    marks = new BitSet(),
  ): Value {
    if (type.kind !== 'struct' || type.isArray)
      throw new NoConvertError(`${type.displayId} is not a structure`);
    return new Value(new Store(type, slots, marks, raw), type.nodes[0] as FieldNode);
  }

  /** Made by the codecs for complete structures inside arrays, unions and any: every field is marked. */
  static complete(type: TypeDef, slots: (PvData | undefined)[]): Value {
    return Value.ofSlots(type, slots, null, BitSet.of(0));
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
    else this.put(node, convert(node.type, input));
    return this;
  }

  /**
   * Sets a field found before with `type.node(path)`, without conversion: `v` must be what `get` would return.
   * For loops that set the same fields of the same type many times a second.
   */
  setNode(node: FieldNode, v: PvData): this {
    this.put(node, v);
    return this;
  }

  private put(node: FieldNode, v: PvData): void {
    const store = this.store;
    store.slots[node.index] = v;
    store.marks.set(node.index);
    store.pristine = false;
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
    const node = this.required(path);
    const { nodes } = this.store.type;
    const marks = this.store.marks.clone();
    for (const { index, end } of structuresAround(node, nodes)) {
      if (!marks.get(index)) continue;
      for (let i = index; i < end; i++) marks.clear(i);
      for (let i = index + 1; i < end; i = (nodes[i] as FieldNode).end) marks.set(i);
    }
    for (let i = node.index; i < node.end; i++) marks.clear(i);
    this.store.marks = marks;
    this.store.pristine = false;
    return this;
  }

  private required(path: string): FieldNode {
    return this.nodeOf(path) ?? this.type.node(path);
  }

  /** Was the field received or set: itself, with a structure around it, or (structures) anything inside it? */
  isMarked(path = ''): boolean {
    const node = this.required(path);
    const { marks, type } = this.store;
    for (let p: number = node.index; p >= 0; p = (type.nodes[p] as FieldNode).parent)
      if (marks.get(p)) return true;
    return marks.anyInRange(node.index, node.end);
  }

  /** The marks as received or set, in the numbering of the whole structure. Not to be changed. */
  get marks(): BitSet {
    return this.store.marks;
  }

  /** The marks with every marked structure replaced by the fields in it (its own number included). */
  markedFields(): BitSet {
    const { marks, type } = this.store;
    const all = new BitSet();
    for (let b = marks.next(0); b >= 0; ) {
      const node = type.nodes[b];
      if (!node) break;
      all.setRange(b, node.end);
      b = marks.next(node.end);
    }
    return all;
  }

  /** A copy that shares no fields (array contents are shared), with the same marks. */
  clone(): Value {
    const { type, marks } = this.store;
    if (this.at.index !== 0) {
      const marks = this.markedFields();
      const copy = Value.create(this.type);
      for (let i = this.at.index; i < this.at.end; i++) {
        const n = type.nodes[i] as FieldNode;
        if (!n.isStruct) copy.store.slots[i - this.at.index] = this.store.slot(n);
        if (marks.get(i)) copy.store.marks.set(i - this.at.index);
      }
      return copy;
    }
    const slots: (PvData | undefined)[] = new Array(type.nodes.length);
    for (const n of type.nodes) if (!n.isStruct && this.store.holds(n)) slots[n.index] = this.store.slot(n);
    return Value.ofSlots(type, slots, null, marks.clone());
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
    const { type, slots, marks, raw, pristine, base } = this.top().store;
    const copy = Value.ofSlots(type, slots.slice(), raw?.share() ?? null, marks.clone());
    copy.store.pristine = pristine;
    copy.store.base = base;
    return copy;
  }

  private top(): Value {
    if (this.at.index !== 0) throw new LocalProtocolError('a sub-structure cannot be sent by itself');
    return this;
  }

  /** Takes over every marked field of `newer`, which has the same type: what squashing two updates means. */
  merge(newer: Value): this {
    const { slots, marks, type } = this.store;
    const changed = newer.markedFields();
    for (const n of type.nodes) if (!n.isStruct && changed.get(n.index)) slots[n.index] = newer.store.slot(n);
    marks.or(newer.store.marks);
    this.store.pristine = false;
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
    const { raw, pristine } = this.store;
    if (!raw || raw.isReleased || !pristine || raw.littleEndian !== littleEndian) return null;
    return raw.bytes.subarray(raw.start, raw.end);
  }

  /** Writes the complete structure, without a mask (RPC, any, array elements). */
  encodeFull(w: WireWriter): void {
    this.encodeFields(this.at.index, this.at.end, w);
  }

  /** Writes fields `from` to `to` (exclusive). */
  private encodeFields(from: number, to: number, w: WireWriter): void {
    const { slots, type } = this.store;
    const plan = planOf(type);
    for (let i = from; i < to; i++) {
      const v = slots[i];
      if (v !== undefined) plan.encode(i, w, v);
      else this.encodeUnset(type.nodes[i] as FieldNode, plan, w);
    }
  }

  private encodeUnset(node: FieldNode, plan: LeafPlan, w: WireWriter): void {
    if (node.isStruct) return;
    const { raw } = this.store;
    if (!raw?.has(node)) plan.encode(node.index, w, this.store.slot(node));
    else if (raw.littleEndian === w.littleEndian) raw.copyField(node, w);
    else plan.encode(node.index, w, raw.decode(node));
  }

  /** Writes mask and marked fields, limited to the fields of `selection` if given. */
  encodePartial(w: WireWriter, selection?: BitSet): void {
    const { marks, type } = this.store;
    const mask = selection ? this.markedFields().and(selection) : marks;
    const nodes = type.nodes;
    const sent = selection ? leavesOnly(mask, nodes) : mask;
    sent.encode(w);
    for (let b = sent.next(0); b >= 0; ) {
      const node = nodes[b];
      if (!node) break;
      this.encodeFields(b, node.end, w);
      b = sent.next(node.end);
    }
  }

  /** Reads a complete structure, without a mask. */
  static decodeFull(type: TypeDef, r: WireReader, ctx: DecodeContext): Value {
    ctx.allow(r.remaining);
    return codecOf(type).decode(r, ctx) as Value;
  }

  /**
   * Reads mask and marked fields. Redundant bits (QSRV 1), bits beyond the type and empty masks are legal.
   * With `lazy` the fields are only located and decoded when asked for.
   */
  static decodePartial(type: TypeDef, r: WireReader, ctx: DecodeContext, lazy = false): Value {
    const start = r.offset;
    ctx.allow(r.remaining);
    const marks = BitSet.decode(r);
    const nodes = type.nodes;
    const slots: (PvData | undefined)[] = new Array(nodes.length);
    const plan = planOf(type);
    const offsets: (number | undefined)[] | null = lazy ? new Array(nodes.length) : null;
    const usesBefore = ctx.types.uses;
    for (let b = marks.next(0); b >= 0; ) {
      const node = nodes[b];
      if (!node) break;
      if (offsets) scan(b, node.end, plan, r, ctx, offsets, slots);
      else plan.decode(b, node.end, slots, r, ctx);
      b = marks.next(node.end);
    }
    if (!offsets) {
      const small = Value.ofSlots(type, slots, null, marks);
      small.store.size = r.offset - start;
      return small;
    }
    const raw = new RawBody(r.bytes, start, r.offset, r.littleEndian, offsets, ctx.viewFrom, ctx.block);
    const value = Value.ofSlots(type, slots, raw, marks);
    value.store.size = r.offset - start;
    // Bytes that define or use type ids mean something on this connection only.
    if (ctx.types.uses !== usesBefore) value.store.pristine = false;
    return value;
  }
}

/**
 * Locates fields `from` to `to` (exclusive). One that uses the type cache is decoded at once: the cache may change before
 * it is asked for.
 */
function scan(
  from: number,
  to: number,
  plan: LeafPlan,
  r: WireReader,
  ctx: DecodeContext,
  offsets: (number | undefined)[],
  slots: (PvData | undefined)[],
): void {
  for (let i = from; i < to; i++) {
    if (plan.isStruct(i)) continue;
    const at = r.offset;
    if (!plan.mayUseTypesAt(i)) plan.skip(i, r, ctx);
    else if (ctx.types.trial(() => plan.skip(i, r, ctx))) {
      r.offset = at;
      plan.decode(i, i + 1, slots, r, ctx);
      continue;
    }
    offsets[i] = at;
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
