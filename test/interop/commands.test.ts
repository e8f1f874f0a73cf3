/** PUT_GET and PROCESS with pvAccessCPP, and messages we send in segments with pvAccessCPP and PVXS; both roles. */
import {
  Context,
  clientConfigFromEnv,
  Server,
  SharedPV,
  serverConfigFromEnv,
  struct,
  Value,
} from 'epics-pva-ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Child } from './child.ts';
import { sameBits } from './compare.ts';
import { startP4pClient, startP4pServer, startPvapyClient, startPvapyServer } from './p4p.ts';
import type { PeerClient } from './peer-client.ts';
import { ensurePeers } from './peers.ts';
import { freePorts, peerEnv } from './ports.ts';

const peers = await ensurePeers();
/** Small enough that every array is cut in the middle of elements: no boundary of ours means anything. */
const SEGMENT = 1_001;

const CALC = struct('', { value: 'double', result: 'double', runs: 'int' });

describe.skipIf(!peers.available)('our server with a pvAccessCPP client', () => {
  let server: Server;
  let client: PeerClient;
  const numbers = SharedPV.mailbox(Value.create(struct('', { value: 'double[]', tail: 'string' })));
  let runs = 0;

  beforeAll(async () => {
    const env = peerEnv(await freePorts());
    server = new Server({ ...serverConfigFromEnv(env), maxSegment: SEGMENT });
    const calc = new SharedPV({
      onPut: (pv, value) => pv.post(value),
      onProcess: (pv) => {
        runs++;
        pv.post(Value.create(CALC, { result: 2 * (pv.fetch().get('value') as number), runs }));
      },
    });
    calc.open(Value.create(CALC, { value: 1 }));
    server.addPV('our:calc', calc).addPV('our:numbers', numbers);
    await server.start();
    client = await startPvapyClient(peers, env);
  });

  afterAll(async () => {
    await client?.stop();
    await server?.close();
  });

  it('puts, processes and gets in one operation', async () => {
    const got = await client.putGet('our:calc', '21', 'putField(value)getField(value,result,runs)');
    expect(got.value).toMatchObject({ value: 21, result: 42, runs: 1 });
    expect(runs).toBe(1);
    await client.putGet('our:calc', '4', 'record[process=false]putField(value)getField(value)');
    expect(runs).toBe(1);
  });

  it('processes with a put that asks for it', async () => {
    const before = runs;
    await client.put('our:calc', { value: 8 }, { request: 'record[process=true]field(value)' });
    expect(runs).toBe(before + 1);
    expect((await client.get('our:calc')).value).toMatchObject({ value: 8, result: 16 });
  });

  it('sends messages in segments that pvAccessCPP joins', async () => {
    for (const length of [100, 124, 125, 126, 20_000]) {
      const value = Float64Array.from({ length }, (_, index) => index / 3);
      numbers.post(Value.create(numbers.type as never, { value, tail: `behind ${length}` }));
      const got = await client.get('our:numbers', { timeout: 30 });
      expect(got.value).toMatchObject({ value: [...value], tail: `behind ${length}` });
    }
  });
});

describe.skipIf(!peers.available)('our client with a pvAccessCPP server', () => {
  let context: Context;
  let server: Child;

  beforeAll(async () => {
    const env = peerEnv(await freePorts());
    context = new Context({ ...clientConfigFromEnv(env), maxSegment: SEGMENT });
    server = await startPvapyServer(peers, env, 'cpp:');
  });

  afterAll(async () => {
    await context?.close();
    await server?.stop();
  });

  it('puts and gets in one operation, and reads either structure', async () => {
    const pvRequest = 'putField(value)getField(value,alarm)';
    const got = await context.putGet('cpp:scalar:int', 77, { pvRequest });
    expect(got.get('value')).toBe(77);
    const get = await context.getGet('cpp:scalar:int', { pvRequest });
    expect(get.toJS()).toMatchObject({ value: 77, alarm: {} });
    const put = await context.getPut('cpp:scalar:int', { pvRequest });
    expect(put.toJS()).toEqual({ value: 77 });
    const builder = (type: typeof CALC, present: Value | undefined): Value =>
      Value.create(type, { value: Number(present?.get('value')) + 1 });
    expect((await context.putGet('cpp:scalar:int', builder, { pvRequest })).get('value')).toBe(78);
  });

  it('processes a record', async () => {
    await context.process('cpp:scalar:int');
    await context.process('cpp:scalar:int', { pvRequest: 'record[nProcess=2]' });
  });

  it('puts arrays in segments', async () => {
    for (const length of [100, 125, 126, 20_000]) {
      const value = Float64Array.from({ length }, (_, index) => index / 7);
      await context.put('cpp:array:double', { value }, { timeout: 30 });
      const got = await context.get('cpp:array:double', { timeout: 30 });
      expect(sameBits(got.get('value'), value)).toBe(true);
    }
  });
});

