/** Requests to a server that is given, without a search. */
import { describe, expect, it } from 'vitest';
import { ConfigError, RemoteError, TimeoutError } from '../../src/errors.ts';
import { NTScalar } from '../../src/nt/nt-scalar.ts';
import { NTURI } from '../../src/nt/nt-uri.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { Value } from '../../src/value/value.ts';
import { clientOf, serve, serveAgain } from '../support/loopback.ts';

function double(value: number): SharedPV {
  const pv = new SharedPV({ onPut: (self, put) => self.post(put) });
  pv.open(Value.create(NTScalar.build('double'), { value }));
  return pv;
}

/** No search of this client reaches anybody. */
const NO_SEARCH = { addressList: [] as string[], autoAddrList: false };
const channels = NTURI.create('server', { op: 'channels' });

describe('the option server', () => {
  it('reaches a channel without a search: get, put, info, rpc', async () => {
    const served = await serve({ x: double(1) });
    const context = clientOf(served, NO_SEARCH);
    const server = `127.0.0.1:${served.tcpPort}`;
    await context.put('x', 2.5, { server });
    expect((await context.get('x', { server })).get('value')).toBe(2.5);
    expect(await context.info('x', { server })).toMatchObject({ server });
    expect((await context.rpc('server', channels, { server }))?.get('value')).toEqual(['x']);
    await expect(context.get('x', { timeout: 0.2 }), 'and no other request').rejects.toThrow(TimeoutError);
  });

  it('is one of every request: also process, put-get, get-get, get-put and monitor reach the server given', async () => {
    let processed = 0;
    const pv = new SharedPV({ onPut: (self, put) => self.post(put), onProcess: () => void processed++ });
    pv.open(Value.create(NTScalar.build('double'), { value: 2 }));
    const [elsewhere, served] = [await serve({ x: double(1) }), await serve({ x: pv })];
    const context = clientOf(elsewhere);
    const options = { server: `127.0.0.1:${served.tcpPort}` };
    await context.process('x', options);
    expect(processed).toBe(1);
    expect((await context.getGet('x', options)).get('value')).toBe(2);
    expect((await context.getPut('x', options)).get('value')).toBe(2);
    expect((await context.putGet('x', 3, options)).get('value')).toBe(3);
    for await (const update of context.monitor('x', options)) {
      expect(update.get('value')).toBe(3);
      break;
    }
    expect((await context.get('x')).get('value')).toBe(1);
  });

  it('tells channels of one name on two servers apart', async () => {
    const [first, second] = [await serve({ x: double(1) }), await serve({ x: double(2) })];
    const context = clientOf(first);
    const valueAt = async (server?: string): Promise<unknown> =>
      (await context.get('x', server === undefined ? {} : { server })).get('value');
    expect(await valueAt(`127.0.0.1:${second.tcpPort}`)).toBe(2);
    expect(await valueAt(`127.0.0.1:${first.tcpPort}`)).toBe(1);
    expect(await valueAt()).toBe(1);
  });

  it('finds the server again when it is back', async () => {
    const before = await serve({ x: double(1) });
    const context = clientOf(before, NO_SEARCH);
    const server = `localhost:${before.tcpPort}`;
    expect((await context.get('x', { server })).get('value')).toBe(1);
    await before.close();
    const later = context.get('x', { server, timeout: 10 });
    await serveAgain(before, { x: double(7) });
    expect((await later).get('value')).toBe(7);
  });

  it('says which server it was that did not answer, or what is wrong with its name', async () => {
    const context = clientOf(await serve({}));
    await expect(context.get('x', { server: '127.0.0.1:1', timeout: 2.5 })).rejects.toThrow(
      'x: 127.0.0.1:1 cannot be reached or refuses it within 2.5 s',
    );
    await expect(context.get('x', { server: 'a b' })).rejects.toThrow(ConfigError);
    await expect(
      context.rpc('server', NTURI.create('server', { op: 'bogus' }), {
        server: `127.0.0.1:${(await serve({})).tcpPort}`,
      }),
    ).rejects.toThrow(RemoteError);
  });
});
