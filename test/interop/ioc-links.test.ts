/**
 * A real IOC as the client of our Server, by its pvAccess links: records that read from, write to and follow our PVs,
 * their alarms and times, and what happens when our PV or our server goes away.
 */
import { join } from 'node:path';
import { Context, clientConfigFromEnv, RemoteError, Value } from 'epics-pva-ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sameBits } from './compare.ts';
import { type Ioc, startIoc } from './ioc.ts';
import { OurServer } from './our-server.ts';
import { ensurePeers, repositoryRoot } from './peers.ts';
import { freePorts, peerEnv } from './ports.ts';

const peers = await ensurePeers();
const WAIT = { timeout: 30_000, interval: 50 };

describe.skipIf(!peers.available)('an IOC that links to our server', () => {
  let ours: OurServer;
  let ioc: Ioc;
  let context: Context;
  let env: NodeJS.ProcessEnv;
  const get = async (name: string, path = 'value') => (await context.get(`ioc:${name}`)).get(path);
  const post = (name: string, fields: Record<string, unknown>) =>
    ours.pv(name).post(Value.create(ours.pv(name).fetch().type, fields));

  beforeAll(async () => {
    env = peerEnv(await freePorts());
    ours = await OurServer.start(env, 'our:');
    ioc = await startIoc(peers, env, 'ioc:', join(repositoryRoot(), 'test', 'interop', 'links.db'));
    context = new Context(clientConfigFromEnv(env));
  });

  afterAll(async () => {
    await context?.close();
    await ioc?.stop();
    await ours?.close();
  });

  it('follows scalars, strings, enums and members of structures', async () => {
    post('scalar:double', { value: -0.125 });
    post('scalar:long', { value: -(2n ** 63n) });
    post('scalar:string', { value: 'grüße' });
    post('nt:enum', { value: { index: 2 } });
    post('struct:nested', { a: { b: { c: 77 } } });
    await expect.poll(() => get('in:double'), WAIT).toBe(-0.125);
    await expect.poll(() => get('in:long'), WAIT).toBe(-(2n ** 63n));
    await expect.poll(() => get('in:string'), WAIT).toBe('grüße');
    await expect.poll(() => get('in:enum', 'value.index'), WAIT).toBe(2);
    await expect.poll(() => get('in:member'), WAIT).toBe(77);
  });

  it('takes over alarm and time', async () => {
    const timeStamp = { secondsPastEpoch: 1_700_000_123n, nanoseconds: 456 };
    post('scalar:double', { value: 5, alarm: { severity: 2, status: 1, message: 'HIHI' }, timeStamp });
    await expect.poll(() => get('in:double', 'alarm.severity'), WAIT).toBe(2);
    expect((await context.get('ioc:in:double')).toJS()).toMatchObject({ value: 5, timeStamp });
    post('scalar:double', { value: 6, alarm: { severity: 0, status: 0, message: '' } });
    await expect.poll(() => get('in:double', 'alarm.severity'), WAIT).toBe(0);
  });

  it('writes scalars', async () => {
    await context.put('ioc:out:double', 3.5);
    await expect.poll(() => ours.pv('scalar:double').fetch().get('value'), WAIT).toBe(3.5);
    await context.put('ioc:out:long', 2n ** 63n - 1n);
    await expect.poll(() => ours.pv('scalar:long').fetch().get('value'), WAIT).toBe(2n ** 63n - 1n);
    expect(ours.takePuts('scalar:long').length).toBeGreaterThan(0);
  });

  it('reads and writes 10 MB', async () => {
    const big = Float64Array.from({ length: 1_310_720 }, (_, index) => index / 3);
    post('array:double', { value: big });
    await expect.poll(async () => sameBits(await get('in:array'), big), WAIT).toBe(true);
    const reversed = Float64Array.from(big).reverse();
    await context.put('ioc:out:array', reversed);
    await expect
      .poll(() => sameBits(ours.pv('array:double').fetch().get('value'), reversed), WAIT)
      .toBe(true);
  });

  it('follows a counter to its newest value', async () => {
    ours.count(1000);
    await expect.poll(() => get('in:counter'), WAIT).toBe(1000n);
    ours.count(1);
    await expect.poll(() => get('in:counter'), WAIT).toBe(1001n);
  });

  it('is told when our server goes away, and follows the next one', async () => {
    await ours.close();
    // What the link read before is not valid any more, and the record cannot be processed.
    await expect(context.put('ioc:in:long.PROC', 1)).rejects.toThrow(RemoteError);
    await expect.poll(() => get('in:long', 'alarm.severity'), WAIT).toBe(3);
    ours = await OurServer.start(env, 'our:');
    post('scalar:long', { value: 4321n });
    await expect.poll(() => get('in:long'), { ...WAIT, timeout: 40_000 }).toBe(4321n);
    expect(await get('in:long', 'alarm.severity')).toBe(0);
  });
});
