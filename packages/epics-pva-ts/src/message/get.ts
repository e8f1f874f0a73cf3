/** GET (0x0A), both directions: INIT -> type; execute -> mask and fields. */

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
  type TypeLookup,
} from './operation.ts';

export type GetRequest = Request;

export interface GetResponse extends InitResponse {
  /** Reply to an execution; undefined when the ioid is not known. */
  readonly value?: Value | undefined;
  /** When encoding: the fields to send of `value`; all marked ones if undefined. */
  readonly selection?: BitSet | undefined;
}

export function encodeGetRequest(w: WireWriter, m: GetRequest): void {
  encodeRequest(w, m);
}

export function decodeGetRequest(r: WireReader, ctx: DecodeContext): GetRequest {
  return decodeRequest(r, ctx);
}

export function encodeGetResponse(w: WireWriter, m: GetResponse): void {
  encodeResponse(w, m, () => m.value?.encodePartial(w, m.selection));
}

export function decodeGetResponse(r: WireReader, ctx: DecodeContext, typeOf: TypeLookup): GetResponse {
  const head = decodeResponse(r, ctx);
  const type = isResult(head) ? typeOf(head.ioid) : undefined;
  return type ? { ...head, value: Value.decodePartial(type, r, ctx) } : head;
}
