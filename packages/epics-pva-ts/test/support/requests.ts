/** Requests of the operation commands as bytes, for tests that play a client. */
import { Command } from '../../src/frame/command.ts';
import { encodeHead, encodeTyped, SUB } from '../../src/message/operation.ts';
import { encodeRequestControl } from '../../src/message/request-control.ts';
import { DecodeContext } from '../../src/value/decode-context.ts';
import { parsePvRequest } from '../../src/value/pv-request.ts';
import type { TypeDef } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { BitSet } from '../../src/wire/bit-set.ts';
import type { WireReader } from '../../src/wire/reader.ts';
import { decodeStatus, type Status } from '../../src/wire/status.ts';
import type { WireWriter } from '../../src/wire/writer.ts';
import { brief, messageBytes, type RawMessage, readerOf } from './raw-peer.ts';

/** Any request of GET, PUT, RPC or MONITOR: head, then what `rest` writes. */
export function request(
  command: number,
  sid: number,
  ioid: number,
  subcommand: number,
  rest: (w: WireWriter) => void = () => {},
  littleEndian = true,
): Buffer {
  return messageBytes(
    command,
    (w) => {
      encodeHead(w, { sid, ioid, subcommand });
      rest(w);
    },
    { littleEndian },
  );
}

/** INIT with a pvRequest in text; null is the null request. */
export function init(
  command: number,
  sid: number,
  ioid: number,
  pvRequest: string | null = '',
  littleEndian = true,
): Buffer {
  return request(
    command,
    sid,
    ioid,
    SUB.INIT,
    (w) => encodeTyped(w, pvRequest === null ? null : parsePvRequest(pvRequest)),
    littleEndian,
  );
}

export function destroyRequest(sid: number, ioid: number, littleEndian = true): Buffer {
  return messageBytes(Command.DESTROY_REQUEST, (w) => encodeRequestControl(w, { sid, ioid }), {
    littleEndian,
  });
}

/** Head of a reply of GET, PUT and RPC, and of MONITOR's INIT; `r` stands behind it. */
export function head(m: RawMessage): { ioid: number; subcommand: number; status: Status; r: WireReader } {
  const r = readerOf(m);
  return { ioid: r.u32(), subcommand: r.u8(), status: decodeStatus(r), r };
}

/** The fields of an update or of a reply with a mask: what they hold, and which of them came. */
export function partial(type: TypeDef, r: WireReader): { fields: unknown; came: string[] } {
  const value = Value.decodePartial(type, r, new DecodeContext());
  const came = type.nodes.filter((n) => !n.isStruct && value.isMarked(n.path)).map((n) => n.path);
  return { fields: Object.fromEntries(came.map((path) => [path, value.get(path)])), came };
}

/** Fields of a GET reply or of a PUT read back. */
export function replied(type: TypeDef, m: RawMessage): unknown {
  return partial(type, head(m).r).fields;
}

/** An update of a MONITOR: which fields came, what they hold, and which were overwritten. */
export function updated(type: TypeDef, m: RawMessage): { fields: unknown; overrun: number[] } {
  const r = readerOf(m);
  r.u32();
  if (r.u8() !== 0) throw new Error(`no update: ${brief([m])}`);
  const { fields } = partial(type, r);
  return { fields, overrun: BitSet.decode(r).toArray() };
}

/** `ioid subcommand status`, e.g. `7 00 OK` or `7 08 ERROR bad channel id`: what most tests look at. */
export function summary(m: RawMessage): string {
  const { ioid, subcommand, status } = head(m);
  const type = ['OK', 'WARNING', 'ERROR', 'FATAL'][status.type];
  return `${m.name} ${ioid} ${subcommand.toString(16).padStart(2, '0')} ${type} ${status.message}`.trim();
}
