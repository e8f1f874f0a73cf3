/**
 * FieldStore: where each field of one structure has its value, and the way of the fields from and to bytes.
 *
 * A field was set or decoded (`slots`), lies undecoded in the received bytes (`raw`), came with an earlier update
 * (`base`), or has its initial value. Paths, conversion and sub-structures are value.ts's.
 */
import { BitSet } from '../wire/bit-set.ts';
import type { WireReader } from '../wire/reader.ts';
import type { WireWriter } from '../wire/writer.ts';
import type { DecodeContext } from './decode-context.ts';
import { codecOf, planOf } from './field-codec.ts';
import type { LeafPlan } from './leaf-plan.ts';
import { allInside, leavesOnly } from './marks.ts';
import { RawBody } from './raw-body.ts';
import { isNumericKind } from './type-code.ts';
import type { FieldNode, TypeDef } from './type-def.ts';
import type { PvData } from './value.ts';

/** The fields of one structure; the Values of its sub-structures share it. */
export class FieldStore {
  readonly type: TypeDef;
  readonly slots: (PvData | undefined)[];
  marks: BitSet;
  /** Bytes of the fields not decoded yet. */
  readonly raw: RawBody | null;
  /** Nothing was set and nothing that can be changed was handed out: `raw` is still the truth. */
  pristine: boolean;
  /** Where fields that did not come with this update have their value. */
  base: FieldStore | null = null;
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

  /** The number in a field; NaN if it holds none. */
  number(node: FieldNode): number {
    const known = this.slots[node.index];
    if (known === undefined) {
      if (this.raw?.has(node)) return this.raw.number(node);
      if (this.base) return this.base.number(node);
      return !node.type.isArray && isNumericKind(node.type.kind) ? 0 : Number.NaN;
    }
    return typeof known === 'number' || typeof known === 'bigint' ? Number(known) : Number.NaN;
  }

  /** Has the field a value, here or from an earlier update? */
  private holds(node: FieldNode): boolean {
    return (
      this.slots[node.index] !== undefined || this.raw?.has(node) === true || this.base?.holds(node) === true
    );
  }

  put(node: FieldNode, v: PvData): void {
    this.slots[node.index] = v;
    this.marks.set(node.index);
    this.pristine = false;
  }

  /** The marks with every marked structure replaced by the fields in it (its own number included). */
  markedFields(): BitSet {
    return allInside(this.marks, this.type.nodes);
  }

  /** A copy that shares no fields (array contents are shared). */
  copy(): FieldStore {
    const { type, marks } = this;
    const slots: (PvData | undefined)[] = new Array(type.nodes.length);
    for (const n of type.nodes) if (!n.isStruct && this.holds(n)) slots[n.index] = this.slot(n);
    return new FieldStore(type, slots, marks.clone(), null);
  }

  /** A copy of one sub-structure by itself. */
  copyOf(structure: FieldNode): FieldStore {
    const { index: first, end, type } = structure;
    const marks = this.markedFields();
    const copy = new FieldStore(type, [], new BitSet(), null);
    for (let i = first; i < end; i++) {
      const n = this.type.nodes[i] as FieldNode;
      if (!n.isStruct) copy.slots[i - first] = this.slot(n);
      if (marks.get(i)) copy.marks.set(i - first);
    }
    return copy;
  }

  /** A copy that shares what is not decoded yet. */
  snapshot(): FieldStore {
    const { type, slots, marks, raw, pristine, base } = this;
    const copy = new FieldStore(type, slots.slice(), marks.clone(), raw?.share() ?? null);
    copy.pristine = pristine;
    copy.base = base;
    return copy;
  }

  merge(newer: FieldStore): void {
    const { slots, marks, type } = this;
    const changed = newer.markedFields();
    for (const n of type.nodes) if (!n.isStruct && changed.get(n.index)) slots[n.index] = newer.slot(n);
    marks.or(newer.marks);
    this.pristine = false;
  }

  /** The received bytes of mask and fields, if they can be sent on as they are in this byte order; else null. */
  rawBytes(littleEndian: boolean): Uint8Array | null {
    const { raw, pristine } = this;
    if (!raw || raw.isReleased || !pristine || raw.littleEndian !== littleEndian) return null;
    return raw.bytes.subarray(raw.start, raw.end);
  }

  /** Writes fields `from` to `to` (exclusive). */
  encodeFields(from: number, to: number, w: WireWriter): void {
    const { slots, type } = this;
    const plan = planOf(type);
    for (let i = from; i < to; i++) {
      const v = slots[i];
      if (v !== undefined) plan.encode(i, w, v);
      else this.encodeUnset(type.nodes[i] as FieldNode, plan, w);
    }
  }

  private encodeUnset(node: FieldNode, plan: LeafPlan, w: WireWriter): void {
    if (node.isStruct) return;
    const { raw } = this;
    if (!raw?.has(node)) plan.encode(node.index, w, this.slot(node));
    else if (raw.littleEndian === w.littleEndian) raw.copyField(node, w);
    else plan.encode(node.index, w, raw.decode(node));
  }

  /** Writes mask and marked fields, limited to the fields of `selection` if given. */
  encodePartial(w: WireWriter, selection?: BitSet): void {
    const { nodes } = this.type;
    const sent = selection ? leavesOnly(this.markedFields().and(selection), nodes) : this.marks;
    sent.encode(w);
    for (let b = sent.next(0); b >= 0; ) {
      const node = nodes[b];
      if (!node) break;
      this.encodeFields(b, node.end, w);
      b = sent.next(node.end);
    }
  }

  /** Reads mask and marked fields; with `lazy` the fields are only located. */
  static decodePartial(type: TypeDef, r: WireReader, ctx: DecodeContext, lazy: boolean): FieldStore {
    const start = r.offset;
    ctx.allow(r.remaining);
    return FieldStore.decodeMarked(BitSet.decode(r), start, type, r, ctx, lazy);
  }

  /** Reads all fields, without a mask; they are only located. */
  static decodeLazily(type: TypeDef, r: WireReader, ctx: DecodeContext): FieldStore {
    ctx.allow(r.remaining);
    const store = FieldStore.decodeMarked(BitSet.of(0), r.offset, type, r, ctx, true);
    // There is no mask in these bytes.
    store.pristine = false;
    return store;
  }

  private static decodeMarked(
    marks: BitSet,
    start: number,
    type: TypeDef,
    r: WireReader,
    ctx: DecodeContext,
    lazy: boolean,
  ): FieldStore {
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
    const raw =
      offsets && new RawBody(r.bytes, start, r.offset, r.littleEndian, offsets, ctx.viewFrom, ctx.block);
    const store = new FieldStore(type, slots, marks, raw);
    store.size = r.offset - start;
    // Bytes that define or use type ids mean something on this connection only.
    if (ctx.types.uses !== usesBefore) store.pristine = false;
    return store;
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
      ctx.paid(() => plan.decode(i, i + 1, slots, r, ctx));
      continue;
    }
    offsets[i] = at;
  }
}
