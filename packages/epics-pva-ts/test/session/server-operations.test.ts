/** Every operation against a server, byte by byte, asked in both byte orders. Replies are little endian always. */
import { describe, expect, it } from 'vitest';
import { Command } from '../../src/frame/command.ts';
import { encodeGetFieldRequest } from '../../src/message/get-field.ts';
import { encodeTyped } from '../../src/message/operation.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { OK } from '../../src/wire/status.ts';
import { toHex } from '../support/hex.ts';
import { messageBytes, type RawMessage } from '../support/raw-peer.ts';
import { destroyRequest, head, init, replied, request, summary, updated } from '../support/requests.ts';
import { ServerSession } from '../support/server-session.ts';

const POINT = struct('point', { x: 'int', y: 'short' });
/** `struct point {int x, short y}` as it goes over the wire. */
const POINT_HEX = '80 05 70 6f 69 6e 74 02 01 78 22 01 79 21';
const IOID = '78 56 34 12';
const ioid = 0x12345678;

function point(x: number, y: number): Value {
  return Value.create(POINT, { x, y });
}

function body(m: RawMessage): string {
  return `${m.name} ${toHex(m.payload)}`;
}

for (const littleEndian of [true, false])
  describe(`a ${littleEndian ? 'little' : 'big'} endian client`, () => {
    async function ready(
      pv: SharedPV,
      cut?: () => number,
    ): Promise<{ session: ServerSession; sid: number; ask: (...requests: Buffer[]) => Promise<string[]> }> {
      const session = await ServerSession.ready({ p: pv }, cut ? { cut } : {});
      const sid = await session.createChannel('p', 0xc1d, littleEndian);
      return {
        session,
        sid,
        ask: async (...requests) => {
          session.peer.write(...requests);
          return (await session.peer.replies()).map(body);
        },
      };
    }
    const op = (
      command: number,
      sid: number,
      subcommand: number,
      rest?: Parameters<typeof request>[4],
    ): Buffer => request(command, sid, ioid, subcommand, rest, littleEndian);
    const start = (command: number, sid: number, pvRequest = ''): Buffer =>
      init(command, sid, ioid, pvRequest, littleEndian);

    it('gets: type, then value, sub-commands echoed exactly', async () => {
      for (const cut of [undefined, () => 1]) {
        const { session, sid, ask } = await ready(SharedPV.mailbox(point(7, -2)), cut);
        expect(await ask(start(Command.GET, sid))).toEqual([`GET ${IOID} 08 ff ${POINT_HEX}`]);
        for (const sub of [0x00, 0x40, 0x50]) {
          session.peer.write(op(Command.GET, sid, sub));
          const reply = await session.peer.reply();
          expect(head(reply)).toMatchObject({ ioid, subcommand: sub, status: OK });
          expect(replied(POINT, reply)).toEqual({ x: 7, y: -2 });
        }
        // 0x10 was the last request of this operation.
        expect((await ask(op(Command.GET, sid, 0x00)))[0]).toMatch(/^GET 78 56 34 12 00 02 0e /);
      }
    });

    it('gets only the fields asked for', async () => {
      const { sid, ask } = await ready(SharedPV.mailbox(point(7, -2)));
      expect(await ask(start(Command.GET, sid, 'field(y)'))).toEqual([`GET ${IOID} 08 ff ${POINT_HEX}`]);
      expect(await ask(op(Command.GET, sid, 0))).toEqual([`GET ${IOID} 00 ff 01 04 fe ff`]);
    });

    it('puts: type, read back, put, each with its echo; what was put is there', async () => {
      const pv = SharedPV.mailbox(point(1, 2));
      const { session, sid, ask } = await ready(pv);
      expect(await ask(start(Command.PUT, sid))).toEqual([`PUT ${IOID} 08 ff ${POINT_HEX}`]);
      session.peer.write(op(Command.PUT, sid, 0x40));
      const present = await session.peer.reply();
      expect(head(present)).toMatchObject({ ioid, subcommand: 0x40, status: OK });
      expect(replied(POINT, present)).toEqual({ x: 1, y: 2 });
      const put = (value: Value) => (w: Parameters<Value['encodePartial']>[0]) => value.encodePartial(w);
      const y9 = Value.create(POINT, { y: 9 });
      expect(await ask(op(Command.PUT, sid, 0x00, put(y9)))).toEqual([`PUT ${IOID} 00 ff`]);
      expect(pv.fetch().toJS()).toEqual({ x: 1, y: 9 });
      const nothing = Value.create(POINT);
      expect(await ask(op(Command.PUT, sid, 0x00, put(nothing)))).toEqual([`PUT ${IOID} 00 ff`]);
      expect(await ask(op(Command.PUT, sid, 0x10, put(point(5, 6))))).toEqual([`PUT ${IOID} 10 ff`]);
      expect(pv.fetch().toJS()).toEqual({ x: 5, y: 6 });
      expect((await ask(op(Command.PUT, sid, 0x00, put(y9))))[0]).toContain('62 61 64 20 72 65 71');
      expect(pv.fetch().get('y')).toBe(6);
    });

    it('reads back with the last request', async () => {
      const { session, sid, ask } = await ready(SharedPV.mailbox(point(1, 2)));
      await ask(start(Command.PUT, sid));
      session.peer.write(op(Command.PUT, sid, 0x50));
      const present = await session.peer.reply();
      expect(head(present)).toMatchObject({ ioid, subcommand: 0x50, status: OK });
      expect(replied(POINT, present)).toEqual({ x: 1, y: 2 });
      expect((await ask(op(Command.PUT, sid, 0x40)))[0]).toContain('62 61 64 20 72 65 71');
    });

    it('calls: INIT without a type, argument, result with its type', async () => {
      const pv = new SharedPV({
        onRpc: (_pv, argument) =>
          argument && point(Number(argument.get('x')) + 1, Number(argument.get('y')) + 1),
      });
      const { sid, ask } = await ready(pv);
      expect(await ask(start(Command.RPC, sid))).toEqual([`RPC ${IOID} 08 ff`]);
      const call = (value: Value | null, sub: number): Buffer =>
        op(Command.RPC, sid, sub, (w) => encodeTyped(w, value));
      const result = `${POINT_HEX} 08 00 00 00 ff ff`;
      expect(await ask(call(point(7, -2), 0x00))).toEqual([`RPC ${IOID} 00 ff ${result}`]);
      expect(await ask(call(null, 0x00))).toEqual([`RPC ${IOID} 00 ff ff`]);
      expect(await ask(call(point(7, -2), 0x10))).toEqual([`RPC ${IOID} 10 ff ${result}`]);
      expect((await ask(call(null, 0x00)))[0]).toMatch(/^RPC 78 56 34 12 00 02 /);
    });

    it('asks for types: of the channel, of a field', async () => {
      const { sid, ask } = await ready(SharedPV.mailbox(point(1, 2)));
      const getField = (subfield: string): Buffer =>
        messageBytes(Command.GET_FIELD, (w) => encodeGetFieldRequest(w, { sid, ioid, subfield }), {
          littleEndian,
        });
      expect(await ask(getField(''))).toEqual([`GET_FIELD ${IOID} ff ${POINT_HEX}`]);
      // One shot: the same ioid may be used again.
      expect(await ask(getField('y'))).toEqual([`GET_FIELD ${IOID} ff 21`]);
      expect(await ask(getField('nope'))).toEqual([
        `GET_FIELD ${IOID} 02 0f 6e 6f 20 66 69 65 6c 64 20 27 6e 6f 70 65 27 00`,
      ]);
    });

    it('monitors: nothing before start, everything first, then what changes; stop, start, destroy', async () => {
      const pv = SharedPV.mailbox(point(1, 2));
      const { session, sid, ask } = await ready(pv);
      const updates = async (...requests: Buffer[]): Promise<unknown[]> => {
        session.peer.write(...requests);
        return (await session.peer.replies()).map((m) => updated(POINT, m));
      };
      const none: number[] = [];
      expect(await ask(start(Command.MONITOR, sid))).toEqual([`MONITOR ${IOID} 08 ff ${POINT_HEX}`]);
      pv.post(point(3, 2));
      expect(await ask()).toEqual([]);
      expect(await updates(op(Command.MONITOR, sid, 0x44))).toEqual([
        { fields: { x: 3, y: 2 }, overrun: none },
      ]);
      // A second start changes nothing.
      expect(await ask(op(Command.MONITOR, sid, 0x44))).toEqual([]);
      pv.post(Value.create(POINT, { y: 5 }));
      expect(await ask()).toEqual([`MONITOR ${IOID} 00 01 04 05 00 00`]);
      expect(await ask(op(Command.MONITOR, sid, 0x04))).toEqual([]);
      pv.post(Value.create(POINT, { y: 6 }));
      expect(await ask()).toEqual([]);
      expect(await updates(op(Command.MONITOR, sid, 0x44))).toEqual([
        { fields: { x: 3, y: 6 }, overrun: none },
      ]);
      expect(pv.subscriberCount).toBe(1);
      expect(await ask(op(Command.MONITOR, sid, 0x10))).toEqual([]);
      expect(pv.subscriberCount).toBe(0);
      pv.post(point(9, 9));
      expect(await ask()).toEqual([]);
    });

    it('destroys operations without a reply, and may use the ioid again', async () => {
      const pv = SharedPV.mailbox(point(1, 2));
      const { sid, ask } = await ready(pv);
      for (const command of [Command.GET, Command.PUT, Command.RPC, Command.MONITOR]) {
        expect(await ask(start(command, sid))).toHaveLength(1);
        expect(await ask(destroyRequest(sid, ioid, littleEndian))).toEqual([]);
      }
      await ask(start(Command.MONITOR, sid), op(Command.MONITOR, sid, 0x44));
      expect(pv.subscriberCount).toBe(1);
      await ask(destroyRequest(sid, ioid, littleEndian));
      expect(pv.subscriberCount).toBe(0);
    });
  });

describe('several requests in one read', () => {
  it('are answered in order, in one write', async () => {
    const session = await ServerSession.ready({ p: SharedPV.mailbox(point(1, 2)) });
    const sid = await session.createChannel('p');
    const requests = [1, 2, 3, 4, 5].flatMap((n) => [
      init(Command.GET, sid, n),
      request(Command.GET, sid, n, 0),
    ]);
    session.peer.write(Buffer.concat(requests));
    const replies = await session.peer.replies();
    expect(replies.map((m) => summary(m))).toEqual(
      [1, 2, 3, 4, 5].flatMap((n) => [`GET ${n} 08 OK`, `GET ${n} 00 OK`]),
    );
  });
});
