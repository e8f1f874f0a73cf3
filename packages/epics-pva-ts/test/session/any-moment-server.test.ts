/**
 * DESTROY_REQUEST, CANCEL_REQUEST, DESTROY_CHANNEL and the end of the connection at every stage of every operation, as
 * the server sees them: the right reply or silence, nothing left behind, and the connection goes on.
 */
import { describe, expect, it } from 'vitest';
import { Command } from '../../src/frame/command.ts';
import { encodeGetFieldRequest } from '../../src/message/get-field.ts';
import { encodeRequestControl } from '../../src/message/request-control.ts';
import type { RequestInfo } from '../../src/server/request-info.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { Random } from '../support/random.ts';
import { messageBytes } from '../support/raw-peer.ts';
import { destroyRequest, init, request, summary } from '../support/requests.ts';
import { destroyChannel, int, stillWorks } from '../support/server-asking.ts';
import { ServerSession } from '../support/server-session.ts';

const IOID = 7;
const put = (sid: number, ioid: number, sub = 0, command: number = Command.PUT): Buffer =>
  request(command, sid, ioid, sub, (w) => int(3).encodePartial(w));
const cancel = (sid: number, ioid: number): Buffer =>
  messageBytes(Command.CANCEL_REQUEST, (w) => encodeRequestControl(w, { sid, ioid }));

/** What a client asks once an operation has begun. */
const OPERATIONS: readonly { name: string; command: number; execute(sid: number, ioid: number): Buffer }[] = [
  { name: 'GET', command: Command.GET, execute: (sid, ioid) => request(Command.GET, sid, ioid, 0) },
  { name: 'PUT', command: Command.PUT, execute: (sid, ioid) => put(sid, ioid) },
  {
    name: 'PUT_GET',
    command: Command.PUT_GET,
    execute: (sid, ioid) => put(sid, ioid, 0, Command.PUT_GET),
  },
  {
    name: 'PROCESS',
    command: Command.PROCESS,
    execute: (sid, ioid) => request(Command.PROCESS, sid, ioid, 0),
  },
  {
    name: 'RPC',
    command: Command.RPC,
    execute: (sid, ioid) => request(Command.RPC, sid, ioid, 0, (w) => w.u8(0xff)),
  },
];

/** A PV whose every handler waits until the test lets it go. */
class Slow {
  readonly pv: SharedPV;
  readonly infos: RequestInfo[] = [];
  private readonly waiting: (() => void)[] = [];

  constructor(open: boolean) {
    const wait = (info: RequestInfo): Promise<void> => {
      this.infos.push(info);
      return new Promise((resolve) => this.waiting.push(resolve));
    };
    this.pv = new SharedPV({
      onPut: (_pv, _value, _client, info) => wait(info),
      onProcess: (_pv, _client, info) => wait(info),
      onRpc: async (_pv, _argument, _client, info) => {
        await wait(info);
        return null;
      },
    });
    const { pv } = this;
    const now = pv.get.bind(pv);
    // GET waits too.
    Object.assign(pv, { get: () => new Promise((resolve) => this.waiting.push(() => resolve(now()))) });
    if (open) pv.open(int(1));
  }

  /** Lets everything go, and what begins to wait because of it. */
  async release(settle: () => Promise<unknown>): Promise<void> {
    while (this.waiting.length > 0) {
      for (const go of this.waiting.splice(0)) go();
      await settle();
    }
  }
}

/** Ends of an operation; `silent`: nothing more is said about it. */
const ENDINGS: readonly {
  name: string;
  silent: boolean;
  bytes(sid: number): Buffer[];
  replies(name: string): string[];
}[] = [
  { name: 'DESTROY_REQUEST', silent: true, bytes: (sid) => [destroyRequest(sid, IOID)], replies: () => [] },
  {
    name: 'DESTROY_REQUEST twice',
    silent: true,
    bytes: (sid) => [destroyRequest(sid, IOID), destroyRequest(sid, IOID)],
    replies: () => [],
  },
  { name: 'CANCEL_REQUEST', silent: false, bytes: (sid) => [cancel(sid, IOID)], replies: () => [] },
  {
    name: 'CANCEL_REQUEST and DESTROY_REQUEST (pvcall)',
    silent: true,
    bytes: (sid) => [cancel(sid, IOID), destroyRequest(sid, IOID)],
    replies: () => [],
  },
  {
    name: 'DESTROY_CHANNEL',
    silent: true,
    bytes: (sid) => [destroyChannel(sid, 1)],
    replies: () => ['DESTROY_CHANNEL'],
  },
];

