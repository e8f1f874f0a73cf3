/** Sources of names: asked in their order, added and removed while the server runs, names that come and go. */
import { describe, expect, it } from 'vitest';
import type { Context } from '../../src/client/context.ts';
import { TimeoutError } from '../../src/errors.ts';
import { Server } from '../../src/server/server.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { type Source, type SourceEvents, StaticSource } from '../../src/server/source.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { clientOf, Happenings, keep, serve } from '../support/loopback.ts';

const INT = struct('', { value: 'int' });
const pv = (value: number): SharedPV => SharedPV.mailbox(Value.create(INT, { value }));
const get = async (context: Context, name: string, timeout = 5): Promise<unknown> =>
  (await context.get(name, { timeout })).get('value');

/** What a monitor is told, as words. */
function watched(context: Context, name: string): Happenings<string> {
  const events = new Happenings<string>();
  context.monitor(
    name,
    {},
    {
      update: (v) => events.push(`update ${v.get('value')}`),
      disconnected: () => events.push('disconnected'),
    },
  );
  return events;
}

describe('sources', () => {
  it('are asked in ascending order, those of one order as they were added', async () => {
    const server = await serve({ a: pv(0) });
    const first = new StaticSource().add('a', pv(-5)).add('b', pv(-5));
    const second = new StaticSource().add('b', pv(-6)).add('c', pv(-6));
    const later = new StaticSource().add('a', pv(9)).add('d', pv(9));
    server.addSource(later, 9).addSource(first, -5).addSource(second, -5);
    expect(server.sources.map((s) => s.order)).toEqual([-5, -5, -1, 0, 9]);
    expect(() => server.addSource(first)).toThrow('already served');
    expect(server.names()).toEqual(['a', 'b', 'c', 'd']);
    const context = clientOf(server);
    expect(await Promise.all(['a', 'b', 'c', 'd'].map((name) => get(context, name)))).toEqual([
      -5, -5, -6, 9,
    ]);
  });

  it('that go take their channels with them; the next one that has the name goes on', async () => {
    const server = await serve({ x: pv(1), other: pv(3) });
    const source = new StaticSource().add('x', pv(2)).add('only', pv(4));
    server.addSource(source, -2);
    const context = clientOf(server);
    const [x, only, other] = ['x', 'only', 'other'].map((name) => watched(context, name)) as [
      Happenings<string>,
      Happenings<string>,
      Happenings<string>,
    ];
    await Promise.all([x.count(1), only.count(1), other.count(1)]);
    expect([server.removeSource(source), server.removeSource(source)]).toEqual([true, false]);
    await x.count(3);
    expect(x.all).toEqual(['update 2', 'disconnected', 'update 1']);
    await only.count(2);
    expect(only.all).toEqual(['update 4', 'disconnected']);
    expect(other.all).toEqual(['update 3']);
    await expect(get(context, 'only', 0.1)).rejects.toBeInstanceOf(TimeoutError);
    // It is not asked any more, and may come back.
    source.add('new', pv(5));
    await expect(get(context, 'new', 0.1)).rejects.toBeInstanceOf(TimeoutError);
    server.addSource(source, -2);
    expect(await get(context, 'only')).toBe(4);
  });

  it('that fail do not take the server or other sources down', async () => {
    const lines: string[] = [];
    const fail = (): never => {
      throw new Error('broken');
    };
    const server = await serve({ x: pv(1) }, { log: (level, line) => lines.push(`${level}: ${line}`) });
    server.addSource({ has: fail, open: () => undefined, list: fail }, -9);
    expect(await get(clientOf(server), 'x')).toBe(1);
    expect(server.names()).toEqual(['x']);
    expect(lines).toContain("error: a source failed to look for 'x': broken");
    expect(lines).toContain('error: a source failed to list its names: broken');
  });

  it('may make names up; disconnect() ends the channels of a name', async () => {
    const source: Source = {
      has: (name) => name === 'n',
      open: (name) => (name === 'n' ? pv(7) : undefined),
    };
    const server = await serve({});
    server.addSource(source);
    const events = watched(clientOf(server), 'n');
    await events.count(1);
    expect([server.disconnect('n'), server.disconnect('unknown')]).toEqual([1, 0]);
    await events.count(3);
    expect(events.all).toEqual(['update 7', 'disconnected', 'update 7']);
  });

  it('of a program say through watch() that a name has gone', async () => {
    const names = new Map([['n', pv(7)]]);
    let events: SourceEvents | null = null;
    const server = await serve({});
    server.addSource({
      has: (name) => names.has(name),
      open: (name) => names.get(name),
      list: () => names.keys(),
      watch: (e) => {
        events = e;
        return () => {
          events = null;
        };
      },
    } satisfies Source);
    const seen = watched(clientOf(server), 'n');
    await seen.count(1);
    names.delete('n');
    (events as SourceEvents | null)?.disappeared('n');
    await seen.count(2);
    expect(server.names()).toEqual([]);
    names.set('n', pv(8));
    (events as SourceEvents | null)?.appeared('n');
    await seen.count(3);
    expect(seen.all).toEqual(['update 7', 'disconnected', 'update 8']);
  });
});

describe('a StaticSource', () => {
  it('is a set of PVs by name, by itself', () => {
    const one = pv(1);
    const source = new StaticSource().add('a', one).add('b', one);
    expect(() => source.add('a', pv(2))).toThrow("a PV named 'a' is already served");
    expect([source.size, source.list(), source.has('b'), source.get('b'), source.open('c')]).toEqual([
      2,
      ['a', 'b'],
      true,
      one,
      undefined,
    ]);
    expect([source.remove('a'), source.remove('a')]).toEqual([one, undefined]);
    expect([source.list(), one.isOpen]).toEqual([['b'], true]);
    source.close();
    expect([source.list(), one.isOpen]).toEqual([['b'], false]);
  });

  it('serves several servers at once; a name removed is gone from all, its PV stays', async () => {
    const shared = pv(1);
    const source = new StaticSource().add('x', shared).add('alias', shared);
    const servers = [keep(Server.isolated()), keep(Server.isolated())];
    const seen: Happenings<string>[] = [];
    for (const server of servers) {
      server.addSource(source);
      seen.push(watched(clientOf(await server.start()), 'x'));
    }
    const alias = watched(clientOf(servers[0] as Server), 'alias');
    for (const s of [...seen, alias]) await s.count(1);
    source.remove('x');
    for (const s of seen) {
      await s.count(2);
      expect(s.all[1]).toBe('disconnected');
    }
    shared.post({ value: 2 });
    await alias.count(2);
    expect(alias.all).toEqual(['update 1', 'update 2']);
  });
});
