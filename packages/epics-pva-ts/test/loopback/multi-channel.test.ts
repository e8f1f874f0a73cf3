/** Several channels as one: got, put and monitored as one NTMultiChannel, some of them missing, lost or without a value. */
import { describe, expect, it } from 'vitest';
import { timeType } from '../../src/nt/fields.ts';
import { NTEnum } from '../../src/nt/nt-enum.ts';
import { NTMultiChannel } from '../../src/nt/nt-multi-channel.ts';
import { NTScalar, NTScalarArray } from '../../src/nt/nt-scalar.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import type { AnyValue } from '../../src/value/containers.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { clientOf, Happenings, serve, serveAgain } from '../support/loopback.ts';
import { surfaced } from '../support/surfaced.ts';

const time = (seconds: bigint) => ({ secondsPastEpoch: seconds, nanoseconds: 5, userTag: 7 });
const pvs = () => ({
  i: SharedPV.mailbox(NTScalar.create('int', 5, { timeStamp: time(100n) })),
  d: SharedPV.mailbox(
    NTScalar.create('double', 2.5, {
      alarm: { severity: 2, status: 1, message: 'HIHI' },
      timeStamp: time(200n),
    }),
  ),
  s: SharedPV.mailbox(NTScalar.create('string', 'text')),
  a: SharedPV.mailbox(NTScalarArray.create('short', [1, 2, 3])),
  e: SharedPV.mailbox(NTEnum.create(['Off', 'On'], 1)),
  none: SharedPV.mailbox(Value.create(struct('', { other: 'int', timeStamp: timeType }), { other: 3 })),
});
/** What a monitor told, to wait for what is wanted of it. */
class Told<T> extends Happenings<T> {
  private taken = 0;

  /** The first that is wanted, behind the one that was found before. */
  async next(wanted: (item: T) => boolean): Promise<T> {
    const from = this.taken;
    await this.until((all) => all.slice(from).some(wanted));
    const at = this.all.findIndex((item, i) => i >= from && wanted(item));
    this.taken = at + 1;
    return this.all[at] as T;
  }
}

const plain = (value: Value): unknown[] =>
  NTMultiChannel.wrap(value).value.map((v) => (v instanceof Value ? v.toJS() : v));

describe('a monitor of which one channel is refused', () => {
  it('monitors none of the others', async () => {
    const server = await serve(pvs());
    const context = clientOf(server);
    await context.get('i');
    expect(() => context.multiChannel(['i', '']).monitor(() => {})).toThrow(/1 to 500 bytes/);
    await context.get('i');
    expect(server.report().connections[0]?.channels.flatMap(({ monitors }) => monitors)).toEqual([]);
  });
});

