/**
 * Values and types as bytes that mean something outside of any connection: for other processes, files and caches.
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
import { decodeType, encodeType, TypeCache } from './type-codec.ts';
import type { TypeDef } from './type-def.ts';
import { Value } from './value.ts';

/** First byte: mask and marked fields, which are all fields. */
const COMPLETE = 0;
/** First byte: the marks, then mask 0 and all fields. */
const WITH_MARKS = 1;
/** Number arrays of at least this many bytes are views on the bytes, both ways. */
const VIEW_FROM = 4096;

/** A type as bytes; `typeFromBytes` reads them. */
export function typeToBytes(type: TypeDef): Uint8Array {
  const w = new WireWriter();
  encodeType(w, type);
  return w.finishBytes();
}

/** @throws DecodeError for bytes that are no type */
export function typeFromBytes(bytes: Uint8Array): TypeDef {
  const type = decodeType(new WireReader(bytes), new TypeCache());
  if (!type) throw new DecodeError('the null type');
  return type;
}

/**
 * All fields of a structure, and which are marked, in pieces that follow each other; the type is apart
 * (`typeToBytes`). Large arrays are not copied: the pieces are valid until the value is released or its arrays change.
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
  const r = readerOf(pieces);
  const form = r.u8();
  if (form > WITH_MARKS) throw new DecodeError(`value bytes of unknown form ${form}`);
  const marks = form === WITH_MARKS ? BitSet.decode(r) : undefined;
  const apart =
    form === COMPLETE && r.remaining === 0 && !(pieces instanceof Uint8Array) ? pieces[1] : undefined;
  const fields = apart ? new WireReader(apart) : r;
  const value = Value.decodePartial(type, fields, new DecodeContext(new TypeCache(), VIEW_FROM), true);
  if (fields.remaining > 0) throw new DecodeError(`${fields.remaining} byte(s) left behind the value`);
  if (marks && !marks.get(0)) value.unmark().marks.or(marks);
  return value;
}

/** Received bytes stay in the piece they are in. */
function readerOf(pieces: Uint8Array | readonly Uint8Array[]): WireReader {
  if (pieces instanceof Uint8Array) return new WireReader(pieces);
  const [first] = pieces;
  if (first && (pieces.length === 1 || (first.length === 1 && first[0] === COMPLETE)))
    return new WireReader(first);
  return new WireReader(Buffer.concat(pieces));
}

/** Do all fields have a mark, so that none is read from an earlier update? */
function isComplete(value: Value): boolean {
  const fields = value.markedFields();
  for (const node of value.type.nodes) if (!node.isStruct && !fields.get(node.index)) return false;
  return true;
}
