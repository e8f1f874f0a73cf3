/**
 * The codec of every field type, made once per TypeDef and kept on it.
 *
 * Structures inside arrays, unions and any are complete values without a mask. Plain fields are plain-codec.ts.
 */
import { DecodeError } from '../errors.ts';
import { NULL_SIZE, type WireReader } from '../wire/reader.ts';
import { AnyValue, UnionValue } from './containers.ts';
import type { DecodeContext } from './decode-context.ts';
import { LeafPlan } from './leaf-plan.ts';
import { booleansCodec, type FieldCodec, numbersCodec, SCALARS, stringsCodec } from './plain-codec.ts';
import { decodeType, encodeType } from './type-codec.ts';
import type { TypeDef } from './type-def.ts';
import type { PvData, Value } from './value.ts';

/** Structure values are made by value.ts, which imports this file: it hands its factory in. */
let newStruct: (type: TypeDef, slots: PvData[]) => Value = () => {
  throw new Error('value.ts is not loaded');
};
export function bindStructFactory(factory: typeof newStruct): void {
  newStruct = factory;
}

/** The codec of a field type, made on first use. */
export function codecOf(type: TypeDef): FieldCodec {
  if (type.codec === undefined) type.codec = makeCodec(type);
  return type.codec as FieldCodec;
}

/** How each field of a structure type is read and written, made on first use. */
export function planOf(type: TypeDef): LeafPlan {
  if (type.plan === undefined) type.plan = new LeafPlan(type.nodes, codecOf);
  return type.plan as LeafPlan;
}

function makeCodec(type: TypeDef): FieldCodec {
  if (!type.isArray) {
    if (type.kind === 'struct') return structCodec(type);
    if (type.kind === 'union') return unionCodec(type);
    if (type.kind === 'any') return anyCodec;
    return SCALARS[type.kind];
  }
  switch (type.kind) {
    case 'struct':
    case 'union':
    case 'any':
      return elementsCodec(type);
    case 'string':
      return stringsCodec(type);
    case 'boolean':
      return booleansCodec(type);
    default:
      return numbersCodec(type, type.kind);
  }
}

function mayUse(type: TypeDef): boolean {
  return type.kind === 'any' || type.members.some((m) => mayUse(m.type));
}

/** What the engine takes, roughly, for a reference, a union or any, a structure and each of its fields, a type. */
const HEAP = { reference: 8, holder: 64, structure: 256, field: 16, type: 1024 } as const;

/** Arrays of structures, unions and any: a flag before each element, 0 for null. */
function elementsCodec(type: TypeDef): FieldCodec {
  const element = type.element;
  return {
    mayUseTypes: mayUse(type),
    immutable: false,
    decode(r, ctx) {
      const codec = codecOf(element);
      const n = r.count(1);
      const elements: PvData[] = [];
      ctx.take(n * HEAP.reference);
      ctx.enter();
      for (let i = 0; i < n; i++) elements.push(r.u8() === 0 ? null : codec.decode(r, ctx));
      ctx.leave();
      return elements as PvData;
    },
    skip(r, ctx) {
      const codec = codecOf(element);
      const n = r.count(1);
      ctx.take(n * HEAP.reference);
      ctx.enter();
      for (let i = 0; i < n; i++) if (r.u8() !== 0) codec.skip(r, ctx);
      ctx.leave();
    },
    encode(w, v) {
      const codec = codecOf(element);
      const elements = v as PvData[];
      w.size(elements.length);
      for (const e of elements) {
        w.u8(e === null ? 0 : 1);
        if (e !== null) codec.encode(w, e);
      }
    },
    initial: () => [],
  };
}

/** A complete structure, without a mask. */
function structCodec(type: TypeDef): FieldCodec {
  const plan = planOf(type);
  const { length } = type.nodes;
  const heap = HEAP.structure + length * HEAP.field;
  return {
    mayUseTypes: mayUse(type),
    immutable: false,
    decode(r, ctx) {
      ctx.enter();
      ctx.spend(length);
      ctx.take(heap);
      const slots = new Array<PvData>(length);
      plan.decode(0, length, slots, r, ctx);
      ctx.leave();
      return newStruct(type, slots);
    },
    skip(r, ctx) {
      ctx.enter();
      ctx.spend(length);
      ctx.take(heap);
      for (let i = 0; i < length; i++) plan.skip(i, r, ctx);
      ctx.leave();
    },
    encode(w, v) {
      (v as Value).encodeFull(w);
    },
    initial: () => newStruct(type, new Array<PvData>(length)),
  };
}

function unionCodec(type: TypeDef): FieldCodec {
  const none = new UnionValue(type, -1, null);
  const memberCodec = (index: number, r: WireReader): FieldCodec => {
    const member = type.members[index];
    if (!member)
      throw new DecodeError(`union selector ${index} of ${type.members.length} at offset ${r.offset - 1}`);
    return codecOf(member.type);
  };
  return {
    mayUseTypes: mayUse(type),
    immutable: false,
    decode(r, ctx) {
      const index = r.size();
      if (index === NULL_SIZE) return none;
      ctx.enter();
      ctx.take(HEAP.holder);
      const value = memberCodec(index, r).decode(r, ctx);
      ctx.leave();
      return new UnionValue(type, index, value);
    },
    skip(r, ctx) {
      const index = r.size();
      if (index === NULL_SIZE) return;
      ctx.enter();
      ctx.take(HEAP.holder);
      memberCodec(index, r).skip(r, ctx);
      ctx.leave();
    },
    encode(w, v) {
      const u = v as UnionValue;
      const member = type.members[u.index];
      if (!member) {
        w.nullSize();
        return;
      }
      w.size(u.index);
      codecOf(member.type).encode(w, u.value);
    },
    initial: () => none,
  };
}

/** A type that came with its value is as costly as what it describes. */
function newType(type: TypeDef, ctx: DecodeContext): void {
  if (type.codec !== undefined) return;
  ctx.spend(type.fieldCount);
  ctx.take(HEAP.type * type.fieldCount);
}

const NO_ANY = new AnyValue(null, null);
const anyCodec: FieldCodec = {
  mayUseTypes: true,
  immutable: false,
  decode(r, ctx) {
    const type = decodeType(r, ctx.types);
    if (!type) return NO_ANY;
    ctx.enter();
    ctx.take(HEAP.holder);
    newType(type, ctx);
    const value = codecOf(type).decode(r, ctx);
    ctx.leave();
    return new AnyValue(type, value);
  },
  skip(r, ctx) {
    const type = decodeType(r, ctx.types);
    if (!type) return;
    ctx.enter();
    ctx.take(HEAP.holder);
    newType(type, ctx);
    codecOf(type).skip(r, ctx);
    ctx.leave();
  },
  encode(w, v) {
    const any = v as AnyValue;
    encodeType(w, any.type);
    if (any.type) codecOf(any.type).encode(w, any.value);
  },
  initial: () => NO_ANY,
};
