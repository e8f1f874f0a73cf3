/** What a scripted server says to a client's operations. */
import { Command } from '../../src/frame/command.ts';
import { encodeGetResponse } from '../../src/message/get.ts';
import { encodeMonitorResponse } from '../../src/message/monitor.ts';
import { encodeResponseHead, SUB } from '../../src/message/operation.ts';
import { struct, type TypeDef } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { BitSet } from '../../src/wire/bit-set.ts';
import { OK, type Status } from '../../src/wire/status.ts';
import { type RawMessage, readerOf } from './raw-peer.ts';
import type { ScriptedServer } from './scripted-server.ts';

export const INT: TypeDef = struct('', { value: 'int' });
export const TEXT: TypeDef = struct('', { value: 'string', other: 'int' });
export const ANY: TypeDef = struct('', { value: 'any' });
export const int = (value: number): Value => Value.create(INT, { value });
export const OPTIONS = { timeout: 0 };

export function ids(m: RawMessage): { sid: number; ioid: number; subcommand: number } {
  const r = readerOf(m);
  return { sid: r.u32(), ioid: r.u32(), subcommand: r.remaining > 0 ? r.u8() : -1 };
}

/** Replies of GET and of PUT's read back. */
export function replyInit(
  s: ScriptedServer,
  command: number,
  ioid: number,
  type: TypeDef,
  status: Status = OK,
): void {
  s.send(command, (w) => encodeGetResponse(w, { ioid, subcommand: SUB.INIT, status, type }));
}
export function replyValue(
  s: ScriptedServer,
  command: number,
  ioid: number,
  subcommand: number,
  value: Value,
): void {
  s.send(command, (w) => {
    encodeResponseHead(w, { ioid, subcommand, status: OK });
    value.encodePartial(w);
  });
}
export function update(s: ScriptedServer, ioid: number, value: Value): void {
  s.send(Command.MONITOR, (w) =>
    encodeMonitorResponse(w, { ioid, subcommand: SUB.EXEC, status: OK, value, overrun: new BitSet() }),
  );
}
export function monitorInit(
  s: ScriptedServer,
  ioid: number,
  type: TypeDef | undefined,
  status: Status = OK,
): void {
  s.send(Command.MONITOR, (w) => encodeMonitorResponse(w, { ioid, subcommand: SUB.INIT, status, type }));
}