describe.skipIf(!peers.available)('messages in segments with PVXS', () => {
  const values = [100, 125, 126, 20_000].map((length) =>
    Float64Array.from({ length }, (_, index) => index / 3),
  );

  it('are joined by its client', async () => {
    const env = peerEnv(await freePorts());
    await using server = new Server({ ...serverConfigFromEnv(env), maxSegment: SEGMENT });
    const pv = SharedPV.mailbox(Value.create(struct('', { value: 'double[]', tail: 'string' })));
    await server.addPV('our:numbers', pv).start();
    const client = await startP4pClient(peers, env);
    try {
      for (const value of values) {
        pv.post(Value.create(pv.type as never, { value, tail: `behind ${value.length}` }));
        const got = await client.get('our:numbers', { timeout: 30 });
        expect(got.value).toMatchObject({ value: [...value], tail: `behind ${value.length}` });
      }
    } finally {
      await client.stop();
    }
  });

  it('are joined by its server', async () => {
    const env = peerEnv(await freePorts());
    const server = await startP4pServer(peers, env, 'p4p:');
    await using context = new Context({ ...clientConfigFromEnv(env), maxSegment: SEGMENT });
    try {
      for (const value of values) {
        await context.put('p4p:array:double', { value }, { timeout: 30 });
        expect(sameBits((await context.get('p4p:array:double')).get('value'), value)).toBe(true);
      }
    } finally {
      await server.stop();
    }
  });
});

describe.skipIf(!peers.available)('a PVXS server', () => {
  it('never answers PROCESS and PUT_GET: the error says what to do, and the connection goes on', async () => {
    const env = peerEnv(await freePorts());
    const server = await startP4pServer(peers, env, 'p4p:');
    await using context = new Context(clientConfigFromEnv(env));
    try {
      const value = (await context.get('p4p:scalar:int')).get('value');
      await expect(context.process('p4p:scalar:int', { timeout: 0.5 })).rejects.toThrow(
        'p4p:scalar:int: no reply (PVXS servers never answer PROCESS; put with record[process=true] instead) within 0.5 s',
      );
      await expect(context.putGet('p4p:scalar:int', 1, { timeout: 0.5 })).rejects.toThrow(
        'p4p:scalar:int: no reply (PVXS servers never answer PUT_GET; put and get instead) within 0.5 s',
      );
      expect((await context.get('p4p:scalar:int')).get('value')).toBe(value);
    } finally {
      await server.stop();
    }
  });
});

describe.skipIf(!peers.available)('access rights', () => {
  it.each(['pvapy', 'p4p'])('are told to a client of %s, which does not mind, and hold', async (kind) => {
    const env = peerEnv(await freePorts());
    await using server = new Server({
      ...serverConfigFromEnv(env),
      accessRights: () => ({ put: false, putGet: false, rpc: false }),
    });
    await server.addPV('our:locked', SharedPV.mailbox(Value.create(CALC, { value: 1 }))).start();
    const client = await (kind === 'p4p' ? startP4pClient : startPvapyClient)(peers, env);
    try {
      expect((await client.get('our:locked')).value).toMatchObject({ value: 1 });
      await expect(client.put('our:locked', { value: 2 })).rejects.toThrow(
        'put not permitted: no right to put',
      );
      server.accessChanged();
      expect((await client.get('our:locked')).value).toMatchObject({ value: 1 });
    } finally {
      await client.stop();
    }
  });
});
