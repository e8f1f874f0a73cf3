/** Names searched for over TCP (EPICS_PVA_NAME_SERVERS): no datagram is needed. */
import { describe, expect, it } from 'vitest';
import { Context, type ContextOptions } from '../../src/client/context.ts';
import { clientConfigFromEnv } from '../../src/config.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { Happenings, keep, serve, serveAgain } from '../support/loopback.ts';

const INT = struct('', { value: 'int' });
const int = (value: number): SharedPV => SharedPV.mailbox(Value.create(INT, { value }));

/** A client that knows name servers only; its searches over UDP go nowhere. */
function client(...nameServers: string[]): Context {
  return clientWith({}, ...nameServers);
}

function clientWith(options: Pick<ContextOptions, 'lookup' | 'log'>, ...nameServers: string[]): Context {
  const config = clientConfigFromEnv({
    EPICS_PVA_NAME_SERVERS: nameServers.join(' '),
    EPICS_PVA_AUTO_ADDR_LIST: 'NO',
    EPICS_PVA_INTF_ADDR_LIST: '127.0.0.1',
    EPICS_PVA_BROADCAST_PORT: '9',
  });
  return keep(new Context({ ...config, ...options }));
}

describe('name servers', () => {
  it('are asked over TCP, and the channel is created where the answer came from', async () => {
    const one = await serve({ a: int(1) });
    const two = await serve({ b: int(2) });
    const context = client(`127.0.0.1:${one.tcpPort}`, `localhost:${two.tcpPort}`);
    const [a, b] = await Promise.all([context.get('a'), context.get('b')]);
    expect([a.get('value'), b.get('value')]).toEqual([1, 2]);
    expect((await context.info('a')).server).toBe(`127.0.0.1:${one.tcpPort}`);
    await expect(context.get('c', { timeout: 0.1 })).rejects.toMatchObject({ code: 'PVA_TIMEOUT' });
    // One connection each, for searches and channels alike.
    await expect.poll(() => [one.clientCount, two.clientCount]).toEqual([1, 1]);
  });

  it('that know nothing of each other serve what they have; one that is down does no harm', async () => {
    const one = await serve({ a: int(1) });
    const gone = await serve({});
    await gone.close();
    const context = client(`127.0.0.1:${gone.tcpPort}`, `127.0.0.1:${one.tcpPort}`);
    const names = Array.from({ length: 200 }, (_, i) => `n${i}`);
    for (const [i, name] of names.entries()) one.addPV(name, int(i));
    const values = await Promise.all(names.map(async (name) => (await context.get(name)).get('value')));
    expect(values).toEqual(names.map((_, i) => i));
    expect(one.clientCount).toBe(1);
  });

  it('are not asked for a channel whose server is given', async () => {
    const there = await serve({ a: int(1) });
    const gone = await serve({});
    await gone.close();
    const context = client(`127.0.0.1:${there.tcpPort}`);
    const server = `127.0.0.1:${gone.tcpPort}`;
    const put = context.put('a', 2, { server, timeout: 0.5 });
    const failed = expect(put).rejects.toMatchObject({ code: 'PVA_TIMEOUT' });
    // It connects to its name server meanwhile.
    expect((await context.get('a')).get('value')).toBe(1);
    await failed;
    expect((await context.get('a')).get('value')).toBe(1);
  });

  it('that come back are connected again, and their monitors with them', async () => {
    const first = await serve({ a: int(1) });
    const context = client(`127.0.0.1:${first.tcpPort}`);
    const seen = new Happenings<unknown>();
    context.monitor('a', {}, { update: (v) => seen.push(v.get('value')) });
    await seen.count(1);
    await first.close();
    await serveAgain(first, { a: int(2) });
    await seen.count(2);
    expect(seen.all).toEqual([1, 2]);
  });

  // 127.0.0.2 exists by itself on Linux only.
  it.runIf(process.platform === 'linux')('that move are found at the new address of their name', async () => {
    const asked: string[] = [];
    let address = '127.0.0.1';
    const lookup = async (host: string): Promise<string[]> => {
      asked.push(host);
      return [address];
    };
    const first = await serve({ a: int(1) });
    const context = clientWith({ lookup }, `gateway:${first.tcpPort}`);
    expect((await context.get('a')).get('value')).toBe(1);
    expect((await context.info('a')).server).toBe(`127.0.0.1:${first.tcpPort}`);
    await first.close();
    address = '127.0.0.2';
    const second = await serve({ a: int(2) }, { interfaces: ['127.0.0.2'], tcpPort: first.tcpPort });
    expect((await context.get('a', { timeout: 20 })).get('value')).toBe(2);
    expect((await context.info('a')).server).toBe(`127.0.0.2:${second.tcpPort}`);
    expect(asked.length).toBeGreaterThan(1);
    expect(new Set(asked)).toEqual(new Set(['gateway']));
  });

  it('are tried at each address of their name, and later when the name is not known yet', async () => {
    const server = await serve({ a: int(1) });
    const gone = await serve({});
    await gone.close();
    const log: string[] = [];
    const answers = [[], ['203.0.113.300', 'no address'], ['127.0.0.1']];
    const lookup = async (): Promise<string[]> => {
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      return answer ?? [];
    };
    const options = { lookup, log: (_level: string, text: string) => log.push(text) };
    const context = clientWith(options, `gateway:${server.tcpPort}`);
    expect((await context.get('a', { timeout: 20 })).get('value')).toBe(1);
    expect(log.filter((text) => text.includes('gateway: no such host'))).toHaveLength(2);
  });

  it('that cannot be read are refused when the client is made', () => {
    expect(() => clientWith({}, 'gateway:99999')).toThrow('EPICS_PVA_NAME_SERVERS');
    expect(() => new Context({ nameServers: ['a b'] })).toThrow('"a b"');
    expect(() => new Context({ addressList: ['10.0.0.300'] })).toThrow('10.0.0.300');
    expect(() => new Context({ interfaces: ['no-such-interface'] })).toThrow('no-such-interface');
  });
});
