/**
 * Monitors as a server sends them: the queue of each subscriber and what it reports as overrun, the client's window,
 * field selection, pause, end of the stream, and several monitors on one slow connection.
 */
import { describe, expect, it } from 'vitest';
import { Command } from '../../src/frame/command.ts';
import { encodeTyped } from '../../src/message/operation.ts';
import { decodeServerMessage } from '../../src/message/request-control.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { parsePvRequest } from '../../src/value/pv-request.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { settled } from '../support/memory-transport.ts';
import { type RawMessage, readerOf } from '../support/raw-peer.ts';
import { destroyRequest, init, request, summary, updated } from '../support/requests.ts';
import { ServerSession } from '../support/server-session.ts';

const ABC = struct('', { a: 'int', b: 'int', c: 'int' });
const IOID = 5;
const post = (pv: SharedPV, fields: Record<string, number>): void => pv.post(Value.create(ABC, fields));

interface Monitored {
  readonly session: ServerSession;
  readonly sid: number;
  readonly pv: SharedPV;
  /** Updates since the last call, after widening the window by `n`. */
  updates(n?: number): Promise<unknown[]>;
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** A started monitor with a window of `nfree` updates, or without pipeline. */
async function monitored(pvRequest = '', nfree?: number): Promise<Monitored> {
  const pv = SharedPV.mailbox(Value.create(ABC, { a: 0, b: 0, c: 0 }));
  const session = await ServerSession.ready({ p: pv });
  const sid = await session.createChannel('p');
  const send = (sub: number, rest?: Parameters<typeof request>[4]): void =>
    session.peer.write(request(Command.MONITOR, sid, IOID, sub, rest));
  send(nfree === undefined ? 0x08 : 0x88, (w) => {
    encodeTyped(w, parsePvRequest(pvRequest));
    if (nfree !== undefined) w.u32(nfree);
  });
  expect(summary(await session.peer.reply())).toBe('MONITOR 5 08 OK');
  send(0x44);
  await settled();
  return {
    session,
    sid,
    pv,
    updates: async (n = 0) => {
      if (n > 0) send(0x80, (w) => w.u32(n));
      return (await session.peer.replies()).map((m) => updated(ABC, m));
    },
    stop: async () => {
      send(0x04);
      await settled();
    },
    start: async () => {
      send(0x44);
      await settled();
    },
  };
}

const complete = (a: number, b: number, c: number): unknown => ({ fields: { a, b, c }, overrun: [] });

describe('the queue of a subscriber', () => {
  it('has four places unless asked for more, and keeps everything up to then', async () => {
    const m = await monitored('', 0);
    for (let a = 1; a <= 3; a++) post(m.pv, { a });
    expect(await m.updates()).toEqual([]);
    expect(await m.updates(10)).toEqual([
      complete(0, 0, 0),
      ...[1, 2, 3].map((a) => ({ fields: { a }, overrun: [] })),
    ]);
    const longer = await monitored('record[queueSize=50]', 0);
    for (let a = 1; a <= 49; a++) post(longer.pv, { a });
    const all = await longer.updates(100);
    expect(all).toHaveLength(50);
    expect(all.every((u) => (u as { overrun: number[] }).overrun.length === 0)).toBe(true);
  });

  it('that is full merges into its newest update, and says which fields were overwritten', async () => {
    const m = await monitored('record[queueSize=2]', 0);
    post(m.pv, { a: 1 });
    // From here on there is no room: these three become one with it.
    post(m.pv, { b: 2 });
    post(m.pv, { a: 3 });
    post(m.pv, { b: 4 });
    expect(await m.updates(10)).toEqual([complete(0, 0, 0), { fields: { a: 3, b: 4 }, overrun: [1, 2] }]);
  });

  it('names only fields that were asked for as overwritten', async () => {
    const m = await monitored('record[queueSize=2]field(a,c)', 0);
    post(m.pv, { a: 1, b: 1 });
    post(m.pv, { a: 2, b: 2 });
    post(m.pv, { b: 3, c: 3 });
    expect(await m.updates(10)).toEqual([
      { fields: { a: 0, c: 0 }, overrun: [] },
      { fields: { a: 2, c: 3 }, overrun: [1] },
    ]);
    const equal = await monitored('record[queueSize=2]field(a)', 0);
    for (const a of [1, 2, 3]) post(equal.pv, { a, b: a });
    expect(await equal.updates(10)).toEqual([
      { fields: { a: 0 }, overrun: [] },
      { fields: { a: 3 }, overrun: [1] },
    ]);
  });

  it('loses no field, however updates overlap', async () => {
    const m = await monitored('record[queueSize=2]', 0);
    post(m.pv, { a: 1, b: 1 });
    post(m.pv, { a: 2 });
    post(m.pv, { b: 3 });
    post(m.pv, { c: 4 });
    post(m.pv, { c: 5 });
    expect(await m.updates(10)).toEqual([
      complete(0, 0, 0),
      { fields: { a: 2, b: 3, c: 5 }, overrun: [1, 2, 3] },
    ]);
    post(m.pv, { a: 6 });
    expect(await m.updates()).toEqual([{ fields: { a: 6 }, overrun: [] }]);
  });

  it('counts what it merged, and the client knows the latest value in the end', async () => {
    const m = await monitored('record[queueSize=4]', 0);
    for (let a = 1; a <= 100; a++) post(m.pv, { a });
    const got = (await m.updates(1000)) as { fields: { a: number }; overrun: number[] }[];
    expect(got.map((u) => u.fields.a)).toEqual([0, 1, 2, 100]);
    expect(got.map((u) => u.overrun)).toEqual([[], [], [], [1]]);
  });

  it.each([
    ['1', 2],
    ['2', 2],
    ['17', 17],
  ])('queueSize=%s holds %i', async (asked, length) => {
    const m = await monitored(`record[queueSize=${asked}]`, 0);
    for (let a = 1; a <= 100; a++) post(m.pv, { a });
    expect(await m.updates(1000)).toHaveLength(length);
  });

  it.each(['0', '-5', 'many', '2.5'])('queueSize=%s is not one: a warning and the default', async (asked) => {
    const session = await ServerSession.ready({ p: SharedPV.mailbox(Value.create(ABC)) });
    const sid = await session.createChannel('p');
    session.peer.write(init(Command.MONITOR, sid, IOID, `record[queueSize=${asked}]`));
    const [warning, reply] = (await session.peer.replies()) as [RawMessage, RawMessage];
    expect(decodeServerMessage(readerOf(warning))).toEqual({
      ioid: IOID,
      severity: 1,
      message: `queueSize=${asked} is not a positive integer, 4 is used`,
    });
    expect(summary(reply)).toBe('MONITOR 5 08 OK');
  });
});

describe('the window of a pipelined monitor', () => {
  it('needs a queue size that means something: INIT is refused otherwise (PVXS)', async () => {
    const session = await ServerSession.ready({ p: SharedPV.mailbox(Value.create(ABC)) });
    const sid = await session.createChannel('p');
    session.peer.write(
      request(Command.MONITOR, sid, IOID, 0x88, (w) => {
        encodeTyped(w, parsePvRequest('record[pipeline=true,queueSize=many]'));
        w.u32(4);
      }),
    );
    expect(summary(await session.peer.reply())).toBe(
      'MONITOR 5 08 ERROR queueSize=many is not a positive integer',
    );
    expect(session.client.operationCount).toBe(0);
  });

  it('is what was given with INIT, each update takes one, acknowledgements add', async () => {
    const m = await monitored('record[pipeline=true,queueSize=100]', 2);
    for (let a = 1; a <= 9; a++) post(m.pv, { a });
    expect(await m.updates()).toHaveLength(2);
    expect(await m.updates(1)).toHaveLength(1);
    expect(await m.updates(3)).toHaveLength(3);
    expect(await m.updates(100)).toHaveLength(4);
    post(m.pv, { a: 10 });
    expect(await m.updates()).toHaveLength(1);
  });

  it('may be missing from INIT (PVXS before 1.4): then it is closed', async () => {
    const pv = SharedPV.mailbox(Value.create(ABC));
    const session = await ServerSession.ready({ p: pv });
    const sid = await session.createChannel('p');
    session.peer.write(request(Command.MONITOR, sid, IOID, 0x88, (w) => encodeTyped(w, null)));
    session.peer.write(request(Command.MONITOR, sid, IOID, 0x44));
    expect((await session.peer.replies()).map((m) => summary(m))).toEqual(['MONITOR 5 08 OK']);
    session.peer.write(request(Command.MONITOR, sid, IOID, 0x80, (w) => w.u32(1)));
    expect(await session.peer.replies()).toHaveLength(1);
  });

  it('may be acknowledged beyond what was sent, and beyond 2^31', async () => {
    const m = await monitored('record[queueSize=10]', 4);
    await m.updates(0xffffffff);
    await m.updates(0xffffffff);
    for (let a = 1; a <= 9; a++) post(m.pv, { a });
    expect(await m.updates()).toHaveLength(9);
  });

  it('does not exist without pipeline: an acknowledgement changes nothing', async () => {
    const m = await monitored();
    expect(await m.updates(1)).toHaveLength(1);
    for (let a = 1; a <= 20; a++) {
      post(m.pv, { a });
      expect(await m.updates(1)).toEqual([{ fields: { a }, overrun: [] }]);
    }
  });

  it('may come combined with start and destroy, as the specification allows', async () => {
    const m = await monitored('', 0);
    const { session, sid, pv } = m;
    session.peer.write(request(Command.MONITOR, sid, IOID, 0xc4, (w) => w.u32(1)));
    expect(await m.updates()).toEqual([complete(0, 0, 0)]);
    session.peer.write(request(Command.MONITOR, sid, IOID, 0x90, (w) => w.u32(1)));
    await settled();
    expect(pv.subscriberCount).toBe(0);
  });
});

describe('a monitor of some fields', () => {
  it('gets only them, and nothing at all when none of them changed', async () => {
    const m = await monitored('field(a,c)');
    expect(await m.updates()).toEqual([{ fields: { a: 0, c: 0 }, overrun: [] }]);
    post(m.pv, { b: 1 });
    expect(await m.updates()).toEqual([]);
    post(m.pv, { b: 2, c: 3 });
    expect(await m.updates()).toEqual([{ fields: { c: 3 }, overrun: [] }]);
  });

  it('does not spend its window on changes elsewhere', async () => {
    const m = await monitored('field(a)', 2);
    for (let b = 1; b <= 5; b++) post(m.pv, { b });
    post(m.pv, { a: 1 });
    expect(await m.updates()).toEqual([
      { fields: { a: 0 }, overrun: [] },
      { fields: { a: 1 }, overrun: [] },
    ]);
  });
});

describe('a pause', () => {
  it('drops what is queued; the next start begins with the present value', async () => {
    const m = await monitored('record[queueSize=10]', 1);
    post(m.pv, { a: 1 });
    post(m.pv, { a: 2 });
    expect(await m.updates()).toEqual([complete(0, 0, 0)]);
    await m.stop();
    post(m.pv, { b: 3 });
    expect(await m.updates(5)).toEqual([]);
    await m.start();
    expect(await m.updates()).toEqual([complete(2, 3, 0)]);
  });
});

describe('the end of a stream', () => {
  const END = `ca 02 40 0d 06 00 00 00 0${IOID} 00 00 00 10 ff`;

  it('comes behind everything queued, and frees the ioid', async () => {
    const m = await monitored('record[queueSize=10]', 0);
    post(m.pv, { a: 1 });
    m.pv.finish();
    post(m.pv, { a: 2 });
    expect(await m.updates()).toEqual([]);
    m.session.peer.write(request(Command.MONITOR, m.sid, IOID, 0x80, (w) => w.u32(1)));
    expect(updated(ABC, await m.session.peer.reply())).toEqual(complete(0, 0, 0));
    m.session.peer.write(request(Command.MONITOR, m.sid, IOID, 0x80, (w) => w.u32(1)));
    const [last, end] = (await m.session.peer.replies()) as [RawMessage, RawMessage];
    expect(updated(ABC, last)).toEqual({ fields: { a: 1 }, overrun: [] });
    // The end needs no window.
    expect(end.hex).toBe(END);
    m.session.peer.write(init(Command.MONITOR, m.sid, IOID));
    expect(summary(await m.session.peer.reply())).toBe('MONITOR 5 08 OK');
  });

  it('comes at once when nothing is queued; a start afterwards is ignored', async () => {
    const m = await monitored();
    await m.updates();
    m.pv.finish();
    expect((await m.session.peer.replies()).map((r) => r.hex)).toEqual([END]);
    expect(m.pv.subscriberCount).toBe(0);
    await m.start();
    expect(await m.session.peer.replies()).toEqual([]);
    expect(m.pv.subscriberCount).toBe(0);
  });

  it('is not undone by a start while updates wait, and a pause then ends it at once', async () => {
    const m = await monitored('', 0);
    m.pv.finish();
    await m.start();
    expect(m.pv.subscriberCount).toBe(0);
    await m.stop();
    expect((await m.session.peer.replies()).map((r) => r.hex)).toEqual([END]);
  });
});

describe('a connection that takes no more', () => {
  const IMAGE = struct('', { id: 'int', pixels: 'ubyte[]' });
  const SIZE = 3 * 1024 * 1024;
  const image = (id: number): Value => Value.create(IMAGE, { id, pixels: new Uint8Array(SIZE) });

  async function slow(pvs: Record<string, SharedPV>, queueSize: number): Promise<ServerSession> {
    const session = await ServerSession.ready(pvs);
    let ioid = 0;
    for (const name of Object.keys(pvs)) {
      const sid = await session.createChannel(name, ++ioid);
      session.peer.write(init(Command.MONITOR, sid, ioid, `record[queueSize=${queueSize}]`));
      session.peer.write(request(Command.MONITOR, sid, ioid, 0x44));
      await session.peer.replies();
    }
    session.peer.transport.pauseReading();
    return session;
  }

  const ids = (messages: readonly RawMessage[]): string[] =>
    messages.map((m) => `${m.payload[0]}:${(updated(IMAGE, m).fields as { id: number }).id}`);

  it('fills the queue, then merges; memory stays bounded; nothing is lost before the queue is full', async () => {
    const pv = SharedPV.mailbox(image(0));
    const session = await slow({ p: pv }, 8);
    for (let id = 1; id <= 8; id++) pv.post(image(id));
    await settled();
    session.peer.transport.resumeReading();
    expect(ids(await session.peer.replies())).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((n) => `1:${n}`));
    session.peer.transport.pauseReading();
    for (let id = 9; id <= 200; id++) pv.post(image(id));
    await settled();
    // What the system has not taken, and the queue behind it.
    expect(session.client.connection.unsentBytes).toBeLessThan(12 * 1024 * 1024);
    session.peer.transport.resumeReading();
    const rest = ids(await session.peer.replies());
    expect(rest.length).toBeLessThanOrEqual(8 + 4);
    expect(rest.at(-1)).toBe('1:200');
    expect(rest.slice(0, 8)).toEqual([9, 10, 11, 12, 13, 14, 15, 16].map((n) => `1:${n}`));
  });

  it('is shared fairly by several monitors', async () => {
    const pvs = { a: SharedPV.mailbox(image(0)), b: SharedPV.mailbox(image(0)) };
    const session = await slow(pvs, 8);
    for (let id = 1; id <= 8; id++) pvs.a.post(image(id));
    for (let id = 1; id <= 8; id++) pvs.b.post(image(id));
    session.peer.transport.resumeReading();
    const got = ids(await session.peer.replies());
    expect(got).toHaveLength(16);
    // Neither waits until the other has nothing more to send.
    expect(got.indexOf('2:1')).toBeLessThan(got.indexOf('1:6'));
    expect(got.filter((x) => x.startsWith('1'))).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((n) => `1:${n}`));
    expect(got.filter((x) => x.startsWith('2'))).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((n) => `2:${n}`));
  });

  it('keeps the order in which channels were posted: what belongs to an image is there before it', async () => {
    const pvs = {
      x: SharedPV.mailbox(image(0)),
      y: SharedPV.mailbox(image(0)),
      i: SharedPV.mailbox(image(0)),
    };
    const session = await slow(pvs, 20);
    const small = (id: number): Value => Value.create(IMAGE, { id, pixels: new Uint8Array(4) });
    const expected: string[] = [];
    const publish = (id: number): void => {
      pvs.x.post(small(id));
      pvs.y.post(small(id));
      pvs.i.post(image(id));
      expected.push(`1:${id}`, `2:${id}`, `3:${id}`);
    };
    for (let id = 1; id <= 8; id++) publish(id);
    await settled();
    session.peer.transport.resumeReading();
    const got = ids(await session.peer.replies());
    // Room again: nothing overtakes what still waits.
    session.peer.transport.pauseReading();
    for (let id = 9; id <= 16; id++) publish(id);
    session.peer.transport.resumeReading();
    publish(17);
    got.push(...ids(await session.peer.replies()));
    expect(got).toEqual(expected);
  });

  it('that is closed with full queues gives everything back', async () => {
    const pv = SharedPV.mailbox(image(0));
    const session = await slow({ p: pv }, 8);
    for (let id = 1; id <= 20; id++) pv.post(image(id));
    session.client.close();
    expect(pv.subscriberCount).toBe(0);
    session.peer.transport.resumeReading();
    // Only what the system had is still sent.
    expect(ids(await session.peer.replies())).toEqual(['1:1', '1:2']);
    expect([session.peer.closed, session.client.connection.unsentBytes]).toEqual([true, 0]);
    pv.post(image(21));
  });

  it('lets a monitor go that was destroyed while it waited', async () => {
    const pvs = { a: SharedPV.mailbox(image(0)), b: SharedPV.mailbox(image(0)) };
    const session = await slow(pvs, 8);
    for (let id = 1; id <= 8; id++) for (const pv of Object.values(pvs)) pv.post(image(id));
    session.peer.write(destroyRequest(1, 1));
    await settled();
    expect(pvs.a.subscriberCount).toBe(0);
    session.peer.transport.resumeReading();
    const got = ids(await session.peer.replies());
    expect(got.filter((x) => x.startsWith('2'))).toHaveLength(8);
    expect(got.filter((x) => x.startsWith('1')).length).toBeLessThan(4);
  });
});
