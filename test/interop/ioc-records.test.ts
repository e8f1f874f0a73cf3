/**
 * Our Context against a real IOC (softIoc with QSRV 2): record types and array element types that ioc.db does not have,
 * their fields and link options, `record[process=...,block=...]` in every combination, and 10 MB in a waveform.
 */
import { describe, expect, it } from 'vitest';
import { sameBits } from './compare.ts';
import { iocForAll } from './ioc-client.ts';
import { MonitorLog } from './monitor-log.ts';
import { ensurePeers } from './peers.ts';

const peers = await ensurePeers();
const MIN_LONG = -(2n ** 63n);
const MAX_ULONG = 2n ** 64n - 1n;

/** Of every record: the type of its value, and what is put. */
const RECORDS: [name: string, type: string, put: unknown][] = [
  ['mbbiDirect', 'int', 0x2a],
  ['mbboDirect', 'int', 0x7f],
  ['calc.A', 'double', 0.25],
  ['calcout.B', 'double', 4.5],
  ['aai', 'double[]', Float64Array.of(-0, Number.POSITIVE_INFINITY)],
  ['aao', 'string[]', ['', 'größer', 'x'.repeat(39)]],
  ['wf:uchar', 'ubyte[]', Uint8Array.of(0, 255)],
  ['wf:short', 'short[]', Int16Array.of(-32768, 32767)],
  ['wf:ushort', 'ushort[]', Uint16Array.of(0, 65535)],
  ['wf:ulong', 'uint[]', Uint32Array.of(0, 4294967295)],
  ['wf:int64', 'long[]', BigInt64Array.of(MIN_LONG, -1n, 2n ** 63n - 1n)],
  ['wf:uint64', 'ulong[]', BigUint64Array.of(0n, MAX_ULONG)],
  ['wf:float', 'float[]', Float32Array.of(0.1, -1e30, Number.NaN)],
  ['XF:11IDA-OP{Mono:DCM-Ax:Bragg}Mtr', 'double', 13.25],
  ['XF:11IDA-OP{Mono:DCM-Ax:Bragg}Mtr.HIHI', 'double', 180],
  ['a-b_c+d[1]<2>;3', 'double', -1],
];

