/** What a client gets of what the server's users do: refusals, exceptions, late answers, values that cannot be sent. */
import { describe, expect, it } from 'vitest';
import { Command } from '../../src/frame/command.ts';
import { encodeTyped } from '../../src/message/operation.ts';
import { decodeServerMessage } from '../../src/message/request-control.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import type { ServedPV } from '../../src/server/source.ts';
import { bounded, struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { type RawMessage, readerOf } from '../support/raw-peer.ts';
import { init, request, summary } from '../support/requests.ts';
import { closes, INT, int, ready, stillWorks } from '../support/server-asking.ts';

describe('what users say', () => {
  it('goes to the client: refused puts, failed calls, now or later', async () => {
    const refuse = new Error('shutter is locked');
    for (const later of [false, true]) {
      const fail = (): Promise<never> => {
        if (later) return Promise.reject(refuse);
        throw refuse;
      };
      const pv = new SharedPV({ onPut: fail, onRpc: fail });
      pv.open(int(1));
      const { session, sid, ask } = await ready({ p: pv });
      expect(
        await ask(
          init(Command.PUT, sid, 5),
          request(Command.PUT, sid, 5, 0, (w) => int(2).encodePartial(w)),
          init(Command.RPC, sid, 6),
          request(Command.RPC, sid, 6, 0, (w) => encodeTyped(w, null)),
        ),
      ).toEqual([
        'PUT 5 08 OK',
        ...(later ? [] : ['PUT 5 00 ERROR shutter is locked']),
        'RPC 6 08 OK',
        ...(later ? ['PUT 5 00 ERROR shutter is locked'] : []),
        'RPC 6 00 ERROR shutter is locked',
      ]);
      expect(pv.fetch().get('value')).toBe(1);
      await stillWorks(session);
    }
  });

  it('is not a stack trace, and need not be an Error', async () => {
    const pv = new SharedPV({
      onRpc: () => {
        throw 'just text';
      },
    });
    const { sid, ask } = await ready({ p: pv });
    expect(
      await ask(
        init(Command.RPC, sid, 6),
        request(Command.RPC, sid, 6, 0, (w) => encodeTyped(w, null)),
      ),
    ).toEqual(['RPC 6 08 OK', 'RPC 6 00 ERROR just text']);
  });

  it('read-only PVs and PVs without RPC say so', async () => {
    const { sid, ask } = await ready({ p: SharedPV.readonly(int(1)) });
    expect(
      await ask(
        init(Command.PUT, sid, 5),
        request(Command.PUT, sid, 5, 0, (w) => int(2).encodePartial(w)),
        init(Command.RPC, sid, 6),
        request(Command.RPC, sid, 6, 0, (w) => encodeTyped(w, null)),
      ),
    ).toEqual([
      'PUT 5 08 OK',
      'PUT 5 00 ERROR put not permitted: this PV is read-only',
      'RPC 6 08 OK',
      'RPC 6 00 ERROR RPC not implemented by this PV',
    ]);
  });

  const FIXED = struct('', { value: bounded('int', 'fixed', 3) });
  it.each([false, true])(
    'a result that cannot be encoded is an error of that call only (later: %s)',
    async (later) => {
      const bad = Value.create(FIXED);
      bad.setNode(FIXED.node('value'), new Int32Array(2));
      const pv = new SharedPV({ onRpc: () => (later ? Promise.resolve(bad) : bad) });
      const { session, sid, ask } = await ready({ p: pv });
      expect(
        await ask(
          init(Command.RPC, sid, 6),
          request(Command.RPC, sid, 6, 0, (w) => encodeTyped(w, null)),
        ),
      ).toEqual(['RPC 6 08 OK', 'RPC 6 00 ERROR fixed array needs 3 elements, has 2']);
      // Nothing of the failed message is left in front of the next one.
      await stillWorks(session);
    },
  );

  it('a value of another type than the PV announced is an error, not bytes nobody can read', async () => {
    const pv: ServedPV = {
      whenOpen: (opened) => {
        opened(INT);
        return () => {};
      },
      get: () => Value.create(struct('', { value: 'string' }), { value: 'x' }),
      put: () => {},
      rpc: () => null,
      subscribe: () => () => {},
      attach: () => () => {},
    };
    const { sid, ask } = await ready({ p: pv });
    expect(await ask(init(Command.GET, sid, 5), request(Command.GET, sid, 5, 0))).toEqual([
      'GET 5 08 OK',
      'GET 5 00 ERROR the PV announced structure and gave another structure',
    ]);
  });
});

describe('pvRequests', () => {
  it('null means everything', async () => {
    const { sid, ask } = await ready();
    expect(await ask(init(Command.GET, sid, 5, null), request(Command.GET, sid, 5, 0))).toEqual([
      'GET 5 08 OK',
      'GET 5 00 OK',
    ]);
  });

  it('that select nothing are refused, and the ioid is free again', async () => {
    const { session, sid, ask } = await ready();
    for (const command of [Command.GET, Command.PUT, Command.MONITOR])
      expect(await ask(init(command, sid, 5, 'field(nope)'))).toMatchObject([
        / 5 08 ERROR none of the requested fields exists: nope$/,
      ]);
    expect(await ask(init(Command.GET, sid, 5))).toEqual(['GET 5 08 OK']);
    await stillWorks(session);
  });

  it('with some unknown fields get a warning and the rest', async () => {
    const { session, sid } = await ready();
    session.peer.write(init(Command.GET, sid, 5, 'field(value,nope)'));
    const [warning, reply] = await session.peer.replies();
    expect(decodeServerMessage(readerOf(warning as RawMessage))).toEqual({
      ioid: 5,
      severity: 1,
      message: 'no such field: nope',
    });
    expect(summary(reply as RawMessage)).toBe('GET 5 08 OK');
  });

  it('that are no structure close the connection', async () => {
    const { session, sid } = await ready();
    await closes(
      session,
      /PVA_DECODE GET: a structure expected, not int/,
      request(Command.GET, sid, 5, 8, (w) => w.bytes(Buffer.from([0x22, 1, 0, 0, 0]))),
    );
  });
});

describe('a PV that ends a monitor while it is subscribed to', () => {
  it.each(['finish', 'fail'] as const)('is left at once (%s)', async (how) => {
    let subscribers = 0;
    const pv: ServedPV = {
      whenOpen: (opened) => {
        opened(INT);
        return () => {};
      },
      attach: () => () => {},
      get: () => int(1),
      put: () => {},
      rpc: () => null,
      subscribe: (sink) => {
        subscribers++;
        if (how === 'finish') sink.finish();
        else sink.fail?.('the detector is off');
        return () => subscribers--;
      },
    };
    const { session, sid, ask } = await ready({ p: pv });
    const replies = await ask(init(Command.MONITOR, sid, 5), request(Command.MONITOR, sid, 5, 0x44));
    expect(replies.at(-1)).toBe(
      how === 'finish' ? 'MONITOR 5 10 OK' : 'MONITOR 5 10 ERROR the detector is off',
    );
    expect([subscribers, session.client.operationCount]).toEqual([0, 0]);
    await stillWorks(session);
  });
});
