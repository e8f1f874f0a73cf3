/** PUT (0x0B), both directions: INIT -> type; 0x40 -> present value; execute with mask and fields -> Status. */

import type { DecodeContext } from '../value/decode-context.ts';
import { Value } from '../value/value.ts';
import type { BitSet } from '../wire/bit-set.ts';
import type { WireReader } from '../wire/reader.ts';
import type { WireWriter } from '../wire/writer.ts';
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  type InitResponse,
  isResult,
  type Request,
  SUB,
  type TypeLookup,
} from './operation.ts';

export interface PutRequest extends Request {
  /** With an execution: the marked fields are put. Undefined on receipt when the ioid is not known. */
  readonly value?: Value | undefined;
}

export interface PutResponse extends InitResponse {
  /** Reply to a read back (0x40). */
  readonly value?: Value | undefined;
  readonly selection?: BitSet | undefined;
}

export function encodePutRequest(w: WireWriter, m: PutRequest): void {
  encodeRequest(w, m, () => {
    if (!(m.subcommand & SUB.GET)) m.value?.encodePartial(w);
  });
}

/** A value of at least `lazyFrom` bytes is decoded when it is asked for. */
export function decodePutRequest(
  r: WireReader,
  ctx: DecodeContext,
  typeOf: TypeLookup,
  lazyFrom = Number.POSITIVE_INFINITY,
): PutRequest {
  const head = decodeRequest(r, ctx);
  const type = head.subcommand & (SUB.INIT | SUB.GET) ? undefined : typeOf(head.ioid);
  return type ? { ...head, value: Value.decodePartial(type, r, ctx, r.remaining >= lazyFrom) } : head;
}

export function encodePutResponse(w: WireWriter, m: PutResponse): void {
  encodeResponse(w, m, () => {
    if (m.subcommand & SUB.GET) m.value?.encodePartial(w, m.selection);
  });
}

export function decodePutResponse(r: WireReader, ctx: DecodeContext, typeOf: TypeLookup): PutResponse {
  const head = decodeResponse(r, ctx);
  const type = head.subcommand & SUB.GET && isResult(head) ? typeOf(head.ioid) : undefined;
  return type ? { ...head, value: Value.decodePartial(type, r, ctx) } : head;
}
