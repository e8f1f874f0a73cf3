/** PROCESS, PUT_GET and the options `process` and `block`: a whole client against a whole server in memory. */
import { describe, expect, it } from 'vitest';
import { ProcessRequest } from '../../src/client/process-request.ts';
import { PutGetReadRequest, PutGetRequest } from '../../src/client/put-get-request.ts';
import { GetRequest, PutRequest } from '../../src/client/requests.ts';
import type { RequestInfo } from '../../src/server/request-info.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import type { SharedPVHandlers } from '../../src/server/shared-pv-options.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { JoinedSession } from '../support/joined-session.ts';
import { settled } from '../support/memory-transport.ts';
import { names } from '../support/raw-peer.ts';
import { NT_ENUM } from '../support/types.ts';

const CALC = struct('calc', { value: 'double', result: 'double', runs: 'int' });
const OPTIONS = { timeout: 0 };

/** A record: processing doubles `value` into `result`; how often and with which options it was asked is kept. */
class Calc {
  readonly infos: RequestInfo[] = [];
  readonly puts: (boolean | string)[] = [];
  readonly pv: SharedPV;

  constructor(handlers: SharedPVHandlers = {}) {
    this.pv = new SharedPV({
      onPut: (pv, value, _client, info) => {
        this.puts.push(info.process);
        pv.post(value);
      },
      onProcess: (pv, _client, info) => {
        this.infos.push(info);
        const now = pv.fetch();
        pv.post(
          Value.create(CALC, {
            result: 2 * (now.get('value') as number),
            runs: (now.get('runs') as number) + 1,
          }),
        );
      },
      ...handlers,
    });
    this.pv.open(Value.create(CALC, { value: 1 }));
  }
}

async function asked(s: JoinedSession, command: string): Promise<number[]> {
  await settled();
  return s
    .sentByClient()
    .filter((m) => m.name === command)
    .map((m) => m.payload[8] as number);
}

describe('process', () => {
  it('processes once, and leaves nothing behind', async () => {
    const { pv, infos } = new Calc();
    const s = new JoinedSession({ p: pv });
    await s.run(new ProcessRequest(s.channel('p'), OPTIONS));
    expect(pv.fetch().toJS()).toEqual({ value: 1, result: 2, runs: 1 });
    expect(infos).toHaveLength(1);
    expect(await asked(s, 'PROCESS')).toEqual([0x08, 0x00]);
    expect(names(s.sentByClient()).at(-1)).toBe('DESTROY_REQUEST');
    expect([s.now.served.operationCount, s.currentLink.operationCount]).toEqual([0, 0]);
  });

  it('tells the handler the options of the request', async () => {
    const { pv, infos } = new Calc();
    const s = new JoinedSession({ p: pv });
    await s.run(
      new ProcessRequest(s.channel('p'), { ...OPTIONS, pvRequest: 'record[nProcess=3,block=true]' }),
    );
    expect([infos[0]?.option('nProcess'), infos[0]?.block, infos[0]?.option('none')]).toEqual([
      '3',
      true,
      undefined,
    ]);
  });

  it('is refused by a PV that has no such thing, and fails with what the handler throws', async () => {
    const failing = new Calc({ onProcess: () => Promise.reject(new Error('hardware is off')) }).pv;
    const s = new JoinedSession({ p: SharedPV.mailbox(Value.create(CALC)), q: failing });
    const process = (name: string): Promise<void> => s.run(new ProcessRequest(s.channel(name), OPTIONS));
    await expect(process('p')).rejects.toMatchObject({
      code: 'PVA_REMOTE',
      message: 'p: processing not supported by this PV',
    });
    await expect(process('q')).rejects.toThrow('q: hardware is off');
    await settled();
    expect([s.now.served.operationCount, s.currentLink.operationCount]).toEqual([0, 0]);
  });

  it('that was sent is not repeated on a new connection', async () => {
    const never = new Calc({ onProcess: () => new Promise(() => {}) }).pv;
    const s = new JoinedSession({ p: never });
    const pending = s.run(new ProcessRequest(s.channel('p'), OPTIONS));
    await settled();
    s.serverDown();
    await expect(pending).rejects.toMatchObject({ code: 'PVA_DISCONNECTED' });
  });
});