describe.each(OPERATIONS)('$name', ({ name, command, execute }) => {
  describe.each(ENDINGS)('ended by $name', (ending) => {
    async function begun(open: boolean) {
      const slow = new Slow(open);
      const session = await ServerSession.ready({ p: slow.pv });
      const sid = await session.createChannel('p');
      session.peer.write(init(command, sid, IOID));
      const replies = await session.peer.replies();
      return { slow, session, sid, replies };
    }
    type Begun = Awaited<ReturnType<typeof begun>>;

    async function end({ slow, session, sid }: Begun): Promise<string[]> {
      session.peer.write(...ending.bytes(sid));
      const said = (await session.peer.replies()).map((m) => m.name);
      expect(said).toEqual(ending.replies(name));
      const late: string[] = [];
      await slow.release(async () => late.push(...(await session.peer.replies()).map(summary)));
      return late;
    }

    /** Nothing is left, and id and connection serve again. */
    async function clean({ session, sid }: Begun): Promise<void> {
      session.peer.write(destroyRequest(sid, IOID));
      await session.peer.replies();
      expect(session.client.operationCount).toBe(0);
      await stillWorks(session);
      const again = await session.createChannel('p', 2);
      session.peer.write(init(command, again, IOID));
      expect((await session.peer.replies()).map(summary)).toEqual([`${name} ${IOID} 08 OK`]);
      session.peer.transport.close();
      await session.peer.replies();
      expect(session.client.operationCount).toBe(0);
    }

    it('while INIT waits for the PV to open', async () => {
      const s = await begun(false);
      if (command === Command.RPC) return; // needs no type: INIT never waits
      expect(s.replies).toEqual([]);
      await end(s);
      s.slow.pv.open(int(1));
      const late = (await s.session.peer.replies()).map(summary);
      expect(late).toEqual(ending.silent ? [] : [`${name} ${IOID} 08 OK`]);
      await clean(s);
    });

    it('after INIT', async () => {
      const s = await begun(true);
      expect(s.replies.map(summary)).toEqual([`${name} ${IOID} 08 OK`]);
      expect(await end(s)).toEqual([]);
      await clean(s);
    });

    it('while it is executed', async () => {
      const s = await begun(true);
      s.session.peer.write(execute(s.sid, IOID));
      expect(await s.session.peer.replies()).toEqual([]);
      // A second request meanwhile is refused, and is not executed later.
      s.session.peer.write(execute(s.sid, IOID));
      expect((await s.session.peer.replies()).map(summary)).toEqual([
        `${name} ${IOID} 00 ERROR other request pending`,
      ]);
      const signals = s.slow.infos.map((i) => i.signal);
      expect(signals.map((x) => x.aborted)).toEqual(signals.map(() => false));
      const late = await end(s);
      expect(signals.map((x) => x.aborted)).toEqual(signals.map(() => true));
      expect(late).toEqual(ending.silent ? [] : [`${name} ${IOID} 00 OK`]);
      await clean(s);
    });

    it('with the last request under way', async () => {
      const s = await begun(true);
      const last = execute(s.sid, IOID);
      last[8 + 8] = 0x10;
      s.session.peer.write(last);
      expect(await s.session.peer.replies()).toEqual([]);
      expect(await end(s)).toEqual(ending.silent ? [] : [`${name} ${IOID} 10 OK`]);
      expect(s.session.client.operationCount).toBe(0);
      await clean(s);
    });

    it('after it was executed', async () => {
      const s = await begun(true);
      s.session.peer.write(execute(s.sid, IOID));
      await s.session.peer.replies();
      const replies: string[] = [];
      await s.slow.release(async () => replies.push(...(await s.session.peer.replies()).map(summary)));
      expect(replies).toEqual([`${name} ${IOID} 00 OK`]);
      expect(await end(s)).toEqual([]);
      await clean(s);
    });
  });
});

