/**
 * What GET, PUT, PUT_GET, PROCESS, RPC and MONITOR have in common: sub-command bits, INIT with a pvRequest, replies
 * with a Status.
 *
 * Replies repeat the sub-command of the request; INIT replies are always plain 0x08 (pvAccess specification
 * "Channel operations"; PVXS clients close the connection when the echoed bits do not fit).
 */
import { DecodeError } from '../errors.ts';
import type { DecodeContext } from '../value/decode-context.ts';
import { decodeType, encodeType } from '../value/type-codec.ts';
import type { TypeDef } from '../value/type-def.ts';
import { Value } from '../value/value.ts';
import type { WireReader } from '../wire/reader.ts';
import { decodeStatus, encodeStatus, isSuccess, type Status } from '../wire/status.ts';
import type { WireWriter } from '../wire/writer.ts';

export const SUB = {
  /** Plain execution, or a monitor update. */
  EXEC: 0x00,
  /** MONITOR: stop; together with GET: start. */
  STOP: 0x04,
  INIT: 0x08,
  /** This is the last request: the operation ends with its reply. */
  DESTROY: 0x10,
  /** PUT: read back; PUT_GET: get only; GET: alias of EXEC; MONITOR: start together with STOP. */
  GET: 0x40,
  START: 0x44,
  /** MONITOR: INIT with an initial window, or acknowledgement. */
  PIPELINE: 0x80,
  /** PUT_GET: read back what a put would change. */
  GET_PUT: 0x80,
} as const;

/** Head of every operation request. */
export interface OperationRequest {
  readonly sid: number;
  readonly ioid: number;
  readonly subcommand: number;
}

export interface InitRequest extends OperationRequest {
  /** null is the null request; never send it (QSRV 1 does not handle it). */
  readonly pvRequest: Value | null;
}

/** A request of any operation: with INIT the pvRequest, otherwise what its command adds. */
export interface Request extends OperationRequest {
  readonly pvRequest?: Value | null;
}

/** Head, with INIT the pvRequest, otherwise what `execution` writes. */
export function encodeRequest(w: WireWriter, m: Request, execution?: (w: WireWriter) => void): void {
  encodeHead(w, m);
  if (m.subcommand & SUB.INIT) encodeTyped(w, m.pvRequest ?? null);
  else execution?.(w);
}

/** Head, with INIT the pvRequest; whatever else there is stays unread. */
export function decodeRequest(r: WireReader, ctx: DecodeContext): Request {
  const head = decodeHead(r);
  return head.subcommand & SUB.INIT ? { ...head, pvRequest: decodeTyped(r, ctx) } : head;
}

export function encodeHead(w: WireWriter, m: OperationRequest): void {
  w.u32(m.sid);
  w.u32(m.ioid);
  w.u8(m.subcommand);
}

export function decodeHead(r: WireReader): { sid: number; ioid: number; subcommand: number } {
  return { sid: r.u32(), ioid: r.u32(), subcommand: r.u8() };
}

/** A type followed by a complete value of it (pvRequest, RPC arguments and results). */
export function encodeTyped(w: WireWriter, value: Value | null): void {
  encodeType(w, value?.type ?? null);
  value?.encodeFull(w);
}

/** @throws DecodeError if the type is not a structure */
export function decodeTyped(
  r: WireReader,
  ctx: DecodeContext,
  lazyFrom = Number.POSITIVE_INFINITY,
): Value | null {
  const type = decodeType(r, ctx.types);
  if (type === null) return null;
  return Value.decodeFull(structureOnly(type), r, ctx, r.remaining >= lazyFrom);
}

/** Channels and requests have structures at the top. @throws DecodeError */
export function structureOnly(type: TypeDef | null): TypeDef {
  if (type?.kind === 'struct' && !type.isArray) return type;
  throw new DecodeError(`a structure expected, not ${type?.displayId ?? 'a null type'}`);
}

/** Head of every operation reply that carries a Status. */
export interface OperationResponse {
  readonly ioid: number;
  readonly subcommand: number;
  readonly status: Status;
}

export function encodeResponseHead(w: WireWriter, m: OperationResponse): void {
  w.u32(m.ioid);
  w.u8(m.subcommand);
  encodeStatus(w, m.status);
}

export function decodeResponseHead(r: WireReader): OperationResponse {
  return { ioid: r.u32(), subcommand: r.u8(), status: decodeStatus(r) };
}

/** The reply to an INIT that announces the type of the data to come. */
export interface InitResponse extends OperationResponse {
  readonly type?: TypeDef | undefined;
}

/** Head, with a successful INIT the type, otherwise what `execution` writes; nothing follows an error. */
export function encodeResponse(w: WireWriter, m: InitResponse, execution?: (w: WireWriter) => void): void {
  encodeResponseHead(w, m);
  if (!isSuccess(m.status)) return;
  if (m.subcommand & SUB.INIT) encodeType(w, m.type ?? null);
  else execution?.(w);
}

/** Head, with a successful INIT the type; whatever else there is stays unread. */
export function decodeResponse(r: WireReader, ctx: DecodeContext): InitResponse {
  const head = decodeResponseHead(r);
  return head.subcommand & SUB.INIT ? { ...head, type: decodeInitType(r, ctx, head) } : head;
}

export function decodeInitType(
  r: WireReader,
  ctx: DecodeContext,
  head: OperationResponse,
): TypeDef | undefined {
  return isSuccess(head.status) ? structureOnly(decodeType(r, ctx.types)) : undefined;
}

/** Is this the reply to an execution, with whatever a success brings? */
export function isResult(m: OperationResponse): boolean {
  return (m.subcommand & SUB.INIT) === 0 && isSuccess(m.status);
}

/** The type of the operation a message belongs to; undefined for one that is not known (any more). */
export type TypeLookup = (ioid: number) => TypeDef | undefined;
