/**
 * PUT_GET (0x0C), both directions: INIT -> two types, what is put and what is got; execute with mask and fields ->
 * mask and fields of what is got; 0x40 (get-get) -> the same without putting; 0x80 (get-put) -> what a put would
 * change. The masks of the replies are pvAccessCPP's, the specification has none (pva-protocol.md 3.11).
 */

import type { DecodeContext } from '../value/decode-context.ts';
import { decodeType, encodeType } from '../value/type-codec.ts';
import type { TypeDef } from '../value/type-def.ts';
import { Value } from '../value/value.ts';
import type { BitSet } from '../wire/bit-set.ts';
import type { WireReader } from '../wire/reader.ts';
import { isSuccess } from '../wire/status.ts';
import type { WireWriter } from '../wire/writer.ts';
import {
  decodeRequest,
  decodeResponseHead,
  encodeRequest,
  encodeResponseHead,
  isResult,
  type OperationResponse,
  type Request,
  SUB,
  structureOnly,
  type TypeLookup,
} from './operation.ts';

export interface PutGetRequest extends Request {
  /** With an execution: the marked fields are put. Undefined on receipt when the ioid is not known. */
  readonly value?: Value | undefined;
}

export interface PutGetResponse extends OperationResponse {
  /** Reply to INIT. */
  readonly putType?: TypeDef | undefined;
  /** Reply to INIT: the type of what is got. */
  readonly type?: TypeDef | undefined;
  /** What was got; with sub-command 0x80 what a put would change. Undefined when the ioid is not known. */
  readonly value?: Value | undefined;
  /** When encoding: the fields to send of `value`; all marked ones if undefined. */
  readonly selection?: BitSet | undefined;
}

export function encodePutGetRequest(w: WireWriter, m: PutGetRequest): void {
  encodeRequest(w, m, () => {
    if (!(m.subcommand & (SUB.GET | SUB.GET_PUT))) m.value?.encodePartial(w);
  });
}

/** @param putTypeOf the type of what is put */
export function decodePutGetRequest(r: WireReader, ctx: DecodeContext, putTypeOf: TypeLookup): PutGetRequest {
  const head = decodeRequest(r, ctx);
  const reads = head.subcommand & (SUB.INIT | SUB.GET | SUB.GET_PUT);
  const type = reads ? undefined : putTypeOf(head.ioid);
  return type ? { ...head, value: Value.decodePartial(type, r, ctx) } : head;
}

export function encodePutGetResponse(w: WireWriter, m: PutGetResponse): void {
  encodeResponseHead(w, m);
  if (!isSuccess(m.status)) return;
  if (m.subcommand & SUB.INIT) {
    encodeType(w, m.putType ?? null);
    encodeType(w, m.type ?? null);
  } else m.value?.encodePartial(w, m.selection);
}

/**
 * @param typeOf the type of what is got
 * @param putTypeOf the type of what is put
 */
export function decodePutGetResponse(
  r: WireReader,
  ctx: DecodeContext,
  typeOf: TypeLookup,
  putTypeOf: TypeLookup,
): PutGetResponse {
  const head = decodeResponseHead(r);
  if (head.subcommand & SUB.INIT) {
    if (!isSuccess(head.status)) return head;
    const putType = structureOnly(decodeType(r, ctx.types));
    return { ...head, putType, type: structureOnly(decodeType(r, ctx.types)) };
  }
  // Get-get counts first where both bits are set, as in pvAccessCPP.
  const isPutData = (head.subcommand & (SUB.GET | SUB.GET_PUT)) === SUB.GET_PUT;
  const type = isResult(head) ? (isPutData ? putTypeOf : typeOf)(head.ioid) : undefined;
  return type ? { ...head, value: Value.decodePartial(type, r, ctx) } : head;
}
