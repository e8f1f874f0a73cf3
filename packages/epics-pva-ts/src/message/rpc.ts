/** RPC (0x14), both directions: INIT -> Status; execute with a typed argument -> typed result. No masks. */

import type { DecodeContext } from '../value/decode-context.ts';
import type { Value } from '../value/value.ts';
import type { WireReader } from '../wire/reader.ts';
import type { WireWriter } from '../wire/writer.ts';
import {
  decodeRequest,
  decodeResponseHead,
  decodeTyped,
  encodeRequest,
  encodeResponseHead,
  encodeTyped,
  isResult,
  type OperationResponse,
  type Request,
  SUB,
} from './operation.ts';

export interface RpcRequest extends Request {
  /** The argument; null is accepted by PVXS, pvAccessCPP servers want a structure. */
  readonly argument?: Value | null;
}

export interface RpcResponse extends OperationResponse {
  readonly result?: Value | null;
}

export function encodeRpcRequest(w: WireWriter, m: RpcRequest): void {
  encodeRequest(w, m, () => encodeTyped(w, m.argument ?? null));
}

/** An argument of at least `lazyFrom` bytes is decoded when it is asked for. */
export function decodeRpcRequest(r: WireReader, ctx: DecodeContext, lazyFrom?: number): RpcRequest {
  const head = decodeRequest(r, ctx);
  return head.subcommand & SUB.INIT ? head : { ...head, argument: decodeTyped(r, ctx, lazyFrom) };
}

export function encodeRpcResponse(w: WireWriter, m: RpcResponse): void {
  encodeResponseHead(w, m);
  if (isResult(m)) encodeTyped(w, m.result ?? null);
}

export function decodeRpcResponse(r: WireReader, ctx: DecodeContext): RpcResponse {
  const head = decodeResponseHead(r);
  return isResult(head) ? { ...head, result: decodeTyped(r, ctx) } : head;
}
