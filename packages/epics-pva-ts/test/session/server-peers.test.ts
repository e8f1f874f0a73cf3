/** What the interop tests with real clients have taught the server, byte by byte. */
import { expect, it } from 'vitest';
import { Command } from '../../src/frame/command.ts';
import { SUB } from '../../src/message/operation.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { UnionValue } from '../../src/value/containers.ts';
import { struct, union } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { fromHex } from '../support/hex.ts';
import { head, init, partial, request } from '../support/requests.ts';
import { ServerSession } from '../support/server-session.ts';

const CHOICE = union('', { number: 'int', text: 'string' });
const HOLDER = struct('', {
  before: 'int',
  choice: CHOICE,
  inner: struct('', { choice: CHOICE }),
  after: 'string',
});

it('keeps the type ids that a refused ARRAY has defined (pvAccessCPP)', async () => {
  const pv = SharedPV.mailbox(Value.create(struct('', { value: 'int' }), { value: 7 }));
  const session = await ServerSession.ready({ p: pv });
  const sid = await session.createChannel('p', 1);
  // putField(value) with ids 1 to 3, then field(value) in which putField's type comes as id 2.
  const putField =
    'fd 01 00 80 00 01 08 70 75 74 46 69 65 6c 64 fd 02 00 80 00 01 05 76 61 6c 75 65 fd 03 00 80 00 00';
  const field = 'fd 04 00 80 00 01 05 66 69 65 6c 64 fe 02 00';
  const start = (command: number, ioid: number, pvRequest: string) =>
    request(command, sid, ioid, SUB.INIT, (w) => w.bytes(fromHex(pvRequest)));
  session.peer.write(start(Command.ARRAY, 5, putField));
  expect(head(await session.peer.reply()).status.message).toMatch(/^ARRAY is not supported by this server/);
  session.peer.write(start(Command.GET, 6, field));
  expect(head(await session.peer.reply()).status.message).toBe('');
  expect(session.peer.closed).toBe(false);
});

it('leaves unions with nothing selected out of what a put reads before (PVXS)', async () => {
  const pv = SharedPV.mailbox(Value.create(HOLDER, { before: 1, after: 'end' }));
  const session = await ServerSession.ready({ p: pv });
  const sid = await session.createChannel('p', 1);
  const present = async () => {
    session.peer.write(request(Command.PUT, sid, 5, SUB.GET));
    return partial(HOLDER, head(await session.peer.reply()).r);
  };
  session.peer.write(init(Command.PUT, sid, 5), init(Command.GET, sid, 6));
  await session.peer.replies();
  expect((await present()).came).toEqual(['before', 'after']);
  pv.post(Value.create(HOLDER, { choice: new UnionValue(CHOICE, 1, 'hello') }));
  const { came, fields } = await present();
  expect(came).toEqual(['before', 'choice', 'after']);
  expect(fields).toMatchObject({ choice: { member: 'text', value: 'hello' } });
  // A get has them all.
  session.peer.write(request(Command.GET, sid, 6, SUB.EXEC));
  const got = partial(HOLDER, head(await session.peer.reply()).r);
  expect(got.came).toEqual(['before', 'choice', 'inner.choice', 'after']);
});
