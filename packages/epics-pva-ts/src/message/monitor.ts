/**
 * MONITOR (0x0D), both directions.
 *
 * Updates carry no Status: changed mask, fields, overrun mask. Sub-commands are never combined, as pvAccessCPP
 * servers return right after handling an acknowledgement. A stream ends with 0x10, a Status and perhaps last data.
 */

import type { DecodeContext } from '../value/decode-context.ts';
import { encodeType } from '../value/type-codec.ts';
import type { TypeDef } from '../value/type-def.ts';
import { Value } from '../value/value.ts';
import { BitSet } from '../wire/bit-set.ts';
import type { WireReader } from '../wire/reader.ts';
import { decodeStatus, encodeStatus, isSuccess, OK, type Status } from '../wire/status.ts';
import type { WireWriter } from '../wire/writer.ts';
import {
  decodeHead,
  decodeInitType,
  decodeTyped,
  encodeHead,
  encodeTyped,
  type OperationRequest,
  SUB,
  type TypeLookup,
} from './operation.ts';

export interface MonitorRequest extends OperationRequest {
  readonly pvRequest?: Value | null;
  /** INIT with PIPELINE: the initial window; PIPELINE alone: by how much it grows. */
  readonly nfree?: number;
}

export interface MonitorResponse {
  readonly ioid: number;
  readonly subcommand: number;
  /** Reply to INIT and end of stream; OK for updates. */
  readonly status: Status;
  readonly type?: TypeDef | undefined;
  readonly value?: Value | undefined;
  /** Fields that changed more than once since the update before; PVXS leaves it empty. */
  readonly overrun?: BitSet | undefined;
}

export function encodeMonitorRequest(w: WireWriter, m: MonitorRequest): void {
  encodeHead(w, m);
  if (m.subcommand & SUB.INIT) encodeTyped(w, m.pvRequest ?? null);
  if (m.subcommand & SUB.PIPELINE) w.u32(m.nfree ?? 0);
}

export function decodeMonitorRequest(r: WireReader, ctx: DecodeContext): MonitorRequest {
  const head = decodeHead(r);
  if (head.subcommand & SUB.INIT) {
    const pvRequest = decodeTyped(r, ctx);
    // PVXS before 1.4 may leave the initial window out.
    const nfree = head.subcommand & SUB.PIPELINE && r.remaining >= 4 ? r.u32() : 0;
    return { ...head, pvRequest, nfree };
  }
  return head.subcommand & SUB.PIPELINE ? { ...head, nfree: r.u32() } : head;
}

export function encodeMonitorResponse(w: WireWriter, m: MonitorResponse): void {
  w.u32(m.ioid);
  w.u8(m.subcommand);
  if (m.subcommand & SUB.INIT) {
    encodeStatus(w, m.status);
    if (isSuccess(m.status)) encodeType(w, m.type ?? null);
    return;
  }
  if (m.subcommand & SUB.DESTROY) encodeStatus(w, m.status);
  if (!m.value) return;
  m.value.encodePartial(w);
  (m.overrun ?? new BitSet()).encode(w);
}

/** An update's fields may be decoded lazily, when the payload is at least `lazyFrom` bytes. */
export function decodeMonitorResponse(
  r: WireReader,
  ctx: DecodeContext,
  typeOf: TypeLookup,
  lazyFrom: number = Number.POSITIVE_INFINITY,
): MonitorResponse {
  const ioid = r.u32();
  const subcommand = r.u8();
  if (subcommand & SUB.INIT) {
    const status = decodeStatus(r);
    return { ioid, subcommand, status, type: decodeInitType(r, ctx, { ioid, subcommand, status }) };
  }
  const status = subcommand & SUB.DESTROY ? decodeStatus(r) : OK;
  const type = typeOf(ioid);
  if (!type || r.remaining === 0) return { ioid, subcommand, status };
  const value = Value.decodePartial(type, r, ctx, r.remaining >= lazyFrom);
  const overrun = BitSet.decode(r);
  return { ioid, subcommand, status, value, overrun };
}
