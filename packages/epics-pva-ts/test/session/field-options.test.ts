/**
 * Field options of a pvRequest, as pvDatabase's plugins: parts of arrays, deadbands, time stamps of the moment, changes that
 * make no event; and that what means nothing is said and changes nothing.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PutGetReadRequest, PutGetRequest } from '../../src/client/put-get-request.ts';
import { GetRequest, PutRequest } from '../../src/client/requests.ts';
import { nowTimeStamp, readTimeStamp, toSeconds } from '../../src/nt/time-stamp.ts';
import { ArraySlice } from '../../src/server/array-slice.ts';
import { FieldFilters } from '../../src/server/field-filters.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { AnyValue, UnionValue } from '../../src/value/containers.ts';
import { PvRequest, parsePvRequest } from '../../src/value/pv-request.ts';
import { bounded, struct, type TypeDef, union } from '../../src/value/type-def.ts';
import { type PvData, Value } from '../../src/value/value.ts';
import { JoinedSession } from '../support/joined-session.ts';
import { settled } from '../support/memory-transport.ts';

const OPTIONS = { timeout: 0 };
const ARRAYS = struct('', {
  value: 'int[]',
  longs: 'long[]',
  texts: 'string[]',
  flags: 'boolean[]',
  either: union('', { doubles: 'double[]', text: 'string' }),
  anything: 'any',
  fixed: bounded('int', 'fixed', 3),
  number: 'int',
  odd: struct('time_t', { secondsPastEpoch: 'byte', nanoseconds: 'string' }),
});
const TEN = Int32Array.from({ length: 10 }, (_, i) => i);
const arrays = (): Value =>
  Value.create(ARRAYS, {
    value: TEN,
    longs: BigInt64Array.from([10n, 11n, 12n, 13n]),
    texts: ['a', 'b', 'c', 'd'],
    flags: [true, false, true],
    'either->doubles': [0.5, 1.5, 2.5],
    anything: Float32Array.from([1, 2, 3, 4]),
    fixed: [7, 8, 9],
    number: 1,
  });
const content = (v: PvData): PvData => (v instanceof UnionValue || v instanceof AnyValue ? v.value : v);
const plainArray = (v: PvData): unknown => Array.from(content(v) as ArrayLike<unknown>);

async function got(pv: SharedPV, pvRequest: string): Promise<Value> {
  const s = new JoinedSession({ p: pv });
  return s.run(new GetRequest(s.channel('p'), { ...OPTIONS, pvRequest }));
}

describe('array=', () => {
  it.each([
    ['0:9', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
    ['2:4', [2, 3, 4]],
    ['7', [7, 8, 9]],
    ['0', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
    ['1:3:9', [1, 4, 7]],
    ['0:2:-1', [0, 2, 4, 6, 8]],
    ['-3', [7, 8, 9]],
    ['-3:-2', [7, 8]],
    ['-100:2', [0, 1, 2]],
    ['8:100', [8, 9]],
    ['0:100:100', [0]],
    ['5:2', []],
    ['10:20', []],
    ['0:-100', [0]],
  ])('%s gets that part', async (slice, expected) => {
    const value = await got(SharedPV.readonly(arrays()), `field(value[array=${slice}])`);
    expect(plainArray(value.get('value'))).toEqual(expected);
  });

  it.each([
    ['longs', '1:2', [11n, 12n]],
    ['longs', '0:2:3', [10n, 12n]],
    ['texts', '-2', ['c', 'd']],
    ['texts', '0:3:3', ['a', 'd']],
    ['flags', '1:2', [false, true]],
    ['either', '0:1', [0.5, 1.5]],
    ['anything', '1:2:3', [2, 4]],
  ])('slices %s[%s]', async (field, slice, expected) => {
    const value = await got(SharedPV.readonly(arrays()), `field(${field}[array=${slice}],number)`);
    expect(plainArray(value.get(field))).toEqual(expected);
    expect(value.get('number')).toBe(1);
  });

  it('leaves what others get, and what is served, alone', async () => {
    const pv = SharedPV.readonly(arrays());
    await got(pv, 'field(value[array=0:1])');
    expect(plainArray((await got(pv, 'field(value)')).get('value'))).toEqual([...TEN]);
    expect(plainArray(pv.fetch().get('value'))).toEqual([...TEN]);
  });

  it('slices every update of a monitor, and only of those that ask', async () => {
    const pv = SharedPV.readonly(arrays());
    const s = new JoinedSession({ p: pv });
    const seen: unknown[] = [];
    const whole: unknown[] = [];
    s.monitor(
      'p',
      { update: (v) => void seen.push(plainArray(v.get('value'))) },
      { pvRequest: 'value[array=-2]' },
    );
    s.monitor('p', { update: (v) => void whole.push((v.get('value') as Int32Array).length) });
    await settled();
    pv.post({ value: [1, 2, 3] });
    pv.post({ number: 5 });
    pv.post({ value: [4] });
    await settled();
    expect(seen).toEqual([[8, 9], [2, 3], [4]]);
    expect(whole).toEqual([10, 3, 3, 1]);
  });

  it.each([
    ['2:4', [20, 21, 22], [0, 1, 20, 21, 22, 5, 6, 7, 8, 9]],
    ['0:3:9', [50, 51, 52, 53], [50, 1, 2, 51, 4, 5, 52, 7, 8, 53]],
    ['-1', [99], [0, 1, 2, 3, 4, 5, 6, 7, 8, 99]],
    ['9:11', [1, 2, 3], [0, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3]],
    ['2:3', [20, 21, 22], [0, 1, 20, 21, 4, 5, 6, 7, 8, 9]],
  ])('%s puts into that part', async (slice, put, expected) => {
    const pv = SharedPV.mailbox(arrays());
    const s = new JoinedSession({ p: pv });
    const pvRequest = `field(value[array=${slice}])`;
    await s.run(new PutRequest(s.channel('p'), put, { ...OPTIONS, pvRequest }));
    expect(plainArray(pv.fetch().get('value'))).toEqual(expected);
  });

  it('of a put-get chooses what is put, what is got, or both', async () => {
    const pv = SharedPV.mailbox(arrays());
    const s = new JoinedSession({ p: pv });
    const putGet = async (pvRequest: string, put: unknown): Promise<unknown> =>
      plainArray(
        (await s.run(new PutGetRequest(s.channel('p'), put, { ...OPTIONS, pvRequest }))).get('value'),
      );
    expect(await putGet('putField(value[array=0:1])getField(value[array=1:2])', [50, 51])).toEqual([51, 2]);
    expect(await putGet('field(value[array=8:9])', [58, 59])).toEqual([58, 59]);
    expect(plainArray(pv.fetch().get('value'))).toEqual([50, 51, 2, 3, 4, 5, 6, 7, 58, 59]);
    const reading = async (kind: 'get' | 'put'): Promise<unknown> => {
      const pvRequest = 'putField(value[array=0])getField(value[array=-1])';
      const value = await s.run(new PutGetReadRequest(s.channel('p'), kind, { ...OPTIONS, pvRequest }));
      return (plainArray(value.get('value')) as unknown[]).length;
    };
    expect([await reading('get'), await reading('put')]).toEqual([1, 10]);
  });

  it('gives and takes the same elements, whatever the slice', () => {
    const index = fc.integer({ min: -12, max: 12 });
    const slices = fc.tuple(fc.integer({ min: 0, max: 10 }), index, fc.integer({ min: 1, max: 4 }), index);
    fc.assert(
      fc.property(slices, ([length, start, increment, end]) => {
        const array = Int32Array.from({ length }, (_, i) => i);
        const slice = ArraySlice.parse(`${start}:${increment}:${end}`) as ArraySlice;
        const at = (i: number): number => (i < 0 ? Math.max(0, length + i) : i);
        const expected = [...array].filter(
          (i) => i >= at(start) && i <= at(end) && (i - at(start)) % increment === 0,
        );
        expect(plainArray(slice.of(array))).toEqual(expected);
        const doubled = Int32Array.from(expected, (i) => i * 2);
        const put = [...array].map((i) => (expected.includes(i) ? i * 2 : i));
        expect(plainArray(slice.into(array, doubled))).toEqual(put);
        expect([...array]).toEqual(Array.from({ length }, (_, i) => i));
      }),
      { numRuns: 500 },
    );
  });

  it('puts no array of gigabytes for a few bytes', async () => {
    const pv = SharedPV.mailbox(arrays());
    const s = new JoinedSession({ p: pv });
    const put = s.run(
      new PutRequest(s.channel('p'), [1], {
        ...OPTIONS,
        pvRequest: 'field(value[array=1000000000:1000000001])',
      }),
    );
    await expect(put).rejects.toThrow('element 1000000000 lies too far behind the 10 there are');
    expect(plainArray(pv.fetch().get('value'))).toEqual([...TEN]);
  });
});

describe('deadband=', () => {
  const NUMBER = struct('', { value: 'double', status: 'int' });
  async function told(
    option: string,
    posts: readonly Readonly<Record<string, number | undefined>>[],
    fields = '',
  ): Promise<unknown[]> {
    const pv = SharedPV.readonly(Value.create(NUMBER, { value: 10 }));
    const s = new JoinedSession({ p: pv });
    const seen: unknown[] = [];
    const update = (v: Value): void =>
      void seen.push(v.isMarked('status') && fields ? [v.get('value'), v.get('status')] : v.get('value'));
    s.monitor('p', { update }, { pvRequest: `field(value[deadband=${option}]${fields})` });
    await settled();
    for (const post of posts) pv.post(post);
    await settled();
    return seen;
  }
  const values = (...numbers: number[]): Record<string, number>[] => numbers.map((value) => ({ value }));

  it('abs: tells of a change of the width or more since what it told last', async () => {
    expect(await told('abs:1', values(10.5, 10.9, 11, 11.5, 10.1, 10, 10))).toEqual([10, 11, 10]);
  });

  it('rel: counts in percent of what it told last; of 0 every change', async () => {
    expect(await told('rel:10', values(10.9, 11, 12, 12.2, 0, 0.001, -1, -1.05))).toEqual([
      10, 11, 12.2, 0, 0.001, -1,
    ]);
  });

  it('holds back the field only: other fields come without it', async () => {
    const posts = [{ value: 10.5, status: 1 }, { value: 10.7 }, { value: 12, status: 2 }];
    expect(await told('abs:1', posts, ',status')).toEqual([
      [10, 0],
      [10, 1],
      [12, 2],
    ]);
  });

  it('is nothing to a get', async () => {
    const pv = SharedPV.readonly(Value.create(NUMBER, { value: 10 }));
    expect((await got(pv, 'field(value[deadband=abs:100])')).get('value')).toBe(10);
  });
});

describe('timestamp=', () => {
  const TIMED = struct('', {
    value: 'int',
    timeStamp: struct('time_t', { secondsPastEpoch: 'long', nanoseconds: 'int', userTag: 'int' }),
  });
  const old = (): SharedPV =>
    SharedPV.mailbox(Value.create(TIMED, { timeStamp: { secondsPastEpoch: 100n, userTag: 3 } }));
  const seconds = (v: Value): number =>
    toSeconds(readTimeStamp(v) as NonNullable<ReturnType<typeof readTimeStamp>>);

  it('current gives the time of the answer, copy and none that of the value', async () => {
    const before = toSeconds(nowTimeStamp());
    expect(seconds(await got(old(), 'field(timeStamp[timestamp=current])'))).toBeGreaterThanOrEqual(before);
    expect(seconds(await got(old(), 'field(timeStamp[timestamp=copy])'))).toBe(100);
    expect(seconds(await got(old(), 'field(timeStamp)'))).toBe(100);
  });

  it('current stamps updates that bring a time, and no others', async () => {
    const before = toSeconds(nowTimeStamp());
    const pv = old();
    const s = new JoinedSession({ p: pv });
    const seen: boolean[] = [];
    const update = (v: Value): void => {
      expect(seconds(v)).toBeGreaterThanOrEqual(before);
      seen.push(v.isMarked('timeStamp'));
    };
    s.monitor('p', { update }, { pvRequest: 'field(value,timeStamp[timestamp=current])' });
    await settled();
    pv.post({ value: 2 });
    pv.post({ value: 3, 'timeStamp.secondsPastEpoch': 5n });
    await settled();
    expect(seen).toEqual([true, false, true]);
    expect(seconds(pv.fetch())).toBe(5);
  });
});

describe('ignore', () => {
  const ABC = struct('', { a: 'int', b: 'int', c: struct('', { d: 'int', e: 'int' }) });

  it('makes no event of these fields; they come with the next one', async () => {
    const pv = SharedPV.readonly(Value.create(ABC));
    const s = new JoinedSession({ p: pv });
    const seen: unknown[] = [];
    const update = (v: Value): void => {
      const came = ['a', 'b', 'c.d', 'c.e'].filter((path) => v.isMarked(path));
      seen.push([came.join(), v.get('a'), v.get('b'), v.get('c.d')]);
    };
    s.monitor('p', { update }, { pvRequest: 'field(a,b[ignore=true],c[ignore=true])' });
    await settled();
    pv.post({ b: 1 });
    pv.post({ b: 2, 'c.d': 3 });
    pv.post({ a: 4 });
    pv.post({ a: 5, b: 6 });
    pv.post({ b: 7 });
    await settled();
    expect(seen).toEqual([
      ['a,b,c.d,c.e', 0, 0, 0],
      ['a,b,c.d', 4, 2, 3],
      ['a,b', 5, 6, 3],
    ]);
  });
});

describe('a request', () => {
  const filters = (pvRequest: string, type: TypeDef = ARRAYS): FieldFilters | null =>
    FieldFilters.of(new PvRequest(parsePvRequest(pvRequest)), type);

  it.each([
    '',
    'field(value)',
    'record[queueSize=5]field(value,number)',
    'value[unknown=1]',
    '_[distributor=updates:1]',
  ])("'%s' has no filters, so nothing is done for it", (pvRequest) => {
    expect(filters(pvRequest)).toBeNull();
  });

  it.each([
    ['value[array=x]', 'value[array=x] is ignored: it is not start[:end] or start:increment:end'],
    ['value[array=0:0:5]', 'value[array=0:0:5] is ignored'],
    ['value[array=0:-1:5]', 'with an increment above 0'],
    ['number[array=0:5]', 'number[array=0:5] is ignored: int has no elements to choose from'],
    ['fixed[array=0:1]', 'int[3] has no elements to choose from'],
    ['value[deadband=abs:1]', 'int[] is no number'],
    ['number[deadband=about:1]', 'it is not abs:WIDTH or rel:PERCENT'],
    ['number[deadband=abs:0]', 'it is not abs:WIDTH or rel:PERCENT'],
    ['number[timestamp=current]', 'it is no time stamp'],
    ['odd[timestamp=current]', 'it is no time stamp'],
  ])('%s is said to mean nothing, and is without effect', async (pvRequest, warning) => {
    expect(filters(pvRequest)?.warnings.join()).toContain(warning);
    const path = /^\w+/.exec(pvRequest)?.[0] as string;
    const value = await got(SharedPV.readonly(arrays()), pvRequest);
    expect(value.toJS()[path]).toEqual(arrays().toJS()[path]);
  });
});
