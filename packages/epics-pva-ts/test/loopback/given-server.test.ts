/** Requests to a server that is given, without a search, and who answers when everybody is asked (pingServers). */
import { describe, expect, it } from 'vitest';
import { pingServers } from '../../src/client/ping-servers.ts';
import { ConfigError, RemoteError, TimeoutError } from '../../src/errors.ts';
import { searchResponseDatagram } from '../../src/message/datagram.ts';
import { NTScalar } from '../../src/nt/nt-scalar.ts';
import { NTURI } from '../../src/nt/nt-uri.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { UdpSocket } from '../../src/socket/udp.ts';
import { Value } from '../../src/value/value.ts';
import { ANY_ADDRESS } from '../../src/wire/address.ts';
import { clientOf, keep, serve, serveAgain } from '../support/loopback.ts';

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
    await expect(context.get('x', { server: '127.0.0.1:1', timeout: 0.3 })).rejects.toThrow(
      'x: 127.0.0.1:1 cannot be reached or refuses it within 0.3 s',
    );
    await expect(context.get('x', { server: 'a b' })).rejects.toThrow(ConfigError);
    await expect(
      context.rpc('server', NTURI.create('server', { op: 'bogus' }), {
        server: `127.0.0.1:${(await serve({})).tcpPort}`,
      }),
    ).rejects.toThrow(RemoteError);
  });
});

describe('pingServers', () => {
  it('takes no more than servers that can be used from whoever answers', async () => {
    const guid = (last: number): Uint8Array => Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, last);
    const response = { sequence: 1, serverAddress: ANY_ADDRESS, protocol: 'tcp', found: false, cids: [] };
    const answers = [
      searchResponseDatagram({ ...response, guid: guid(2), serverPort: 5075 }),
      searchResponseDatagram({ ...response, guid: guid(1), serverPort: 7000, serverAddress: '10.0.0.1' }),
      // Again, by another interface; again as before; without a port; cut; no protocol at all.
      searchResponseDatagram({ ...response, guid: guid(1), serverPort: 7000, serverAddress: '10.0.1.1' }),
      searchResponseDatagram({ ...response, guid: guid(2), serverPort: 5075 }, false),
      searchResponseDatagram({ ...response, guid: guid(3), serverPort: 0 }),
      searchResponseDatagram({ ...response, guid: guid(4), serverPort: 9 }).subarray(0, 30),
      Buffer.from('GET / HTTP/1.1\r\n'),
    ];
    const peer = keep(
      await UdpSocket.open({
        address: '127.0.0.1',
        port: 0,
        onDatagram: (_bytes, source) => {
          for (const answer of answers) peer.send(answer, source);
        },
      }),
    );
    const found = await pingServers({
      addressList: [`127.0.0.1:${peer.local.port}`],
      autoAddrList: false,
      interfaces: ['127.0.0.1'],
    });
    expect(found.map(({ guid: text, protocol, addresses }) => ({ text, protocol, addresses }))).toEqual([
      { text: '000102030405060708090a01', protocol: 'tcp', addresses: ['10.0.0.1:7000', '10.0.1.1:7000'] },
      { text: '000102030405060708090a02', protocol: 'tcp', addresses: ['127.0.0.1:5075'] },
    ]);
  });

  it('ends in time when somebody answers without end', async () => {
    let next = 0;
    const peer = keep(
      await UdpSocket.open({
        address: '127.0.0.1',
        port: 0,
        onDatagram: (_bytes, source) => {
          const timer = setInterval(() => {
            const guid = new Uint8Array(12);
            new DataView(guid.buffer).setUint32(8, next++);
            peer.send(
              searchResponseDatagram({
                guid,
                sequence: 1,
                serverAddress: ANY_ADDRESS,
                serverPort: 1,
                protocol: 'tcp',
                found: false,
                cids: [],
              }),
              source,
            );
          }, 5);
          setTimeout(() => clearInterval(timer), 5000).unref();
          timer.unref();
        },
      }),
    );
    const start = performance.now();
    const found = await pingServers({
      addressList: [`127.0.0.1:${peer.local.port}`],
      autoAddrList: false,
      interfaces: ['127.0.0.1'],
      timeout: 0.5,
    });
    expect(found.length).toBeGreaterThan(1);
    expect(performance.now() - start).toBeLessThan(3000);
  });
});