describe('put-get', () => {
  const putGet = (
    s: JoinedSession,
    input: unknown,
    pvRequest = 'putField(value)getField(result,runs)',
    more: object = {},
  ): Promise<Value> => s.run(new PutGetRequest(s.channel('p'), input, { ...OPTIONS, pvRequest, ...more }));

  it('puts, processes, and returns what was asked for', async () => {
    const { pv } = new Calc();
    const s = new JoinedSession({ p: pv });
    const got = await putGet(s, 21);
    expect([got.get('result'), got.get('runs'), got.isMarked('value')]).toEqual([42, 1, false]);
    expect(await asked(s, 'PUT_GET')).toEqual([0x08, 0x80, 0x00]);
    expect((await putGet(s, { value: 4 }, '', { fetch: false })).toJS()).toEqual({
      value: 4,
      result: 8,
      runs: 2,
    });
    await settled();
    expect([s.now.served.operationCount, s.currentLink.operationCount]).toEqual([0, 0]);
  });

  it('hands the present value of what it would put to a function, and reads choices for a label', async () => {
    const { pv } = new Calc();
    const choices = ['Zero', 'One', 'Two'];
    const enumPv = SharedPV.mailbox(Value.create(NT_ENUM, { 'value.choices': choices }));
    const s = new JoinedSession({ p: pv, e: enumPv });
    const seen: unknown[] = [];
    await putGet(s, (type: typeof CALC, present: Value | undefined) => {
      seen.push(present?.get('value'), present?.isMarked('result'));
      return Value.create(type, { value: 5 });
    });
    expect([seen, pv.fetch().get('result')]).toEqual([[1, false], 10]);
    const got = await s.run(
      new PutGetRequest(s.channel('e'), 'Two', { ...OPTIONS, pvRequest: 'putField(value)getField(value)' }),
    );
    expect([got.get('value.index'), got.get('value.choices')]).toEqual([2, choices]);
  });

  it('reads either structure without putting', async () => {
    const { pv, infos } = new Calc();
    const s = new JoinedSession({ p: pv });
    const read = (what: 'get' | 'put'): Promise<Value> =>
      s.run(
        new PutGetReadRequest(s.channel('p'), what, {
          ...OPTIONS,
          pvRequest: 'putField(value)getField(result)',
        }),
      );
    const get = await read('get');
    const put = await read('put');
    expect([get.isMarked('value'), get.isMarked('result')]).toEqual([false, true]);
    expect([put.isMarked('value'), put.isMarked('result'), put.get('value')]).toEqual([true, false, 1]);
    expect(infos).toEqual([]);
    expect(await asked(s, 'PUT_GET')).toEqual([0x08, 0x40, 0x08, 0x80]);
  });

  it('waits for processing, and does not process with process=false', async () => {
    let finish = (): void => {};
    const slow = new Calc({
      onProcess: (pv) =>
        new Promise((resolve) => {
          finish = () => {
            pv.post(Value.create(CALC, { result: 7 }));
            resolve();
          };
        }),
    });
    const s = new JoinedSession({ p: slow.pv });
    let got: Value | undefined;
    const pending = putGet(s, 3).then((value) => {
      got = value;
    });
    await settled();
    expect(got).toBeUndefined();
    finish();
    await pending;
    expect(got?.get('result')).toBe(7);
    await putGet(s, 4, 'record[process=false]putField(value)getField(value)');
    expect(slow.pv.fetch().toJS()).toMatchObject({ value: 4, result: 7 });
  });

  it('uses what the PV has for it', async () => {
    const { pv } = new Calc();
    const own = Object.assign(pv, {
      putGet: (value: Value) => Value.create(CALC, { result: -(value.get('value') as number) }),
    });
    const s = new JoinedSession({ p: own });
    expect((await putGet(s, 3)).get('result')).toBe(-3);
    own.putGet = () => Value.create(struct('', { other: 'int' })) as never;
    await expect(putGet(s, 3)).rejects.toThrow('p: the PV announced calc and gave another structure');
  });

  it('fails with what the PV says: at INIT for fields it has not, at the put when it is read-only', async () => {
    const s = new JoinedSession({ p: SharedPV.readonly(Value.create(CALC)) });
    await expect(putGet(s, 3, 'putField(nope)getField(value)')).rejects.toThrow(
      'p: none of the requested fields exists: nope',
    );
    await expect(putGet(s, 3)).rejects.toThrow('p: put not permitted: this PV is read-only');
    await settled();
    expect([s.now.served.operationCount, s.currentLink.operationCount]).toEqual([0, 0]);
  });
});

