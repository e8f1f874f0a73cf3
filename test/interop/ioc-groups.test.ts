/**
 * Our Context against QSRV groups of a real IOC: every mapping, nested members, atomic and not, put order, triggers, a
 * table.
 */
import { NTTable, type Value } from 'epics-pva-ts';
import { describe, expect, it } from 'vitest';
import { iocForAll } from './ioc-client.ts';
import { MonitorLog } from './monitor-log.ts';
import { changedOf } from './peer-value.ts';
import { ensurePeers } from './peers.ts';

const peers = await ensurePeers();

describe.skipIf(!peers.available)('our client with groups of an IOC', () => {
  const ioc = iocForAll(peers, 'groups.db');

  it('reads every mapping', async () => {
    const { type } = await ioc.context.info('ioc:all');
    expect(type.id).toBe('interop/all:1.0');
    expect(type.find('scalar')?.type.id).toBe('epics:nt/NTScalar:1.0');
    expect(type.find('state')?.type.id).toBe('epics:nt/NTEnum:1.0');
    expect(type.find('any')?.type.displayId).toBe('any');
    expect(type.find('deep.list')?.type.displayId).toBe('float[]');
    expect(type.find('alarm.severity')?.type.displayId).toBe('int');
    expect((await ioc.context.get('ioc:all')).toJS()).toMatchObject({
      scalar: { value: 1.5, display: { units: 'mm' } },
      plain: { x: 1.5 },
      any: 1.5,
      state: { value: { index: 0, choices: ['Idle', 'Busy', 'Error'] } },
      deep: { inner: { count: -9223372036854775807n }, list: Float32Array.of(0.5, 1.5) },
      name: '',
      record: { _options: { atomic: true } },
    });
  });

  it('writes members at every depth, all at once or some of them', async () => {
    const monitor = new MonitorLog(ioc.context, 'ioc:all');
    await monitor.values(1);
    await ioc.context.put('ioc:all', {
      scalar: { value: -2.5 },
      state: { value: { index: 1 } },
      deep: { inner: { count: 2n ** 63n - 1n }, list: [3, 4, 5] },
      name: 'another name, longer than forty characters by far',
    });
    const after = {
      scalar: { value: -2.5 },
      state: { value: { index: 1 } },
      deep: { inner: { count: 2n ** 63n - 1n }, list: Float32Array.of(3, 4, 5) },
      name: 'another name, longer than forty characters by far',
    };
    expect((await ioc.context.get('ioc:all')).toJS()).toMatchObject(after);
    // One event of g:x posts the whole group.
    await monitor.until((event) => event.event === 'update' && event.value.get('plain.x') === -2.5);
    monitor.close();
    expect([await ioc.get('g:x'), await ioc.get('g:count'), await ioc.get('g:name')]).toEqual([
      -2.5,
      2n ** 63n - 1n,
      after.name,
    ]);

    await ioc.context.put('ioc:all', { deep: { inner: { count: -1n } } });
    expect((await ioc.context.get('ioc:all')).toJS()).toMatchObject({
      ...after,
      deep: { inner: { count: -1n } },
    });
  });

  it('reads only what a request selects', async () => {
    const value = await ioc.context.get('ioc:all', { pvRequest: 'field(deep.inner,state.value.index)' });
    expect(value.isMarked('deep.inner.count')).toBe(true);
    expect(value.isMarked('scalar')).toBe(false);
    expect(value.isMarked('deep.list')).toBe(false);
  });

  it('asks for atomic access or not', async () => {
    const atomic = async (pvRequest: string) =>
      (await ioc.context.get('ioc:all', { pvRequest })).get('record._options.atomic');
    expect(await atomic('record[atomic=true]field()')).toBe(true);
    expect(await atomic('record[atomic=false]field()')).toBe(false);
    expect((await ioc.context.get('ioc:apart')).get('record._options.atomic')).toBe(false);
  });

  it('sees only the member whose record changed when it triggers itself alone', async () => {
    const monitor = new MonitorLog(ioc.context, 'ioc:apart');
    const first = await monitor.until((event) => event.event === 'update' && event.value.get('b') === 2);
    expect(first.at(-1)).toMatchObject({ event: 'update' });
    await ioc.context.put('ioc:h:a', 10);
    const [a] = await monitor.values(1);
    expect([changedOf(a as Value), a?.get('a'), a?.get('b')]).toEqual([['a'], 10, 2]);
    await ioc.context.put('ioc:h:b', 20);
    const [b] = await monitor.values(1);
    expect([changedOf(b as Value), b?.get('a'), b?.get('b')]).toEqual([['b'], 10, 20]);
    monitor.close();
  });

  it('reads, writes and monitors a table', async () => {
    const monitor = new MonitorLog(ioc.context, 'ioc:table');
    const [first] = await monitor.values(1);
    expect(NTTable.is(first as Value)).toBe(true);
    expect(first?.get('labels')).toEqual(['element', 'energy']);
    await ioc.context.put('ioc:table', { value: { element: ['Fe', 'Cu'], energy: [7.112, 8.979] } });
    const events = await monitor.until(
      (event) => event.event === 'update' && (event.value.get('value.energy') as Float64Array).length === 2,
    );
    monitor.close();
    const update = events.at(-1);
    expect(update?.event === 'update' && update.value.toJS()).toMatchObject({
      value: { element: ['Fe', 'Cu'], energy: Float64Array.of(7.112, 8.979) },
    });
    expect((await ioc.context.get('ioc:table')).id).toBe('epics:nt/NTTable:1.0');
    expect(await ioc.get('t:element')).toEqual(['Fe', 'Cu']);
  });
});
