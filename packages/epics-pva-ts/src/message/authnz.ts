/**
 * AUTHNZ (0x05), both directions: further data of an authentication method, a type and a value of it. Neither
 * "anonymous" nor "ca" needs it. It is decoded because it may define type ids that later messages use
 * (pva-protocol.md 3.5, 2.7).
 */
import { AnyValue } from '../value/containers.ts';
import type { DecodeContext } from '../value/decode-context.ts';
import { codecOf } from '../value/field-codec.ts';
import { decodeType, encodeType } from '../value/type-codec.ts';
import type { WireReader } from '../wire/reader.ts';
import type { WireWriter } from '../wire/writer.ts';

export interface Authnz {
  /** Of any type; the null type without data. */
  readonly data: AnyValue;
}

export function encodeAuthnz(w: WireWriter, { data }: Authnz): void {
  encodeType(w, data.type);
  if (data.type) codecOf(data.type).encode(w, data.value);
}

export function decodeAuthnz(r: WireReader, ctx: DecodeContext): Authnz {
  const type = decodeType(r, ctx.types);
  return { data: new AnyValue(type, type ? codecOf(type).decode(r, ctx) : null) };
}