describe('the options process and block', () => {
  const put = (s: JoinedSession, pvRequest: string, input: unknown = 5): Promise<void> =>
    s.run(new PutRequest(s.channel('p'), input, { ...OPTIONS, pvRequest, fetch: false }));

  it.each([
    ['record[process=true]', true, 1],
    ['record[process=1]', true, 1],
    ['record[process=false]', false, 0],
    ['record[process=passive]', 'passive', 0],
    ['', 'passive', 0],
  ])('put with %s', async (pvRequest, seen, runs) => {
    const { pv, puts } = new Calc();
    const s = new JoinedSession({ p: pv });
    await put(s, pvRequest);
    expect([puts, pv.fetch().get('runs'), pv.fetch().get('value')]).toEqual([[seen], runs, 5]);
  });

  it('a put of nothing that forces processing only processes (PVXS clients say PROCESS so)', async () => {
    const { pv, puts, infos } = new Calc();
    const s = new JoinedSession({ p: pv });
    await put(s, 'record[process=true]', {});
    expect([puts, infos.length]).toEqual([[], 1]);
  });

  it('a get with process=true processes before', async () => {
    const { pv } = new Calc();
    const s = new JoinedSession({ p: pv });
    const get = (pvRequest: string): Promise<Value> =>
      s.run(new GetRequest(s.channel('p'), { ...OPTIONS, pvRequest }));
    expect((await get('record[process=true]')).toJS()).toEqual({ value: 1, result: 2, runs: 1 });
    expect((await get('record[process=false]')).get('runs')).toBe(1);
  });

  it('the reply waits for the end of processing with block=true, and only then', async () => {
    const finish: ((error?: Error) => void)[] = [];
    const slow = new Calc({
      onProcess: () =>
        new Promise<void>((resolve, reject) => {
          finish.push((error) => (error ? reject(error) : resolve()));
        }),
    });
    const s = new JoinedSession({ p: slow.pv });
    await put(s, 'record[process=true]');
    let done = false;
    const blocked = put(s, 'record[process=true,block=true]').then(() => {
      done = true;
    });
    await settled();
    expect(done).toBe(false);
    for (const f of finish) f();
    await blocked;
    const failing = put(s, 'record[process=true,block=true]');
    await settled();
    finish.at(-1)?.(new Error('motor stalled'));
    await expect(failing).rejects.toThrow('p: motor stalled');
    // Nobody waits for this one: its failure is a MESSAGE.
    await put(s, 'record[process=true]');
    finish.at(-1)?.(new Error('motor stalled'));
    await settled();
    expect(s.sentByServer().filter((m) => m.name === 'MESSAGE')).toHaveLength(1);
  });

  it('that mean nothing here are told to the client, which goes on', async () => {
    const { pv, puts } = new Calc();
    const s = new JoinedSession({ p: pv });
    await put(s, 'record[process=maybe,block=perhaps]');
    expect(puts).toEqual(['passive']);
    const texts = s.sentByServer().filter((m) => m.name === 'MESSAGE');
    expect(texts.map((m) => m.payload.subarray(6).toString())).toEqual([
      'process=maybe is not true, false or passive, passive is used',
      'block=perhaps is not true or false, false is used',
    ]);
  });

  it('block means nothing without processing', async () => {
    const seen: boolean[] = [];
    const { pv } = new Calc({ onPut: (_pv, _value, _client, info) => void seen.push(info.block) });
    const s = new JoinedSession({ p: pv });
    await put(s, 'record[process=false,block=true]');
    await put(s, 'record[block=true]');
    expect(seen).toEqual([false, true]);
  });
});
