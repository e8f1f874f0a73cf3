/** Status: how a request ended. Wire form: `FF` for plain OK, else type, message and call tree. */
import { DecodeError } from '../errors.ts';
import type { WireReader } from './reader.ts';
import type { WireWriter } from './writer.ts';

export const StatusType = { OK: 0, WARNING: 1, ERROR: 2, FATAL: 3 } as const;
export type StatusType = (typeof StatusType)[keyof typeof StatusType];

export interface Status {
  readonly type: StatusType;
  /** For people; empty for plain OK. */
  readonly message: string;
  /** Where in the peer's program it happened; PVXS puts machine tags here. */
  readonly callTree: string;
}

export const OK: Status = { type: StatusType.OK, message: '', callTree: '' };

export function errorStatus(message: string, type: StatusType = StatusType.ERROR): Status {
  return { type, message, callTree: '' };
}

/** OK and WARNING are success: the data that follows a success is present; otherwise nothing follows. */
export function isSuccess(s: Status): boolean {
  return s.type <= StatusType.WARNING;
}

export function encodeStatus(w: WireWriter, s: Status): void {
  if (s.type === StatusType.OK && s.message === '' && s.callTree === '') {
    w.u8(0xff);
    return;
  }
  w.u8(s.type);
  w.string(s.message);
  w.string(s.callTree);
}

export function decodeStatus(r: WireReader): Status {
  const type = r.u8();
  if (type === 0xff) return OK;
  if (type > StatusType.FATAL) throw new DecodeError(`unknown Status type ${type} at offset ${r.offset - 1}`);
  return { type: type as StatusType, message: r.string(), callTree: r.string() };
}
