/** GET_FIELD (0x11), both directions: the type of a channel or of one field. One shot, without a sub-command. */

import type { DecodeContext } from '../value/decode-context.ts';
import { decodeType, encodeType } from '../value/type-codec.ts';
import type { TypeDef } from '../value/type-def.ts';
import type { WireReader } from '../wire/reader.ts';
import { decodeStatus, encodeStatus, isSuccess, type Status } from '../wire/status.ts';
import type { WireWriter } from '../wire/writer.ts';

export interface GetFieldRequest {
  readonly sid: number;
  readonly ioid: number;
  /** Dotted name; "" for the whole type. PVXS and QSRV 1 ignore it. */
  readonly subfield: string;
}

export interface GetFieldResponse {
  readonly ioid: number;
  readonly status: Status;
  readonly type?: TypeDef | null | undefined;
}

export function encodeGetFieldRequest(w: WireWriter, m: GetFieldRequest): void {
  w.u32(m.sid);
  w.u32(m.ioid);
  w.string(m.subfield);
}

export function decodeGetFieldRequest(r: WireReader): GetFieldRequest {
  return { sid: r.u32(), ioid: r.u32(), subfield: r.string() };
}

export function encodeGetFieldResponse(w: WireWriter, m: GetFieldResponse): void {
  w.u32(m.ioid);
  encodeStatus(w, m.status);
  if (isSuccess(m.status)) encodeType(w, m.type ?? null);
}

export function decodeGetFieldResponse(r: WireReader, ctx: DecodeContext): GetFieldResponse {
  const ioid = r.u32();
  const status = decodeStatus(r);
  return isSuccess(status) ? { ioid, status, type: decodeType(r, ctx.types) } : { ioid, status };
}
