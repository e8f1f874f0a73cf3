/**
 * LeafPlan: how each field of a structure is read, skipped and written, looked up once per type.
 *
 * A structure has fields of a dozen kinds. Calling each through its codec is a call that the engine cannot foresee; a
 * switch over small numbers is one it compiles into direct reads. Everything that is no scalar goes through its codec.
 */
import type { WireReader } from '../wire/reader.ts';
import type { WireWriter } from '../wire/writer.ts';
import type { DecodeContext } from './decode-context.ts';
import type { FieldCodec } from './plain-codec.ts';
import type { Kind } from './type-code.ts';
import type { FieldNode, TypeDef } from './type-def.ts';
import type { PvData } from './value.ts';

/** What is to be done for a field; numbers, so that a switch over them is a jump. */
const Step = {
  /** A structure: its members have steps of their own. */
  NONE: 0,
  BOOLEAN: 1,
  BYTE: 2,
  SHORT: 3,
  INT: 4,
  LONG: 5,
  UBYTE: 6,
  USHORT: 7,
  UINT: 8,
  ULONG: 9,
  FLOAT: 10,
  DOUBLE: 11,
  STRING: 12,
  /** By its codec. */
  CODEC: 13,
} as const;

const STEP_OF: Partial<Record<Kind, number>> = {
  boolean: Step.BOOLEAN,
  byte: Step.BYTE,
  short: Step.SHORT,
  int: Step.INT,
  long: Step.LONG,
  ubyte: Step.UBYTE,
  ushort: Step.USHORT,
  uint: Step.UINT,
  ulong: Step.ULONG,
  float: Step.FLOAT,
  double: Step.DOUBLE,
  string: Step.STRING,
};

export class LeafPlan {
  /** By field number. */
  readonly steps: Uint8Array;
  /** By field number; of structures none is used. */
  readonly codecs: readonly FieldCodec[];

  constructor(nodes: readonly FieldNode[], codecOf: (type: TypeDef) => FieldCodec) {
    this.steps = Uint8Array.from(nodes, ({ type, isStruct }) =>
      isStruct ? Step.NONE : type.isArray ? Step.CODEC : (STEP_OF[type.kind] ?? Step.CODEC),
    );
    this.codecs = nodes.map(({ type, isStruct }) => (isStruct ? NO_CODEC : codecOf(type)));
  }

  isStruct(i: number): boolean {
    return this.steps[i] === Step.NONE;
  }

  /** May the field use the type cache? */
  mayUseTypesAt(i: number): boolean {
    return this.steps[i] === Step.CODEC && (this.codecs[i] as FieldCodec).mayUseTypes;
  }

  /** Reads fields `from` to `to` (exclusive) into their slots; those of structures stay undefined. */
  decode(from: number, to: number, slots: (PvData | undefined)[], r: WireReader, ctx: DecodeContext): void {
    const { steps, codecs } = this;
    for (let i = from; i < to; i++) {
      switch (steps[i]) {
        case Step.NONE:
          break;
        case Step.BOOLEAN:
          slots[i] = r.bool();
          break;
        case Step.BYTE:
          slots[i] = r.i8();
          break;
        case Step.SHORT:
          slots[i] = r.i16();
          break;
        case Step.INT:
          slots[i] = r.i32();
          break;
        case Step.LONG:
          slots[i] = r.i64();
          break;
        case Step.UBYTE:
          slots[i] = r.u8();
          break;
        case Step.USHORT:
          slots[i] = r.u16();
          break;
        case Step.UINT:
          slots[i] = r.u32();
          break;
        case Step.ULONG:
          slots[i] = r.u64();
          break;
        case Step.FLOAT:
          slots[i] = r.f32();
          break;
        case Step.DOUBLE:
          slots[i] = r.f64();
          break;
        case Step.STRING:
          slots[i] = r.string();
          break;
        default:
          slots[i] = (codecs[i] as FieldCodec).decode(r, ctx);
      }
    }
  }

  /** Moves over one field; of a structure there is nothing but its members. */
  skip(i: number, r: WireReader, ctx: DecodeContext): void {
    switch (this.steps[i]) {
      case Step.NONE:
        break;
      case Step.BOOLEAN:
      case Step.BYTE:
      case Step.UBYTE:
        r.skip(1);
        break;
      case Step.SHORT:
      case Step.USHORT:
        r.skip(2);
        break;
      case Step.INT:
      case Step.UINT:
      case Step.FLOAT:
        r.skip(4);
        break;
      case Step.LONG:
      case Step.ULONG:
      case Step.DOUBLE:
        r.skip(8);
        break;
      case Step.STRING:
        r.skipString();
        break;
      default:
        (this.codecs[i] as FieldCodec).skip(r, ctx);
    }
  }

  /** Writes one field; of a structure there is nothing but its members. */
  encode(i: number, w: WireWriter, v: PvData): void {
    switch (this.steps[i]) {
      case Step.NONE:
        break;
      case Step.BOOLEAN:
        w.bool(v as boolean);
        break;
      case Step.BYTE:
        w.i8(v as number);
        break;
      case Step.SHORT:
        w.i16(v as number);
        break;
      case Step.INT:
        w.i32(v as number);
        break;
      case Step.LONG:
        w.i64(v as bigint);
        break;
      case Step.UBYTE:
        w.u8(v as number);
        break;
      case Step.USHORT:
        w.u16(v as number);
        break;
      case Step.UINT:
        w.u32(v as number);
        break;
      case Step.ULONG:
        w.u64(v as bigint);
        break;
      case Step.FLOAT:
        w.f32(v as number);
        break;
      case Step.DOUBLE:
        w.f64(v as number);
        break;
      case Step.STRING:
        w.string(v as string);
        break;
      default:
        (this.codecs[i] as FieldCodec).encode(w, v);
    }
  }
}

const NO_CODEC: FieldCodec = {
  mayUseTypes: false,
  immutable: true,
  decode: () => null,
  skip: () => {},
  encode: () => {},
  initial: () => null,
};
