/** DESTROY_REQUEST (0x0F) and CANCEL_REQUEST (0x15): same layout, no reply. Plus MESSAGE (0x12) about an operation. */
import type { WireReader } from '../wire/reader.ts';
import type { WireWriter } from '../wire/writer.ts';

export interface RequestControl {
  readonly sid: number;
  readonly ioid: number;
}

export function encodeRequestControl(w: WireWriter, m: RequestControl): void {
  w.u32(m.sid);
  w.u32(m.ioid);
}

export function decodeRequestControl(r: WireReader): RequestControl {
  return { sid: r.u32(), ioid: r.u32() };
}

/** Text from the server about an operation; never its completion, and the ioid may be unknown by now. */
export interface ServerMessage {
  readonly ioid: number;
  /** 0 info, 1 warning, 2 error, 3 fatal. */
  readonly severity: number;
  readonly message: string;
}

export function encodeServerMessage(w: WireWriter, m: ServerMessage): void {
  w.u32(m.ioid);
  w.u8(m.severity);
  w.string(m.message);
}

export function decodeServerMessage(r: WireReader): ServerMessage {
  return { ioid: r.u32(), severity: r.u8(), message: r.string() };
}
