/**
 * Values as bytes for another process of this library: with their marks, and as fast as can be. What other programs are
 * to read is serialize.ts's.
 *
 * A value is written in little-endian pvData. One that came complete is its received bytes; of any other all fields
 * are written, what is read from earlier updates included, and the marks beside them.
 */
import { Buffer } from 'node:buffer';
import { DecodeError } from '../errors.ts';
import { BitSet } from '../wire/bit-set.ts';
import { WireReader } from '../wire/reader.ts';
import { WireWriter } from '../wire/writer.ts';
import { DecodeContext } from './decode-context.ts';
import { TypeCache } from './type-codec.ts';
import type { TypeDef } from './type-def.ts';
import { Value } from './value.ts';

/** First byte: mask and marked fields, which are all fields. */
const COMPLETE = 0;
/** First byte: the marks, then mask 0 and all fields. */
const WITH_MARKS = 1;
/** Number arrays of at least this many bytes are views on the bytes, both ways. */
const VIEW_FROM = 4096;

/**
 * All fields of a structure, and which are marked, in pieces that follow each other, for `valueFromBytes` of the same
 * version of this library: `serializeValue` writes what others read. The type is apart (`serializeType`). Large arrays
 * are not copied: the pieces are valid until the value is released or its arrays change.
 *
 * @throws LocalProtocolError for a sub-structure (`clone` it first), and for one that was released
 */
export function valueToBytes(value: Value): Uint8Array[] {
  // A sub-structure throws here.
  const object = value.snapshot();
  try {
    if (isComplete(object)) {
      const raw = object.rawBytes(true);
      if (raw) return [Uint8Array.of(COMPLETE), raw];
    }
    const w = new WireWriter(true, 512, VIEW_FROM);
    w.u8(WITH_MARKS);
    object.marks.encode(w);
    BitSet.of(0).encode(w);
    object.encodeFull(w);
    return w.finish();
  } finally {
    object.release();
  }
}

/**
 * The structure that `valueToBytes` wrote, from the same pieces or from all of them in one. Its fields are decoded when
 * they are asked for, from the bytes, which must not change; large arrays are views on them.
 *
 * @throws DecodeError for bytes that are no value of this type
 */
export function valueFromBytes(type: TypeDef, pieces: Uint8Array | readonly Uint8Array[]): Value {
  const { form, r } = opened(pieces);
  if (form > WITH_MARKS) throw new DecodeError(`value bytes of unknown form ${form}`);
  const marks = form === WITH_MARKS ? BitSet.decode(r) : undefined;
  const value = Value.decodePartial(type, r, new DecodeContext(new TypeCache(), VIEW_FROM), true);
  if (r.remaining > 0) throw new DecodeError(`${r.remaining} byte(s) left behind the value`);
  if (marks && !marks.get(0)) value.unmark().marks.or(marks);
  return value;
}

/** The first byte, and what follows it; received bytes, which are a piece by themselves, stay where they are. */
function opened(pieces: Uint8Array | readonly Uint8Array[]): { form: number; r: WireReader } {
  const [first, ...others] = pieces instanceof Uint8Array ? [pieces] : pieces;
  const [second] = others;
  if (first?.length === 1 && second && others.length === 1)
    return { form: first[0] as number, r: new WireReader(second) };
  const r = new WireReader(first && !second ? first : Buffer.concat(pieces as readonly Uint8Array[]));
  return { form: r.u8(), r };
}

/** Do all fields have a mark, so that none is read from an earlier update? */
function isComplete(value: Value): boolean {
  const fields = value.markedFields();
  for (const node of value.type.nodes) if (!node.isStruct && !fields.get(node.index)) return false;
  return true;
}
