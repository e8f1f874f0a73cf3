/** RPC (0x14), both directions: INIT -> Status; execute with a typed argument -> typed result. No masks. */

import type { DecodeContext } from '../value/decode-context.ts';
import type { Value } from '../value/value.ts';
import type { WireReader } from '../wire/reader.ts';
import { isSuccess } from '../wire/status.ts';
import type { WireWriter } from '../wire/writer.ts';
import {
  decodeHead,
  decodeResponseHead,
  decodeTyped,
  encodeHead,
  encodeResponseHead,
  encodeTyped,
  type OperationRequest,
  type OperationResponse,
  SUB,
} from './operation.ts';

export interface RpcRequest extends OperationRequest {
  readonly pvRequest?: Value | null;
  /** The argument; null is accepted by PVXS, pvAccessCPP servers want a structure. */
  readonly argument?: Value | null;
}

export interface RpcResponse extends OperationResponse {
  readonly result?: Value | null;
}

export function encodeRpcRequest(w: WireWriter, m: RpcRequest): void {
  encodeHead(w, m);
  encodeTyped(w, (m.subcommand & SUB.INIT ? m.pvRequest : m.argument) ?? null);
}

export function decodeRpcRequest(r: WireReader, ctx: DecodeContext): RpcRequest {
  const head = decodeHead(r);
  const value = decodeTyped(r, ctx);
  return head.subcommand & SUB.INIT ? { ...head, pvRequest: value } : { ...head, argument: value };
}

export function encodeRpcResponse(w: WireWriter, m: RpcResponse): void {
  encodeResponseHead(w, m);
  if (isSuccess(m.status) && !(m.subcommand & SUB.INIT)) encodeTyped(w, m.result ?? null);
}

export function decodeRpcResponse(r: WireReader, ctx: DecodeContext): RpcResponse {
  const head = decodeResponseHead(r);
  if (!isSuccess(head.status) || head.subcommand & SUB.INIT) return head;
  return { ...head, result: decodeTyped(r, ctx) };
}
