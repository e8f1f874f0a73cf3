/** GET (0x0A), both directions: INIT -> type; execute -> mask and fields. */

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

export interface GetRequest extends OperationRequest {
  /** With INIT only. */
  readonly pvRequest?: Value | null;
}

export interface GetResponse extends OperationResponse {
  /** Reply to INIT. */
  readonly type?: TypeDef | undefined;
  /** Reply to an execution; undefined when the ioid is not known. */
  readonly value?: Value | undefined;
  /** When encoding: the fields to send of `value`; all marked ones if undefined. */
  readonly selection?: BitSet | undefined;
}

export function encodeGetRequest(w: WireWriter, m: GetRequest): void {
  encodeHead(w, m);
  if (m.subcommand & SUB.INIT) encodeTyped(w, m.pvRequest ?? null);
}

export function decodeGetRequest(r: WireReader, ctx: DecodeContext): GetRequest {
  const head = decodeHead(r);
  return head.subcommand & SUB.INIT ? { ...head, pvRequest: decodeTyped(r, ctx) } : head;
}

export function encodeGetResponse(w: WireWriter, m: GetResponse): void {
  encodeResponseHead(w, m);
  if (!isSuccess(m.status)) return;
  if (m.subcommand & SUB.INIT) encodeType(w, m.type ?? null);
  else m.value?.encodePartial(w, m.selection);
}

export function decodeGetResponse(r: WireReader, ctx: DecodeContext, typeOf: TypeLookup): GetResponse {
  const head = decodeResponseHead(r);
  if (head.subcommand & SUB.INIT) return { ...head, type: decodeInitType(r, ctx, head) };
  const type = typeOf(head.ioid);
  if (!isSuccess(head.status) || !type) return head;
  return { ...head, value: Value.decodePartial(type, r, ctx) };
}