describe('MONITOR', () => {
  const sub = (sid: number, s: number): Buffer => request(Command.MONITOR, sid, IOID, s);
  const ack = (sid: number, n: number): Buffer => request(Command.MONITOR, sid, IOID, 0x80, (w) => w.u32(n));

  /** What was sent until the operation ends; `open` false: the PV opens only afterwards. */
  const STAGES: Readonly<Record<string, (sid: number, pv: SharedPV) => Buffer[]>> = {
    'after INIT': () => [],
    started: (sid) => [sub(sid, 0x44)],
    stopped: (sid) => [sub(sid, 0x44), sub(sid, 0x04)],
    'started twice': (sid) => [sub(sid, 0x44), sub(sid, 0x44)],
    acknowledged: (sid) => [sub(sid, 0x44), ack(sid, 3)],
  };
  const endings = [
    ...ENDINGS,
    {
      name: 'sub-command 10',
      silent: true,
      bytes: (sid: number) => [sub(sid, 0x10)],
      replies: (): string[] => [],
    },
  ];
  const cases = endings.flatMap((ending) =>
    Object.keys(STAGES).flatMap((stage) =>
      [false, true].map((pipeline) => ({ ending, stage, pipeline, title: `${ending.name}, ${stage}` })),
    ),
  );

  it.each(cases)('ended by $title, pipeline $pipeline', async ({ ending, stage, pipeline }) => {
    for (const open of [true, false]) {
      const pv = new SharedPV();
      if (open) pv.open(int(1));
      const session = await ServerSession.ready({ p: pv });
      const sid = await session.createChannel('p');
      const start = init(Command.MONITOR, sid, IOID);
      session.peer.write(
        pipeline
          ? request(Command.MONITOR, sid, IOID, 0x88, (w) => {
              w.bytes(Buffer.from([0x80, 0, 0]));
              w.u32(1);
            })
          : start,
      );
      await session.peer.replies();
      session.peer.write(...(STAGES[stage] as (sid: number, pv: SharedPV) => Buffer[])(sid, pv));
      await session.peer.replies();
      if (open) for (let i = 0; i < 10; i++) pv.post(int(i));
      await session.peer.replies();
      session.peer.write(...ending.bytes(sid));
      expect((await session.peer.replies()).map((m) => m.name)).toEqual(ending.replies('MONITOR'));
      if (!open) pv.open(int(1));
      pv.post(int(5));
      pv.finish();
      const late = await session.peer.replies();
      if (ending.silent) {
        expect(late).toEqual([]);
        expect([pv.subscriberCount, session.client.operationCount]).toEqual([0, 0]);
      }
      session.peer.write(destroyRequest(sid, IOID));
      await stillWorks(session);
      expect([pv.subscriberCount, session.client.operationCount]).toEqual([0, 0]);
    }
  });

  it.each([false, true])('finished while it is ended, pipeline %s', async (pipeline) => {
    for (const ending of endings) {
      const pv = new SharedPV();
      pv.open(int(1));
      const session = await ServerSession.ready({ p: pv });
      const sid = await session.createChannel('p');
      session.peer.write(init(Command.MONITOR, sid, IOID), sub(sid, 0x44));
      await session.peer.replies();
      if (pipeline) pv.post(int(2));
      pv.finish();
      expect(session.client.operationCount).toBe(0);
      session.peer.write(...ending.bytes(sid));
      const said = (await session.peer.replies()).map((m) => m.payload[4]);
      expect(said.slice(0, pipeline ? 2 : 1).at(-1)).toBe(0x10);
      await stillWorks(session);
    }
  });
});