describe('get', () => {
  it('gives the values of all channels with alarm, time and connection of each', async () => {
    const context = clientOf(await serve(pvs()));
    const value = await context.multiChannel(['i', 'd', 's']).get();
    expect(NTMultiChannel.is(value)).toBe(true);
    const view = NTMultiChannel.wrap(value);
    expect(view.isValid()).toBe(true);
    expect(view.channelName).toEqual(['i', 'd', 's']);
    expect(view.value).toEqual([5, 2.5, 'text']);
    expect((value.get('value') as unknown as AnyValue[]).map((v) => v.type?.displayId)).toEqual([
      'int',
      'double',
      'string',
    ]);
    expect(view.severity).toEqual([0, 2, 0]);
    expect(view.message).toEqual(['', 'HIHI', '']);
    expect(view.secondsPastEpoch).toEqual([100n, 200n, 0n]);
    expect(view.userTag).toEqual([7, 7, 0]);
    expect(view.isConnected).toEqual([true, true, true]);
    expect(Math.abs(Number(view.timeStamp?.secondsPastEpoch) - Date.now() / 1000)).toBeLessThan(60);
  });

  it('has the values of any type, and nothing for a channel without a field value', async () => {
    const context = clientOf(await serve(pvs()));
    const value = await context.multiChannel(['a', 'e', 'none']).get();
    expect(plain(value)).toEqual([Int16Array.from([1, 2, 3]), { index: 1, choices: ['Off', 'On'] }, null]);
    expect(NTMultiChannel.wrap(value).severity).toEqual([0, 0, 4]);
    // It can be served, too: that is what the type is for.
    const again = await serve({ all: SharedPV.readonly(value) });
    expect(plain(await clientOf(again).get('all'))).toEqual(plain(value));
  });

  it('has the columns that are asked for', async () => {
    const context = clientOf(await serve(pvs()));
    const names = async (pvRequest: string): Promise<string[]> =>
      (await context.multiChannel(['i']).get({ pvRequest })).type.members.map((m) => m.name);
    expect(await names('field(value)')).toEqual(['value', 'channelName', 'isConnected']);
    expect(await names('field(value,alarm)')).toContain('severity');
    expect(await names('field(value,alarm)')).not.toContain('secondsPastEpoch');
    expect(await names('')).toEqual(expect.arrayContaining(['severity', 'secondsPastEpoch', 'isConnected']));
  });

  it('says which channels are not there', async () => {
    const context = clientOf(await serve(pvs()));
    const view = NTMultiChannel.wrap(await context.multiChannel(['i', 'absent']).get({ timeout: 3 }));
    expect(view.isConnected).toEqual([true, false]);
    expect(view.value).toEqual([5, null]);
    expect([view.severity, view.status, view.message]).toEqual([
      [0, 3],
      [0, 6],
      ['', 'not connected'],
    ]);
  });

  it('waits as long as it is told to, even for years', async () => {
    const context = clientOf(await serve(pvs()));
    expect(await context.multiChannel(['i']).getAsDoubleArray({ timeout: 1e9 })).toEqual(Float64Array.of(5));
  });

  it('gives numbers, and NaN for what is none', async () => {
    const context = clientOf(await serve(pvs()));
    const all = context.multiChannel(['i', 'd', 's', 'a', 'e', 'absent']);
    expect(await all.getAsDoubleArray({ timeout: 3 })).toEqual(
      Float64Array.from([5, 2.5, Number.NaN, Number.NaN, Number.NaN, Number.NaN]),
    );
  });

  it('fails with the error of a channel that refuses', async () => {
    const context = clientOf(await serve(pvs()));
    await expect(context.multiChannel(['i', 'd']).get({ pvRequest: 'field(nothing)' })).rejects.toThrow(
      /^[id]: none of the requested fields exists/,
    );
    expect((await context.multiChannel([]).getAsDoubleArray()).length).toBe(0);
  });
});

describe('put', () => {
  it('puts to each channel its value, and leaves alone those without one', async () => {
    const served = pvs();
    const context = clientOf(await serve(served));
    const all = context.multiChannel(['i', 'd', 's', 'e']);
    await all.put([6, undefined, 'new', 'Off']);
    expect(plain(await all.get())).toEqual([6, 2.5, 'new', { index: 0, choices: ['Off', 'On'] }]);
    await context.multiChannel(['i', 'd']).put(Float64Array.from([7, 0.5]));
    expect(await context.multiChannel(['i', 'd']).getAsDoubleArray()).toEqual(Float64Array.from([7, 0.5]));
  });

  it('puts an NTMultiChannel of the same channels', async () => {
    const served = pvs();
    const context = clientOf(await serve(served));
    const all = context.multiChannel(['i', 'a', 'e', 'none']);
    const before = await all.get();
    await all.put([1, [9], 0, null]);
    await all.put(before);
    expect(plain(await all.get())).toEqual(plain(before));
    await expect(context.multiChannel(['i']).put(before)).rejects.toThrow(
      'one of other channels: i, a, e, none',
    );
  });

  it('puts all it can, and fails with the name of the first that could not', async () => {
    const served = { ...pvs(), fixed: SharedPV.readonly(NTScalar.create('int', 1)) };
    const context = clientOf(await serve(served));
    await expect(context.multiChannel(['i', 'd', 's']).put(['x', 'y', 'z'])).rejects.toThrow(
      /^i: 'x' cannot become int/,
    );
    await expect(context.multiChannel(['fixed', 's']).put([2, 'last'])).rejects.toThrow(
      /^fixed: .*read-only/,
    );
    expect(served.s.fetch().get('value')).toBe('last');
    await expect(context.multiChannel(['i', 'd']).put([1])).rejects.toThrow('1 values for 2 channels');
  });
});

