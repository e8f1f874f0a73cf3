/** Clients that share the updates of a channel, over the wire: as PvaPy's consumers do with our server. */
import { describe, expect, it } from 'vitest';
import type { Context } from '../../src/client/context.ts';
import type { Subscription } from '../../src/client/subscription.ts';
import { Command } from '../../src/frame/command.ts';
import type { Server } from '../../src/server/server.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { clientOf, Happenings, serve } from '../support/loopback.ts';
import { init } from '../support/requests.ts';
import { TcpPeer } from '../support/tcp-peer.ts';

const FRAME = struct('', {
  uniqueId: 'int',
  timeStamp: struct('time_t', { secondsPastEpoch: 'long', nanoseconds: 'int' }),
  pixels: 'ubyte[]',
});

function frame(n: number): Value {
  return Value.create(FRAME, {
    uniqueId: n,
    timeStamp: { secondsPastEpoch: 1_700_000_000n, nanoseconds: n },
    pixels: new Uint8Array(10).fill(n),
  });
}

class Consumer {
  readonly ids = new Happenings<number>();
  readonly subscription: Subscription;

  constructor(context: Context, request: string, channel = 'image') {
    this.subscription = context.monitor(
      channel,
      { pvRequest: request },
      { update: (v) => this.ids.push(v.get('uniqueId') as number) },
    );
  }

  /** Without the present value that every client gets when it connects. */
  get shared(): readonly number[] {
    return this.ids.all.slice(1);
  }
}

async function consumers(server: Server, ...requests: string[]): Promise<Consumer[]> {
  const all: Consumer[] = [];
  for (const request of requests) {
    const consumer = new Consumer(clientOf(server), request);
    await consumer.ids.count(1);
    all.push(consumer);
  }
  return all;
}

const every = (step: number, from: number, to: number): number[] =>
  Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => from + i * step);

describe('consumers of one channel', () => {
  it('take turns, by either name of the plugin, each in a process of its own as far as the server knows', async () => {
    const pv = SharedPV.readonly(frame(0));
    const server = await serve({ image: pv });
    const all = await consumers(
      server,
      '_[distributor=updates:1]',
      'record[queueSize=200]field(_[pydistributor=updates:1])',
      '_[pydistributor=group:default;set:default;trigger:timeStamp;updates:1;mode:one]',
    );
    for (let n = 1; n <= 300; n++) pv.post(frame(n));
    for (const c of all) await c.ids.count(101);
    expect(all.map((c) => c.shared)).toEqual([every(3, 1, 300), every(3, 2, 300), every(3, 3, 300)]);
    expect(all.map((c) => c.subscription.stats.overruns)).toEqual([0, 0, 0]);
  });

  it('of sets share what the set gets; groups are independent; who asks for 0 updates gets everything', async () => {
    const pv = SharedPV.readonly(frame(0));
    const server = await serve({ image: pv });
    const queue = 'record[queueSize=100]';
    const all = await consumers(
      server,
      `${queue}_[pydistributor=set:S1;updates:3]`.replace('_', 'field(_').concat(')'),
      `${queue}field(_[pydistributor=set:S1;updates:3])`,
      `${queue}field(_[pydistributor=set:S2;updates:3])`,
      `${queue}field(_[pydistributor=group:other])`,
      `${queue}field(_[pydistributor=updates:0])`,
      `${queue}field()`,
    );
    for (let n = 1; n <= 12; n++) pv.post(frame(n));
    for (const [i, count] of [7, 7, 7, 13, 13, 13].entries()) await all[i]?.ids.count(count);
    const s1 = [1, 2, 3, 7, 8, 9];
    const s2 = [4, 5, 6, 10, 11, 12];
    const everything = every(1, 1, 12);
    expect(all.map((c) => c.shared)).toEqual([s1, s1, s2, everything, everything, everything]);
  });

  it('join and leave while the stream goes on: every update reaches exactly one', async () => {
    const pv = SharedPV.readonly(frame(0));
    const server = await serve({ image: pv });
    const request = 'record[queueSize=1000]field(_[pydistributor=updates:1])';
    const [a, b] = (await consumers(server, request, request)) as [Consumer, Consumer];
    let n = 0;
    const post = (count: number): void => {
      for (let i = 0; i < count; i++) pv.post(frame(++n));
    };
    post(10);
    const [c] = (await consumers(server, request)) as [Consumer];
    post(9);
    await b.ids.count(1 + 5 + 3);
    b.subscription.close();
    await expect.poll(() => pv.subscriberCount).toBe(2);
    post(10);
    const total = (): number => [a, b, c].reduce((sum, x) => sum + x.shared.length, 0);
    await expect.poll(total).toBe(29);
    const got = [a, b, c].flatMap((x) => x.shared).sort((x, y) => x - y);
    expect(got).toEqual(every(1, 1, 29));
    expect(b.shared).toHaveLength(8);
    expect(c.shared).toHaveLength(8);
  });

  it('that created a monitor and never start it do not hold up the others', async () => {
    const pv = SharedPV.readonly(frame(0));
    const server = await serve({ image: pv });
    const lazy = await TcpPeer.ready(server);
    const sid = await lazy.createChannel('image');
    lazy.write(init(Command.MONITOR, sid, 1, '_[distributor=updates:1]'));
    await lazy.next(Command.MONITOR);
    const [a, b] = (await consumers(server, '_[distributor=updates:1]', '_[distributor=updates:1]')) as [
      Consumer,
      Consumer,
    ];
    for (let n = 1; n <= 6; n++) pv.post(frame(n));
    await Promise.all([a.ids.count(4), b.ids.count(4)]);
    expect([a.shared, b.shared]).toEqual([
      [1, 3, 5],
      [2, 4, 6],
    ]);
    lazy.close();
  });

  it('are told apart by channel: the same group on two channels is two groups', async () => {
    const pvs = { image: SharedPV.readonly(frame(0)), other: SharedPV.readonly(frame(0)) };
    const server = await serve(pvs);
    const [a, b] = (await consumers(server, '_[distributor=group:G]', '_[distributor=group:G]')) as [
      Consumer,
      Consumer,
    ];
    const c = new Consumer(clientOf(server), '_[distributor=group:G]', 'other');
    await c.ids.count(1);
    for (let n = 1; n <= 4; n++) {
      pvs.image.post(frame(n));
      pvs.other.post(frame(n));
    }
    await Promise.all([a.ids.count(3), b.ids.count(3), c.ids.count(5)]);
    expect([a.shared, b.shared, c.shared]).toEqual([
      [1, 3],
      [2, 4],
      [1, 2, 3, 4],
    ]);
  });

  it('get the whole structure, though only some fields were posted', async () => {
    const pv = SharedPV.readonly(frame(0));
    const server = await serve({ image: pv });
    const seen = new Happenings<Value>();
    clientOf(server).monitor(
      'image',
      { pvRequest: '_[distributor=updates:1;trigger:uniqueId]' },
      { update: (v) => seen.push(v) },
    );
    await seen.count(1);
    pv.post(Value.create(FRAME, { pixels: Uint8Array.of(7) }));
    pv.post(Value.create(FRAME, { uniqueId: 1 }));
    await seen.count(3);
    for (const [i, update] of seen.all.slice(1).entries()) {
      expect(update.type.nodes.every((n) => update.isMarked(n.path))).toBe(true);
      expect(update.get('pixels')).toEqual(Uint8Array.of(7));
      expect(update.get('uniqueId')).toBe(i);
    }
  });
});
