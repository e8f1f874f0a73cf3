/** CREATE_CHANNEL (0x07) and DESTROY_CHANNEL (0x08), both directions. The count of CREATE_CHANNEL is 16-bit. */
import { DecodeError } from '../errors.ts';
import type { WireReader } from '../wire/reader.ts';
import { decodeStatus, encodeStatus, type Status } from '../wire/status.ts';
import type { WireWriter } from '../wire/writer.ts';

export interface CreateChannelRequest {
  readonly channels: readonly { readonly cid: number; readonly name: string }[];
}

export interface CreateChannelResponse {
  readonly cid: number;
  /** 0xFFFFFFFF when refused. */
  readonly sid: number;
  readonly status: Status;
}

export interface DestroyChannel {
  readonly sid: number;
  readonly cid: number;
}

/** pvAccessCPP closes on more than one name, so send one. */
export function encodeCreateChannelRequest(w: WireWriter, m: CreateChannelRequest): void {
  w.u16(m.channels.length);
  for (const c of m.channels) {
    w.u32(c.cid);
    w.string(c.name);
  }
}

export function decodeCreateChannelRequest(r: WireReader): CreateChannelRequest {
  const n = r.u16();
  if (n * 5 > r.remaining) throw new DecodeError(`CREATE_CHANNEL with ${n} names in ${r.remaining} bytes`);
  const channels: { cid: number; name: string }[] = [];
  for (let i = 0; i < n; i++) channels.push({ cid: r.u32(), name: r.string() });
  return { channels };
}

export function encodeCreateChannelResponse(w: WireWriter, m: CreateChannelResponse): void {
  w.u32(m.cid);
  w.u32(m.sid);
  encodeStatus(w, m.status);
}

export function decodeCreateChannelResponse(r: WireReader): CreateChannelResponse {
  return { cid: r.u32(), sid: r.u32(), status: decodeStatus(r) };
}

export function encodeDestroyChannel(w: WireWriter, m: DestroyChannel): void {
  w.u32(m.sid);
  w.u32(m.cid);
}

export function decodeDestroyChannel(r: WireReader): DestroyChannel {
  return { sid: r.u32(), cid: r.u32() };
}
