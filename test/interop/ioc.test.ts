/**
 * Our Context against a real EPICS IOC (softIoc with QSRV 2): every record of ioc.db read, monitored and written, alarms,
 * enums, 64-bit integers, long strings, a group, processing options, and what the IOC refuses.
 */
import { Context, clientConfigFromEnv, RemoteError, type Value } from 'epics-pva-ts';
import { describe, expect, it } from 'vitest';
import { consecutive } from './compare.ts';
import { startIoc } from './ioc.ts';
import { iocForAll } from './ioc-client.ts';
import { MonitorLog } from './monitor-log.ts';
import { changedOf } from './peer-value.ts';
import { ensurePeers } from './peers.ts';
import { freePorts, peerEnv } from './ports.ts';

const peers = await ensurePeers();
/** EPICS time 0, which QSRV gives for a record that was never processed. */
const UNDEFINED_TIME = 631152000n;

const LONG_TEXT = 'a long string, which no stringin could hold because it has more than forty characters';

/** Of every record: its type, its value at the start, what is put, and what it is then if that differs. */
const RECORDS: [name: string, type: string, before: unknown, put: unknown, after?: unknown][] = [
  ['ai', 'double', 3.25, -1.5],
  ['ao', 'double', 1.5, 4.75],
  ['bi', 'enum', 1, 0],
  ['bo', 'enum', 0, 1],
  ['mbbo', 'enum', 1, 2],
  ['longin', 'int', -2147483648, 2147483647],
  ['longout', 'int', 7, -2147483648],
  ['int64in', 'long', 9007199254740993n, -(2n ** 63n)],
  ['int64out', 'long', -9007199254740993n, 2n ** 63n - 1n],
  ['stringin', 'string', 'forty characters at most', 'größer'],
  ['stringout', 'string', 'text', 'x'.repeat(60), 'x'.repeat(39)],
  ['lsi', 'string', LONG_TEXT, 'y'.repeat(299)],
  ['lso', 'string', '', LONG_TEXT],
  ['waveform:double', 'double[]', Float64Array.of(1.5, -2.25, 1e300), Float64Array.of(Number.NaN, -0)],
  ['waveform:char', 'byte[]', Int8Array.of(1, 2, -3), [-128, 127, 0, 1]],
  ['waveform:string', 'string[]', ['one', 'two'], ['', 'drei', 'vier']],
  ['waveform:long', 'int[]', Int32Array.of(2147483647, -2147483648), Array.from({ length: 20 }, (_, i) => i)],
  ['limits', 'double', 0, -4],
  ['slow:done', 'int', -1, 5],
];