describe('GET_FIELD', () => {
  it.each(ENDINGS)('that waits for the PV to open, and $name', async (ending) => {
    const pv = new SharedPV();
    const session = await ServerSession.ready({ p: pv });
    const sid = await session.createChannel('p');
    session.peer.write(
      messageBytes(Command.GET_FIELD, (w) => encodeGetFieldRequest(w, { sid, ioid: IOID, subfield: '' })),
      ...ending.bytes(sid),
    );
    expect((await session.peer.replies()).map((m) => m.name)).toEqual(ending.replies('GET_FIELD'));
    pv.open(int(1));
    const late = (await session.peer.replies()).map((m) => m.name);
    // It is no operation: only the end of the channel ends it.
    expect(late).toEqual(ending.name === 'DESTROY_CHANNEL' ? [] : ['GET_FIELD']);
    await stillWorks(session);
  });
});

describe('any order of everything', () => {
  it('leaves nothing behind and does not end the connection', async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = new Random(seed);
      const slow = new Slow(random.chance(0.5));
      const session = await ServerSession.ready({ p: slow.pv });
      let sids = [await session.createChannel('p', 1)];
      /** ioids are never used again, as real clients do it. */
      let nextIoid = 100;
      let live: { ioid: number; sid: number; operation: number }[] = [];
      const gone = new Set<number>();
      for (let step = 0; step < 80; step++) {
        const sid = random.pick(sids);
        const one = live.length > 0 ? random.pick(live) : undefined;
        switch (random.int(9)) {
          case 0:
          case 1: {
            const operation = random.int(OPERATIONS.length + 1);
            const command = OPERATIONS[operation]?.command ?? Command.MONITOR;
            live.push({ ioid: ++nextIoid, sid, operation });
            session.peer.write(init(command, sid, nextIoid));
            break;
          }
          case 2:
          case 3:
            if (one)
              session.peer.write(
                OPERATIONS[one.operation]?.execute(one.sid, one.ioid) ??
                  request(Command.MONITOR, one.sid, one.ioid, random.pick([0x44, 0x04])),
              );
            break;
          case 4:
            if (one) session.peer.write(cancel(one.sid, one.ioid));
            break;
          case 5:
            if (!one) break;
            session.peer.write(destroyRequest(one.sid, one.ioid));
            live = live.filter((x) => x !== one);
            gone.add(one.ioid);
            break;
          case 6:
            if (sids.length < 3) sids.push(await createLater(session, sids.length + step + 1));
            break;
          case 7:
            if (sids.length < 2) break;
            session.peer.write(destroyChannel(sid, 1));
            sids = sids.filter((x) => x !== sid);
            for (const x of live) if (x.sid === sid) gone.add(x.ioid);
            live = live.filter((x) => x.sid !== sid);
            break;
          default:
            if (!slow.pv.isOpen) slow.pv.open(int(1));
            else slow.pv.post(int(step));
        }
        if (!random.chance(0.3)) continue;
        await session.peer.replies();
        // What has settled is silent about everything destroyed before.
        await slow.release(async () => {
          for (const m of await session.peer.replies()) {
            if (m.name === 'DESTROY_CHANNEL') continue;
            const ioid = m.payload.readUInt32LE(0);
            expect(gone.has(ioid), `seed ${seed}: ${m.name} for ${ioid}`).toBe(false);
          }
        });
      }
      expect(session.closedBecause, `seed ${seed}`).toBeUndefined();
      for (const sid of sids) session.peer.write(destroyChannel(sid, 1));
      await session.peer.replies();
      await slow.release(() => session.peer.replies());
      expect([session.client.operationCount, slow.pv.subscriberCount, slow.pv.clientCount]).toEqual([
        0, 0, 0,
      ]);
      await stillWorks(session);
    }
  });
});

/** Creates a channel although other replies are under way. */
async function createLater(session: ServerSession, cid: number): Promise<number> {
  await session.peer.replies();
  return session.createChannel('p', cid);
}
