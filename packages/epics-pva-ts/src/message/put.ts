/** PUT (0x0B), both directions: INIT -> type; 0x40 -> present value; execute with mask and fields -> Status. */

import type { DecodeContext } from '../value/decode-context.ts';
import { encodeType } from '../value/type-codec.ts';
import type { TypeDef } from '../value/type-def.ts';
import { Value } from '../value/value.ts';
import type { BitSet } from '../wire/bit-set.ts';
import type { WireReader } from '../wire/reader.ts';
import { isSuccess } from '../wire/status.ts';
import type { WireWriter } from '../wire/writer.ts';
import {
  decodeHead,
  decodeInitType,
  decodeResponseHead,
  decodeTyped,
  encodeHead,
  encodeResponseHead,
  encodeTyped,
  type OperationRequest,
  type OperationResponse,
  SUB,
  type TypeLookup,
} from './operation.ts';

export interface PutRequest extends OperationRequest {
  /** With INIT only. */
  readonly pvRequest?: Value | null;
  /** With an execution: the marked fields are put. Undefined on receipt when the ioid is not known. */
  readonly value?: Value | undefined;
}

export interface PutResponse extends OperationResponse {
  readonly type?: TypeDef | undefined;
  /** Reply to a read back (0x40). */
  readonly value?: Value | undefined;
  readonly selection?: BitSet | undefined;
}

export function encodePutRequest(w: WireWriter, m: PutRequest): void {
  encodeHead(w, m);
  if (m.subcommand & SUB.INIT) encodeTyped(w, m.pvRequest ?? null);
  else if (!(m.subcommand & SUB.GET)) m.value?.encodePartial(w);
}

export function decodePutRequest(r: WireReader, ctx: DecodeContext, typeOf: TypeLookup): PutRequest {
  const head = decodeHead(r);
  if (head.subcommand & SUB.INIT) return { ...head, pvRequest: decodeTyped(r, ctx) };
  const type = typeOf(head.ioid);
  if (head.subcommand & SUB.GET || !type) return head;
  return { ...head, value: Value.decodePartial(type, r, ctx) };
}

export function encodePutResponse(w: WireWriter, m: PutResponse): void {
  encodeResponseHead(w, m);
  if (!isSuccess(m.status)) return;
  if (m.subcommand & SUB.INIT) encodeType(w, m.type ?? null);
  else if (m.subcommand & SUB.GET) m.value?.encodePartial(w, m.selection);
}

export function decodePutResponse(r: WireReader, ctx: DecodeContext, typeOf: TypeLookup): PutResponse {
  const head = decodeResponseHead(r);
  if (head.subcommand & SUB.INIT) return { ...head, type: decodeInitType(r, ctx, head) };
  const type = typeOf(head.ioid);
  if (!(head.subcommand & SUB.GET) || !isSuccess(head.status) || !type) return head;
  return { ...head, value: Value.decodePartial(type, r, ctx) };
}