describe.skipIf(!peers.available)('our client with records of an IOC', () => {
  const ioc = iocForAll(peers, 'records.db');

  it.each(RECORDS)('monitors, writes and reads %s', async (name, type, put) => {
    const pv = `ioc:${name}`;
    expect((await ioc.context.info(pv)).type.find('value')?.type.displayId).toBe(type);
    const monitor = new MonitorLog(ioc.context, pv);
    await monitor.values(1);
    await ioc.context.put(pv, put, { pvRequest: 'record[process=true,block=true]' });
    expect(await ioc.get(name)).toEqual(put);
    await monitor.until((event) => event.event === 'update' && same(event.value.get('value'), put));
    monitor.close();
  });

  it('reads, writes and monitors an mbbi, whose states have severities', async () => {
    expect((await ioc.context.get('ioc:mbbi')).toJS()).toMatchObject({
      value: { index: 1, choices: ['Closed', 'Moving', 'Open'] },
      alarm: { severity: 0 },
    });
    const monitor = new MonitorLog(ioc.context, 'ioc:mbbi');
    await monitor.values(1);
    await ioc.context.put('ioc:mbbi', 'Open', { pvRequest: 'record[process=true]' });
    const events = await monitor.until(
      (event) => event.event === 'update' && event.value.get('alarm.severity') === 1,
    );
    monitor.close();
    expect(events.at(-1)).toMatchObject({ event: 'update' });
    expect((await ioc.context.get('ioc:mbbi')).toJS()).toMatchObject({
      value: { index: 2 },
      alarm: { severity: 1, message: 'STATE' },
    });
    // A menu field, and one of the states' texts.
    await ioc.context.put('ioc:mbbi.TWSV', 'MAJOR');
    expect(await ioc.get('mbbi.TWSV', 'value.index')).toBe(2);
    expect(await ioc.get('mbbi.TWST')).toBe('Open');
  });

  it('calculates with what was put to a field', async () => {
    await ioc.context.put('ioc:calc.A', -3, { pvRequest: 'record[process=true,block=true]' });
    expect(await ioc.get('calc')).toBe(-6);
  });

  it('reads and writes char arrays as text, and texts as char arrays', async () => {
    const text = 'ninety-nine bytes at most, größer';
    await ioc.context.put('ioc:wf:text', text);
    expect(await ioc.get('wf:text')).toBe(text);
    // Without the info tag a text with $ is its bytes.
    const [description, bytes] = ['größer', Int8Array.from(Buffer.from('größer\0'))];
    await ioc.context.put('ioc:wf:text.DESC', description);
    expect(await ioc.get('wf:text.DESC')).toBe(description);
    expect(await ioc.get('wf:text.DESC$')).toEqual(bytes);
    expect(await ioc.get('wf:uchar.NELM')).toBe(8);
  });

  it('sees what an info tag of a record adds', async () => {
    const tagged = (await ioc.context.get('ioc:tagged')).toJS() as { timeStamp: Record<string, number> };
    expect(tagged.timeStamp['userTag']).toBeGreaterThanOrEqual(0);
    expect((tagged.timeStamp['nanoseconds'] as number) & 0xff).toBe(0);
    const hex = (await ioc.context.get('ioc:hex')).toJS() as { display: { form: Record<string, unknown> } };
    const { index, choices } = hex.display.form as { index: number; choices: string[] };
    expect(choices[index]).toBe('Hex');
  });

  describe('a put says whether the record is processed', () => {
    // A passive record is processed by default, one with another scan is not. With block a put is EPICS base's put
    // notification, which never processes one with another scan, whatever the request says.
    it.each([
      ['target', 'ran', '', 1],
      ['target', 'ran', 'record[process=passive]', 1],
      ['target', 'ran', 'record[process=true]', 1],
      ['target', 'ran', 'record[process=false]', 0],
      ['target', 'ran', 'record[block=true]', 1],
      ['target', 'ran', 'record[process=true,block=true]', 1],
      ['target', 'ran', 'record[process=passive,block=true]', 1],
      ['target', 'ran', 'record[process=false,block=true]', 0],
      ['scanned', 'ran:scanned', '', 0],
      ['scanned', 'ran:scanned', 'record[process=passive]', 0],
      ['scanned', 'ran:scanned', 'record[process=true]', 1],
      ['scanned', 'ran:scanned', 'record[process=false]', 0],
      ['scanned', 'ran:scanned', 'record[process=true,block=true]', 0],
    ])('%s, counted by %s, with "%s": %d', async (name, counter, pvRequest, times) => {
      const before = Number(await ioc.get(counter));
      const put = Number(await ioc.get(name)) + 1;
      await ioc.context.put(`ioc:${name}`, put, { pvRequest });
      expect(await ioc.get(name)).toBe(put);
      expect(Number(await ioc.get(counter)) - before).toBe(times);
    });

    it.each([
      ['', false],
      ['record[process=true]', false],
      ['record[process=true,block=true]', true],
      ['record[process=passive,block=true]', true],
      ['record[block=false]', false],
    ])('and with "%s" whether the reply waits for the end of it: %s', async (pvRequest, waits) => {
      const done = new MonitorLog(ioc.context, 'ioc:busy:done');
      const before = Number((await done.values(1))[0]?.get('value'));
      await ioc.context.put('ioc:busy.A', before + 1, { pvRequest });
      expect(await ioc.get('busy:done')).toBe(waits ? before + 1 : before);
      if (!waits) expect((await done.values(1))[0]?.get('value')).toBe(before + 1);
      done.close();
    });
  });

  it('transfers 10 MB, both ways', async () => {
    const big = Float64Array.from({ length: 1_310_720 }, (_, index) => index * 0.1);
    const monitor = new MonitorLog(ioc.context, 'ioc:wf:big');
    await monitor.values(1);
    await ioc.context.put('ioc:wf:big', big);
    await monitor.until((event) => event.event === 'update' && sameBits(event.value.get('value'), big));
    monitor.close();
    expect(sameBits(await ioc.get('wf:big'), big)).toBe(true);
  });

  it('monitors with every option of flow control, without loss', async () => {
    await ioc.context.put('ioc:ran', 0);
    for (const request of [
      'record[queueSize=50]',
      'record[pipeline=true,queueSize=50]',
      'record[pipeline=true,queueSize=50,ackAny=1]',
      'record[pipeline=true,queueSize=50,ackAny=100%]',
    ]) {
      const monitor = new MonitorLog(ioc.context, 'ioc:ran', `${request}field(value)`);
      const [first] = await monitor.values(1);
      const from = Number(first?.get('value'));
      for (let i = 1; i <= 100; i++) await ioc.context.put('ioc:target', i);
      const counts = (await monitor.values(100)).map((value) => Number(value.get('value')) - from);
      monitor.close();
      expect(counts).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
    }
  });
});

function same(a: unknown, b: unknown): boolean {
  if (ArrayBuffer.isView(b)) return sameBits(a, b);
  return JSON.stringify(a) === JSON.stringify(b);
}