describe.skipIf(!peers.available)('our client with an IOC', () => {
  const ioc = iocForAll(peers);

  it.each(RECORDS)('reads, monitors and writes %s', async (name, type, before, put, after) => {
    const pv = `ioc:${name}`;
    const path = type === 'enum' ? 'value.index' : 'value';
    const { type: whole } = await ioc.context.info(pv);
    const ntName = type === 'enum' ? 'NTEnum' : type.endsWith('[]') ? 'NTScalarArray' : 'NTScalar';
    expect(whole.id).toBe(`epics:nt/${ntName}:1.0`);
    expect(whole.find(path)?.type.displayId).toBe(type === 'enum' ? 'int' : type);

    expect(await ioc.get(name, path)).toEqual(before);
    const monitor = new MonitorLog(ioc.context, pv);
    const [first] = await monitor.values(1);
    expect(first?.get(path)).toEqual(before);

    const seconds = BigInt(Math.floor(Date.now() / 1000));
    await ioc.context.put(pv, put, { pvRequest: 'record[process=true]' });
    const expected = after ?? held(type, put);
    const value = await ioc.context.get(pv);
    expect(value.get(path)).toEqual(expected);
    expect(value.get('timeStamp.secondsPastEpoch')).toBeGreaterThanOrEqual(seconds);
    expect(value.get('alarm.severity')).toBe(0);
    const [second] = await monitor.values(1);
    monitor.close();
    expect(second?.get(path)).toEqual(expected);
    expect(changedOf(second as Value)).toContain(path);
    // Both came whole, and the first is still what it was.
    expect(first?.get(path)).toEqual(before);
  });

  it('reads what describes a value', async () => {
    const value = await ioc.context.get('ioc:ai');
    expect(value.toJS()).toMatchObject({
      display: { limitLow: -10, limitHigh: 10, description: 'beam position', units: 'mm', precision: 3 },
    });
    const limits = (await ioc.context.get('ioc:limits')).toJS();
    expect(limits['valueAlarm']).toMatchObject({
      lowAlarmLimit: -8,
      lowWarningLimit: -5,
      highWarningLimit: 5,
      highAlarmLimit: 8,
    });
    expect(await ioc.get('mbbo', 'value.choices')).toEqual(['Idle', 'Exposing', 'Reading', 'Fault']);
    expect(await ioc.get('ai.DESC', 'value')).toBe('beam position');
  });

  it('sees the alarm and the time of a record that was never processed', async () => {
    const value = await ioc.context.get('ioc:slow');
    expect(value.get('timeStamp.secondsPastEpoch')).toBe(UNDEFINED_TIME);
    expect(value.toJS()).toMatchObject({ alarm: { severity: 3, status: 2, message: 'UDF' } });
  });

  it('sees alarms come and go', async () => {
    const monitor = new MonitorLog(ioc.context, 'ioc:limits');
    await monitor.values(1);
    for (const [put, severity, status, message] of [
      [6, 1, 1, 'HIGH'],
      [9, 2, 1, 'HIHI'],
      [-6, 1, 1, 'LOW'],
      [-9, 2, 1, 'LOLO'],
      [0, 0, 0, ''],
    ] as const) {
      await ioc.context.put('ioc:limits', put);
      const [update] = await monitor.values(1);
      expect(update?.toJS()).toMatchObject({ value: put, alarm: { severity, status, message } });
    }
    monitor.close();
  });

  it('puts an enum by label and by index', async () => {
    await ioc.context.put('ioc:mbbo', 'Fault');
    expect((await ioc.context.get('ioc:mbbo')).toJS()).toMatchObject({
      value: { index: 3 },
      alarm: { severity: 2, message: 'STATE' },
    });
    await ioc.context.put('ioc:mbbo', '1');
    expect(await ioc.get('mbbo', 'value.index')).toBe(1);
    await ioc.context.put('ioc:bo', 'Off');
    expect(await ioc.get('bo', 'value.index')).toBe(0);
    await expect(ioc.context.put('ioc:mbbo', 'Broken')).rejects.toThrow(/Idle, Exposing, Reading, Fault/);
    // A menu field of a record is an enum too.
    await ioc.context.put('ioc:ao.SCAN', '10 second');
    expect(await ioc.get('ao.SCAN', 'value.index')).toBe(3);
    await ioc.context.put('ioc:ao.SCAN', 'Passive');
  });

  it.each(['record[queueSize=40]', 'record[pipeline=true,queueSize=40,ackAny=2]'])(
    'monitors a counter with %s',
    async (request) => {
      const monitor = new MonitorLog(ioc.context, 'ioc:counter', request);
      const counts = (await monitor.values(10)).map((value) => Number(value.get('value')));
      monitor.close();
      expect(counts).toEqual(consecutive(counts));
    },
  );

  it('reads, monitors and writes a group', async () => {
    const monitor = new MonitorLog(ioc.context, 'ioc:group');
    const [first] = await monitor.values(1);
    expect(first?.type.id).toBe('interop/group:1.0');
    expect(first?.toJS()).toMatchObject({ x: 1, y: 2, record: { _options: { atomic: true } } });

    await ioc.context.put('ioc:group', { x: 10, y: 20 });
    const events = await monitor.until((event) => event.event === 'update' && event.value.get('y') === 20);
    expect(events.at(-1)).toMatchObject({ event: 'update' });
    expect((await ioc.context.get('ioc:group')).toJS()).toMatchObject({ x: 10, y: 20 });
    expect([await ioc.get('group:x', 'value'), await ioc.get('group:y', 'value')]).toEqual([10, 20]);
    // One member alone leaves the other as it is.
    await ioc.context.put('ioc:group', { y: -1 });
    expect((await ioc.context.get('ioc:group')).toJS()).toMatchObject({ x: 10, y: -1 });
    monitor.close();
  });

  it('processes a record or not, as a put asks for', async () => {
    const processed = async () => {
      const { timeStamp } = (await ioc.context.get('ioc:group:x')).toJS();
      return timeStamp;
    };
    await ioc.context.put('ioc:group:x', 1, { pvRequest: 'record[process=true]' });
    const before = await processed();
    await ioc.context.put('ioc:group:x', 2, { pvRequest: 'record[process=false]' });
    expect(await ioc.get('group:x', 'value')).toBe(2);
    expect(await processed()).toEqual(before);
    await ioc.context.put('ioc:group:x', 3, { pvRequest: 'record[process=true]' });
    expect(await processed()).not.toEqual(before);
  });

  it('waits for the end of processing when a put asks for that', async () => {
    const done = new MonitorLog(ioc.context, 'ioc:slow:done');
    await done.values(1);
    await ioc.context.put('ioc:slow.A', 11);
    expect(await ioc.get('slow:done', 'value')).not.toBe(11);
    expect((await done.values(1))[0]?.get('value')).toBe(11);

    await ioc.context.put('ioc:slow.A', 12, { pvRequest: 'record[process=true,block=true]' });
    expect(await ioc.get('slow:done', 'value')).toBe(12);
    done.close();
  });

  it('is told why the IOC refuses a put', async () => {
    await ioc.context.put('ioc:longout.DISP', 1);
    await expect(ioc.context.put('ioc:longout', 3)).rejects.toThrow(
      new RemoteError('ioc:longout: Unable to put value: Field Disabled: S_db_putDisabled'),
    );
    await ioc.context.put('ioc:longout.DISP', 0);
    await ioc.context.put('ioc:longout', 3);
    expect(await ioc.get('longout', 'value')).toBe(3);
    await expect(ioc.context.put('ioc:longout.RTYP', 'ai')).rejects.toThrow(RemoteError);
    await expect(ioc.context.rpc('ioc:longout', null)).rejects.toThrow(/RPC Not Implemented/);
    await expect(ioc.context.get('ioc:longout', { pvRequest: 'field(nothing)' })).rejects.toThrow(
      /must select at least one field/,
    );
  });

  it('goes on with monitors when the IOC was started again', async () => {
    const env = peerEnv(await freePorts());
    const other = new Context(clientConfigFromEnv(env));
    let second = await startIoc(peers, env, 'again:');
    try {
      const monitor = new MonitorLog(other, 'again:counter');
      await monitor.values(2);
      await second.stop();
      await monitor.next('disconnected');
      second = await startIoc(peers, env, 'again:');
      await monitor.next('connected', 20_000);
      await monitor.values(2);
    } finally {
      await other.close();
      await second.stop();
    }
  });
});

/** What a field holds after a put of this: an array of the field's own type, no longer than the 16 of the waveforms. */
function held(type: string, put: unknown): unknown {
  if (type === 'byte[]') {
    return Int8Array.from(put as number[]);
  }
  return type === 'int[]' ? Int32Array.from(put as number[]).subarray(0, 16) : put;
}
