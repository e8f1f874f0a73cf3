/**
 * Types and structures as bytes by themselves, outside of any connection: for files, other transports, encryption.
 *
 * The bytes are those of pvAccess in big-endian order: a FieldDesc without type ids of a cache, and a complete structure
 * without a mask (pva-protocol.md 2.6, 2.8, 2.9), so that any implementation of pvData can read them.
 */
import { DecodeError } from '../errors.ts';
import { WireReader } from '../wire/reader.ts';
import { WireWriter } from '../wire/writer.ts';
import { DecodeContext } from './decode-context.ts';
import { decodeType, encodeType, TypeCache } from './type-codec.ts';
import type { TypeDef } from './type-def.ts';
import { Value } from './value.ts';

/** Arrays of at least so many bytes are views on what is read, if they can be. */
const VIEW_FROM = 4096;

/** The FieldDesc of a type, big-endian, complete in itself. */
export function serializeType(type: TypeDef): Uint8Array {
  const w = new WireWriter(false);
  encodeType(w, type);
  return w.finishBytes();
}

/** The type of a structure. @throws DecodeError if the bytes are no structure's FieldDesc, or more than that */
export function deserializeType(bytes: Uint8Array): TypeDef {
  const r = new WireReader(bytes, false);
  const type = decodeType(r, new TypeCache());
  if (type?.kind !== 'struct' || type.isArray)
    throw new DecodeError(`the type is ${type?.displayId ?? 'null'}, not a structure`);
  checkEnd(r);
  return type;
}

/** All fields of a structure in order, big-endian, set or not; marks are not written. */
export function serializeValue(value: Value): Uint8Array {
  const w = new WireWriter(false, 512, VIEW_FROM);
  value.encodeFull(w);
  return w.finishBytes();
}

/**
 * The structure of this type that the bytes are; every field is marked. Large arrays may be views on `bytes`, which must
 * not change. @throws DecodeError if they are not such a structure, or more than that
 */
export function deserializeValue(type: TypeDef, bytes: Uint8Array): Value {
  const r = new WireReader(bytes, false);
  const context = new DecodeContext(new TypeCache(), VIEW_FROM);
  context.begin(bytes.length);
  const value = Value.decodeFull(type, r, context);
  checkEnd(r);
  return value;
}

function checkEnd(r: WireReader): void {
  if (r.remaining > 0) throw new DecodeError(`${r.remaining} byte(s) too many behind the last field`);
}
