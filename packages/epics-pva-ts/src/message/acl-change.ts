/**
 * ACL_CHANGE (0x06), server to client: what the client may do with one channel. A hint: requests are refused by
 * their Status. core-pva sends it in front of the CREATE_CHANNEL reply, PVXS and pvAccessCPP never, and all ignore it
 * (pva-protocol.md 3.6).
 */
import type { WireReader } from '../wire/reader.ts';
import type { WireWriter } from '../wire/writer.ts';

/** What a client may do beside reading. */
export interface AccessRights {
  /** Put is allowed. */
  readonly put: boolean;
  /** Put-get is allowed. */
  readonly putGet: boolean;
  /** RPC is allowed. */
  readonly rpc: boolean;
}

/** What holds until a server says otherwise. */
export const FULL_ACCESS: AccessRights = { put: true, putGet: true, rpc: true };

export interface AclChange {
  readonly cid: number;
  readonly rights: AccessRights;
}

const PUT = 0x01;
const PUT_GET = 0x02;
const RPC = 0x04;

export function encodeAclChange(w: WireWriter, { cid, rights }: AclChange): void {
  w.u32(cid);
  w.u8((rights.put ? PUT : 0) | (rights.putGet ? PUT_GET : 0) | (rights.rpc ? RPC : 0));
}

export function decodeAclChange(r: WireReader): AclChange {
  const cid = r.u32();
  const bits = r.u8();
  return {
    cid,
    rights: { put: (bits & PUT) !== 0, putGet: (bits & PUT_GET) !== 0, rpc: (bits & RPC) !== 0 },
  };
}
