/** PROCESS (0x10), both directions: INIT -> Status; execute -> Status. Neither type nor data. */

import type { DecodeContext } from '../value/decode-context.ts';
import type { WireReader } from '../wire/reader.ts';
import type { WireWriter } from '../wire/writer.ts';
import {
  decodeRequest,
  decodeResponseHead,
  encodeRequest,
  encodeResponseHead,
  type OperationResponse,
  type Request,
} from './operation.ts';

export type ProcessRequest = Request;
export type ProcessResponse = OperationResponse;

export function encodeProcessRequest(w: WireWriter, m: ProcessRequest): void {
  encodeRequest(w, m);
}

export function decodeProcessRequest(r: WireReader, ctx: DecodeContext): ProcessRequest {
  return decodeRequest(r, ctx);
}

export function encodeProcessResponse(w: WireWriter, m: ProcessResponse): void {
  encodeResponseHead(w, m);
}

export function decodeProcessResponse(r: WireReader): ProcessResponse {
  return decodeResponseHead(r);
}
