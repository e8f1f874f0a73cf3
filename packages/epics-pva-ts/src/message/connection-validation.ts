/**
 * CONNECTION_VALIDATION (0x01) in its two layouts, and CONNECTION_VALIDATED (0x09).
 *
 * The server lists authentication methods from least to most preferred; the client takes the last one it knows.
 * Buffer and registry sizes are exchanged and used by nobody. The data of "anonymous" is the null type, which PVXS
 * servers insist on; "ca" claims a user and a host, both possibly empty (PVXS 1.5.2 sends them so).
 */
import { DecodeError } from '../errors.ts';
import type { DecodeContext } from '../value/decode-context.ts';
import { codecOf } from '../value/field-codec.ts';
import { decodeType, encodeType } from '../value/type-codec.ts';
import { struct, type TypeDef } from '../value/type-def.ts';
import { Value } from '../value/value.ts';
import type { WireReader } from '../wire/reader.ts';
import { decodeStatus, encodeStatus, type Status } from '../wire/status.ts';
import type { WireWriter } from '../wire/writer.ts';

/** What a PVXS server announces; nobody evaluates it. */
export const RECEIVE_BUFFER_SIZE = 0x10000;
export const REGISTRY_SIZE = 0x7fff;

export interface ServerValidation {
  readonly bufferSize: number;
  readonly registrySize: number;
  readonly methods: readonly string[];
}

export interface ClientValidation {
  readonly bufferSize: number;
  readonly registrySize: number;
  /** pvAccessCPP puts the channel priority here. */
  readonly qos: number;
  readonly method: string;
  /** Data of the method; null for anonymous. */
  readonly data: Value | null;
}

const CA_TYPE: TypeDef = struct('', { user: 'string', host: 'string' });

/** The claims of method "ca". */
export function caCredentials(user: string, host: string): Value {
  return Value.create(CA_TYPE, { user, host });
}

export function encodeServerValidation(w: WireWriter, m: ServerValidation): void {
  w.u32(m.bufferSize);
  w.u16(m.registrySize);
  w.size(m.methods.length);
  for (const s of m.methods) w.string(s);
}

export function decodeServerValidation(r: WireReader): ServerValidation {
  const bufferSize = r.u32();
  const registrySize = r.u16();
  const methods: string[] = [];
  for (let n = r.count(1); n > 0; n--) methods.push(r.string());
  return { bufferSize, registrySize, methods };
}

export function encodeClientValidation(w: WireWriter, m: ClientValidation): void {
  w.u32(m.bufferSize);
  w.u16(m.registrySize);
  w.u16(m.qos);
  w.string(m.method);
  encodeType(w, m.data?.type ?? null);
  m.data?.encodeFull(w);
}

/** The data part may be missing altogether (pvAccessCPP servers tolerate that too). */
export function decodeClientValidation(r: WireReader, ctx: DecodeContext): ClientValidation {
  const bufferSize = r.u32();
  const registrySize = r.u16();
  const qos = r.u16();
  const method = r.string();
  let data: Value | null = null;
  if (r.remaining > 0) {
    const type = decodeType(r, ctx.types);
    if (type !== null) {
      const v = codecOf(type).decode(r, ctx);
      if (v instanceof Value) data = v;
      else if (method === 'ca') throw new DecodeError('the data of method "ca" is not a structure');
    }
  }
  return { bufferSize, registrySize, qos, method, data };
}

export function encodeValidated(w: WireWriter, status: Status): void {
  encodeStatus(w, status);
}

export function decodeValidated(r: WireReader): Status {
  return decodeStatus(r);
}
