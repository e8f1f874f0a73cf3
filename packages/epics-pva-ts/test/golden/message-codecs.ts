/** Which of the library's functions decodes and encodes which message, and what the result means as plain data. */
import { Command } from '../../src/frame/command.ts';
import * as acl from '../../src/message/acl-change.ts';
import * as authnz from '../../src/message/authnz.ts';
import * as channel from '../../src/message/channel.ts';
import * as validation from '../../src/message/connection-validation.ts';
import * as get from '../../src/message/get.ts';
import * as getField from '../../src/message/get-field.ts';
import * as monitor from '../../src/message/monitor.ts';
import type { TypeLookup } from '../../src/message/operation.ts';
import * as process from '../../src/message/process.ts';
import * as put from '../../src/message/put.ts';
import * as putGet from '../../src/message/put-get.ts';
import * as control from '../../src/message/request-control.ts';
import * as rpc from '../../src/message/rpc.ts';
import { AnyValue } from '../../src/value/containers.ts';
import type { DecodeContext } from '../../src/value/decode-context.ts';
import { TypeDef } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { BitSet } from '../../src/wire/bit-set.ts';
import type { WireReader } from '../../src/wire/reader.ts';
import type { WireWriter } from '../../src/wire/writer.ts';
import { notation, plain } from '../support/plain.ts';

/** The lookup has the type of what is put in PUT_GET under the negative ioid. */
export interface MessageCodec {
  decode(r: WireReader, ctx: DecodeContext, typeOf: TypeLookup, lazyFrom: number): object;
  encode(w: WireWriter, m: never): void;
}

/** ECHO: whatever it is comes back. */
const echo: MessageCodec = {
  decode: (r) => ({ payload: Buffer.from(r.bytes.subarray(r.skip(r.remaining), r.end)) }),
  encode: (w, m: { payload: Buffer }) => w.bytes(m.payload),
};

export const CODECS: ReadonlyMap<string, MessageCodec> = new Map<string, MessageCodec>([
  [
    `S ${Command.CONNECTION_VALIDATION}`,
    { decode: validation.decodeServerValidation, encode: validation.encodeServerValidation },
  ],
  [
    `C ${Command.CONNECTION_VALIDATION}`,
    { decode: validation.decodeClientValidation, encode: validation.encodeClientValidation },
  ],
  [
    `S ${Command.CONNECTION_VALIDATED}`,
    { decode: validation.decodeValidated, encode: validation.encodeValidated },
  ],
  [`C ${Command.ECHO}`, echo],
  [`S ${Command.ECHO}`, echo],
  [
    `C ${Command.CREATE_CHANNEL}`,
    { decode: channel.decodeCreateChannelRequest, encode: channel.encodeCreateChannelRequest },
  ],
  [
    `S ${Command.CREATE_CHANNEL}`,
    { decode: channel.decodeCreateChannelResponse, encode: channel.encodeCreateChannelResponse },
  ],
  [
    `C ${Command.DESTROY_CHANNEL}`,
    { decode: channel.decodeDestroyChannel, encode: channel.encodeDestroyChannel },
  ],
  [
    `S ${Command.DESTROY_CHANNEL}`,
    { decode: channel.decodeDestroyChannel, encode: channel.encodeDestroyChannel },
  ],
  [`C ${Command.GET}`, { decode: get.decodeGetRequest, encode: get.encodeGetRequest }],
  [`S ${Command.GET}`, { decode: get.decodeGetResponse, encode: get.encodeGetResponse }],
  [`C ${Command.PUT}`, { decode: put.decodePutRequest, encode: put.encodePutRequest }],
  [`S ${Command.PUT}`, { decode: put.decodePutResponse, encode: put.encodePutResponse }],
  [
    `C ${Command.PUT_GET}`,
    {
      decode: (r, ctx, typeOf) => putGet.decodePutGetRequest(r, ctx, (ioid) => typeOf(-ioid)),
      encode: putGet.encodePutGetRequest,
    },
  ],
  [
    `S ${Command.PUT_GET}`,
    {
      decode: (r, ctx, typeOf) => putGet.decodePutGetResponse(r, ctx, typeOf, (ioid) => typeOf(-ioid)),
      encode: putGet.encodePutGetResponse,
    },
  ],
  [`C ${Command.PROCESS}`, { decode: process.decodeProcessRequest, encode: process.encodeProcessRequest }],
  [`S ${Command.PROCESS}`, { decode: process.decodeProcessResponse, encode: process.encodeProcessResponse }],
  [`S ${Command.ACL_CHANGE}`, { decode: acl.decodeAclChange, encode: acl.encodeAclChange }],
  [`C ${Command.AUTHNZ}`, { decode: authnz.decodeAuthnz, encode: authnz.encodeAuthnz }],
  [`S ${Command.AUTHNZ}`, { decode: authnz.decodeAuthnz, encode: authnz.encodeAuthnz }],
  [`C ${Command.MONITOR}`, { decode: monitor.decodeMonitorRequest, encode: monitor.encodeMonitorRequest }],
  [`S ${Command.MONITOR}`, { decode: monitor.decodeMonitorResponse, encode: monitor.encodeMonitorResponse }],
  [
    `C ${Command.GET_FIELD}`,
    { decode: getField.decodeGetFieldRequest, encode: getField.encodeGetFieldRequest },
  ],
  [
    `S ${Command.GET_FIELD}`,
    { decode: getField.decodeGetFieldResponse, encode: getField.encodeGetFieldResponse },
  ],
  [
    `C ${Command.RPC}`,
    {
      decode: (r, ctx, _typeOf, lazyFrom) => rpc.decodeRpcRequest(r, ctx, lazyFrom),
      encode: rpc.encodeRpcRequest,
    },
  ],
  [`S ${Command.RPC}`, { decode: rpc.decodeRpcResponse, encode: rpc.encodeRpcResponse }],
  [
    `C ${Command.DESTROY_REQUEST}`,
    { decode: control.decodeRequestControl, encode: control.encodeRequestControl },
  ],
  [
    `C ${Command.CANCEL_REQUEST}`,
    { decode: control.decodeRequestControl, encode: control.encodeRequestControl },
  ],
  [`S ${Command.MESSAGE}`, { decode: control.decodeServerMessage, encode: control.encodeServerMessage }],
]);

/** A message as plain data. Updates (`value`) by mask and marked fields, other structures complete. */
export function meaning(message: object): unknown {
  return Object.fromEntries(Object.entries(message).map(([key, x]) => [key, part(key, x)]));
}

function part(key: string, x: unknown): unknown {
  if (x instanceof Value && key === 'value')
    return {
      type: notation(x.type),
      marks: x.marks.toArray(),
      fields: Object.fromEntries(
        x.type.nodes
          .filter((n) => !n.isStruct && x.isMarked(n.path))
          .map((n) => [n.path, plain(x.get(n.path))]),
      ),
    };
  if (x instanceof Value) return { type: notation(x.type), complete: plain(x) };
  if (x instanceof TypeDef) return notation(x);
  if (x instanceof BitSet) return x.toArray();
  if (x instanceof AnyValue) return { type: x.type && notation(x.type), any: plain(x.value) };
  return x;
}
