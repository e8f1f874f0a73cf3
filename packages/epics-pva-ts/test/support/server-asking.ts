/** A validated client with one channel on a server, and what tests of wrong requests say to it. */
import { expect } from 'vitest';
import { Command } from '../../src/frame/command.ts';
import { encodeCreateChannelRequest, encodeDestroyChannel } from '../../src/message/channel.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import type { ServedPV } from '../../src/server/source.ts';
import { struct, type TypeDef } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { messageBytes, names } from './raw-peer.ts';
import { summary } from './requests.ts';
import { ServerSession } from './server-session.ts';

export const INT: TypeDef = struct('', { value: 'int' });
export const int = (value: number): Value => Value.create(INT, { value });

export async function ready(
  pvs: Record<string, ServedPV> = { p: SharedPV.mailbox(int(1)) },
): Promise<{ session: ServerSession; sid: number; ask: (...b: (Buffer | string)[]) => Promise<string[]> }> {
  const session = await ServerSession.ready(pvs);
  const sid = await session.createChannel('p');
  const ask = async (...b: (Buffer | string)[]): Promise<string[]> => {
    session.peer.write(...b);
    return (await session.peer.replies()).map((m) => summary(m));
  };
  return { session, sid, ask };
}

export const NEXT = 'ca 02 00 02 01 00 00 00 2a';
/** The connection still works: an ECHO comes back, and nothing else was said. */
export async function stillWorks(session: ServerSession): Promise<void> {
  expect(await session.peer.exchange(NEXT)).toEqual(['ca 02 40 02 01 00 00 00 2a']);
}

export async function closes(
  session: ServerSession,
  why: RegExp,
  ...bytes: (Buffer | string)[]
): Promise<void> {
  session.peer.write(...bytes, NEXT);
  const replies = await session.peer.replies();
  expect(session.closedBecause).toMatch(why);
  expect(session.peer.closed).toBe(true);
  expect(names(replies)).not.toContain('ECHO');
}

export function create(...list: [number, string][]): Buffer {
  const channels = list.map(([cid, name]) => ({ cid, name }));
  return messageBytes(Command.CREATE_CHANNEL, (w) => encodeCreateChannelRequest(w, { channels }));
}

export function destroyChannel(sid: number, cid: number): Buffer {
  return messageBytes(Command.DESTROY_CHANNEL, (w) => encodeDestroyChannel(w, { sid, cid }));
}