describe('monitor', () => {
  it('gathers what changed within the period, and tells the latest of all', async () => {
    const served = pvs();
    const context = clientOf(await serve(served));
    const seen = new Told<Value>();
    const monitor = context
      .multiChannel(['i', 'd'])
      .monitor((value) => seen.push(value), { pollPeriod: 0.05 });
    const first = await seen.next((value) => NTMultiChannel.wrap(value).isConnected?.every(Boolean) === true);
    expect(plain(first)).toEqual([5, 2.5]);
    for (let i = 1; i <= 20; i++) served.i.post({ value: i });
    const next = await seen.next((value) => plain(value)[0] === 20);
    expect(plain(next)).toEqual([20, 2.5]);
    // Those that did not change keep their alarm and time.
    expect(NTMultiChannel.wrap(next).message).toEqual(['', 'HIHI']);
    expect(NTMultiChannel.wrap(next).secondsPastEpoch?.[1]).toBe(200n);
    const { received, replaced, delivered, connected } = monitor.stats;
    // 20 posts are fewer updates if the connection was slower than they, and are told of in one call or two.
    expect(replaced).toBeGreaterThan(0);
    expect(received).toBeGreaterThan(delivered);
    expect(connected).toBe(2);
    monitor.close();
  });

  it('says when a channel is lost, with its last value, and when it is there again', async () => {
    const served = pvs();
    const server = await serve({ i: served.i });
    const other = await serve({ d: served.d });
    const addressList = [server, other].flatMap((s) => s.clientConfig().addressList);
    const context = clientOf(server, { addressList });
    const seen = new Told<Value>();
    const monitor = context
      .multiChannel(['i', 'd'])
      .monitor((value) => seen.push(value), { pollPeriod: 0.01 });
    const connections = async (...wanted: boolean[]): Promise<Value> =>
      seen.next((value) => NTMultiChannel.wrap(value).isConnected?.join() === wanted.join());
    await connections(true, true);
    await server.close();
    const lost = NTMultiChannel.wrap(await connections(false, true));
    expect(lost.value).toEqual([5, 2.5]);
    expect([lost.severity, lost.message]).toEqual([
      [3, 2],
      ['not connected', 'HIHI'],
    ]);
    await serveAgain(server, { i: SharedPV.mailbox(NTScalar.create('int', 50)) });
    expect(plain(await connections(true, true))).toEqual([50, 2.5]);
    monitor.close();
  });

  it('gives numbers, waits for the function, and is silent once closed', async () => {
    const served = pvs();
    const context = clientOf(await serve(served));
    const seen = new Told<number[]>();
    let running = 0;
    const update = async (values: Float64Array): Promise<void> => {
      expect(++running).toBe(1);
      seen.push([...values]);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
    };
    const monitor = context.multiChannel(['i', 's']).monitorAsDoubleArray(update, { pollPeriod: 0 });
    await seen.next(([i]) => i === 5);
    for (const value of [1, 2, 3]) {
      served.i.post({ value });
      await seen.next(([i]) => i === value);
    }
    expect(seen.all.at(-1)).toEqual([3, Number.NaN]);
    monitor.close();
    monitor.close();
    const { delivered } = monitor.stats;
    served.i.post({ value: 4 });
    expect(await context.multiChannel(['i']).getAsDoubleArray()).toEqual(Float64Array.of(4));
    expect(monitor.stats).toMatchObject({ delivered, connected: 2 });
    await expect.poll(() => served.i.subscriberCount).toBe(0);
  });

  it('ends with its signal, with its Context, and with what the function throws', async () => {
    const served = pvs();
    const server = await serve(served);
    const context = clientOf(server);
    const controller = new AbortController();
    const seen = new Told<number>();
    const many = context.multiChannel(['i', 'd']);
    const aborted = many.monitor(() => seen.push(1), { pollPeriod: 0.01, signal: controller.signal });
    await seen.next(() => aborted.stats.connected === 2);
    controller.abort();
    const fail = (): never => {
      throw new Error('mine');
    };
    const messages = await surfaced(1, () => void many.monitor(fail, { pollPeriod: 0 }));
    expect(messages).toEqual(['mine']);
    await expect.poll(() => served.i.subscriberCount).toBe(0);
    const last = many.monitor(() => seen.push(2), { pollPeriod: 1000 });
    await context.close();
    expect(last.stats.delivered).toBe(0);
    expect(() => many.monitor(() => {})).toThrow('this Context is closed');
    expect(() =>
      clientOf(server)
        .multiChannel(['i'])
        .monitor(() => {}, { pollPeriod: -1 }),
    ).toThrow('pollPeriod: -1 is not a number of seconds');
  });
});
