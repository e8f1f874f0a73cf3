/** What a server answers to a datagram and passes on; above all, that it cannot be used against third parties. */
import { describe, expect, it } from 'vitest';
import { forwardedSearch } from '../../src/connection/fan-out.ts';
import { answerSearch, UdpResponder, type UdpResponderOptions } from '../../src/connection/udp-responder.ts';
import type { Datagram } from '../../src/endpoint.ts';
import { Command } from '../../src/frame/command.ts';
import {
  decodeDatagram,
  encodeDatagram,
  MAX_DATAGRAM,
  readPayload,
  searchDatagram,
} from '../../src/message/datagram.ts';
import { decodeOriginTag, encodeOriginTag } from '../../src/message/origin-tag.ts';
import { decodeSearchRequest, decodeSearchResponse, type SearchRequest } from '../../src/message/search.ts';
import * as golden from '../message/golden-discovery.ts';

const guid = new Uint8Array(12).fill(9);
const client = { address: '10.0.0.7', port: 34232 };
const own = new Set(['10.0.0.1', '127.0.0.1']);

const responder = (change: Partial<UdpResponderOptions> = {}): UdpResponder =>
  new UdpResponder({
    guid,
    tcpPort: 5075,
    findNames: (names) => names.map((n) => n.startsWith('mine')),
    isLocalAddress: (a) => own.has(a),
    isBroadcastAddress: (a) => a === '10.0.0.255',
    ...change,
  });

const request = (change: Partial<SearchRequest> = {}): SearchRequest => ({
  sequence: 42,
  flags: 0,
  replyAddress: '0.0.0.0',
  replyPort: client.port,
  protocols: ['tcp'],
  channels: [
    { cid: 1, name: 'mine:a' },
    { cid: 2, name: 'other' },
    { cid: 3, name: 'mine:b' },
  ],
  ...change,
});

const arrived = (bytes: Buffer, change: Partial<Datagram> = {}): Datagram => ({
  bytes,
  source: client,
  local: '10.0.0.1',
  via: 'broadcast',
  ...change,
});

const response = (bytes: Buffer) => decodeSearchResponse(readPayload(decodeDatagram(bytes)[0]!));

/** A search as another process of this host passes it on. */
function passedOn(change: Partial<SearchRequest> = {}, origin = '10.0.0.1'): Buffer {
  const tag = encodeDatagram(Command.ORIGIN_TAG, false, false, (w) =>
    encodeOriginTag(w, { address: origin }),
  );
  return Buffer.concat([tag, searchDatagram(request({ replyAddress: client.address, ...change }))]);
}
const fromGroup = { source: { address: '127.0.0.1', port: 50_000 }, local: '0.0.0.0', via: 'group' } as const;

describe('answer', () => {
  it('names the channels found, once, to the client, from the address it asked', () => {
    const { reply, forward } = responder().handle(arrived(searchDatagram(request())));
    expect(reply?.destination).toEqual(client);
    expect(reply?.from).toBe('10.0.0.1');
    expect(response(reply!.bytes)).toEqual({
      guid,
      sequence: 42,
      serverAddress: '0.0.0.0',
      serverPort: 5075,
      protocol: 'tcp',
      found: true,
      cids: [1, 3],
    });
    expect(forward).toBeUndefined();
  });

  it('is given to the captured searches of pvget and PVXS', () => {
    const all = responder({ findNames: (names) => names.map(() => true) });
    for (const [datagram, port, cids] of [
      [golden.pvgetSearch, 0xa00c, [0x10203041]],
      [golden.pvxsSearch, 34232, [0x12345678]],
      [golden.pvxsSearchTwo, 0x91ad, [0x12345678, 0x12345679]],
    ] as const) {
      const { reply } = all.handle(arrived(datagram));
      expect(reply?.destination).toEqual({ address: client.address, port });
      expect(response(reply!.bytes).cids).toEqual(cids);
    }
  });

  it('is silence when nothing is found, unless a reply is required', () => {
    const none = { channels: [{ cid: 2, name: 'other' }] };
    expect(responder().handle(arrived(searchDatagram(request(none))))).toEqual({});
    const { reply } = responder().handle(arrived(searchDatagram(request({ ...none, flags: 1 }))));
    expect(response(reply!.bytes)).toMatchObject({ found: false, cids: [], sequence: 42 });
  });

  it('is given to the discovery ping', () => {
    const ping = searchDatagram(request({ flags: 0x81, protocols: [], channels: [] }));
    const { reply, forward } = responder().handle(arrived(ping, { via: 'unicast' }));
    expect(response(reply!.bytes)).toMatchObject({ found: false, cids: [] });
    expect(forward).toBeDefined();
  });

  it('is only for clients that speak tcp', () => {
    const handle = (protocols: string[]) =>
      responder().handle(arrived(searchDatagram(request({ protocols })))).reply;
    expect(handle(['tls'])).toBeUndefined();
    expect(handle(['tls', 'tcp'])).toBeDefined();
    expect(handle([])).toBeDefined();
  });

  it('tells the names and the client to whoever looks them up, but not "server" and impossible names', () => {
    const asked: unknown[] = [];
    const names = ['', 'server', 'x'.repeat(501), 'x'.repeat(500), 'ok'];
    responder({
      findNames: (n, source) => {
        asked.push(n, source);
        return [];
      },
    }).handle(arrived(searchDatagram(request({ channels: names.map((name, cid) => ({ cid, name })) }))));
    expect(asked).toEqual([['x'.repeat(500), 'ok'], client]);
  });

  it('goes to the source port if core-pva asks for that', () => {
    const datagram = searchDatagram(request({ flags: 0x02, replyPort: 99 }));
    expect(responder().handle(arrived(datagram)).reply?.destination.port).toBe(99);
    datagram[1] = 3;
    expect(responder().handle(arrived(datagram)).reply?.destination.port).toBe(client.port);
  });

  it('is one datagram of at most 1400 bytes, however many names are asked for', () => {
    const channels = Array.from({ length: 5000 }, (_, cid) => ({ cid, name: `mine${cid}` }));
    const two = Buffer.concat([searchDatagram(request({ channels })), searchDatagram(request())]);
    const { reply } = responder().handle(arrived(two));
    expect(reply!.bytes.length).toBeLessThanOrEqual(MAX_DATAGRAM);
    expect(reply!.bytes.length).toBeGreaterThan(MAX_DATAGRAM - 4);
    expect(response(reply!.bytes).cids.length).toBe(337);
  });
});

describe('a search that comes by several ways', () => {
  const direct = (change: Partial<SearchRequest> = {}, where: Partial<Datagram> = {}) =>
    arrived(searchDatagram(request(change)), where);

  it('is answered once: by broadcast, unicast and past a forwarder', () => {
    const server = responder();
    expect(server.handle(direct(), 1000).reply).toBeDefined();
    expect(server.handle(direct({}, { local: '10.1.0.1' }), 1001).reply).toBeUndefined();
    const unicast = server.handle(direct({ flags: 0x80 }, { via: 'unicast' }), 1002);
    expect(unicast.reply).toBeUndefined();
    // Others of this host have not heard it yet.
    expect(unicast.forward).toBeDefined();
    expect(server.handle(arrived(passedOn(), fromGroup), 1003)).toEqual({});
    expect(server.duplicates).toBe(3);
  });

  it('is answered again when it is asked again, by others, or for other names', () => {
    const server = responder();
    expect(server.handle(direct(), 1000).reply).toBeDefined();
    expect(server.handle(direct({ channels: [{ cid: 1, name: 'mine:c' }] }), 1000).reply).toBeDefined();
    expect(server.handle(direct({ sequence: 43 }), 1000).reply).toBeDefined();
    expect(server.handle(direct({ replyPort: 5 }), 1000).reply).toBeDefined();
    const other = { source: { address: '10.0.0.8', port: client.port } };
    expect(server.handle(direct({}, other), 1000).reply).toBeDefined();
    expect(server.handle(direct(), 1100).reply).toBeDefined();
    expect(server.duplicates).toBe(0);
  });
});

describe('a search over IPv6', () => {
  const came = (address: string, flags: number) =>
    arrived(searchDatagram(request({ flags })), {
      source: { address, port: 4000 },
      local: '::',
      via: 'ipv6',
    });

  it('is answered to its source', () => {
    const { reply, forward } = responder().handle(came('fe80::7%eth0', 0x80));
    expect(reply?.destination).toEqual({ address: 'fe80::7%eth0', port: client.port });
    expect(response(reply!.bytes)).toMatchObject({ found: true, cids: [1, 3], serverAddress: '0.0.0.0' });
    // The zone would be lost on the way.
    expect(forward).toBeUndefined();
  });

  it('is passed on when it was unicast, and answered by who hears of it that way', () => {
    expect(responder().handle(came('fd00::7', 0)).forward).toBeUndefined();
    const { forward } = responder().handle(came('fd00::7', 0x80));
    expect(decodeDatagram(forward!).map((m) => m.command)).toEqual([Command.ORIGIN_TAG, Command.SEARCH]);
    const { reply } = responder().handle(arrived(forward!, fromGroup));
    expect(reply).toMatchObject({ destination: { address: 'fd00::7', port: client.port }, from: '0.0.0.0' });
  });
});

describe('no answer', () => {
  it.each(['10.0.0.66', '10.0.0.66:34232'])('to the ignored address %s', (entry) => {
    const ignoring = responder({ ignoreAddrs: [entry] });
    const source = { address: '10.0.0.66', port: 34232 };
    expect(ignoring.handle(arrived(searchDatagram(request()), { source })).reply).toBeUndefined();
    expect(
      ignoring.handle(arrived(passedOn({ replyAddress: source.address }), fromGroup)).reply,
    ).toBeUndefined();
    expect(ignoring.handle(arrived(searchDatagram(request()))).reply).toBeDefined();
  });

  it('to another address than the source: a reply cannot be aimed at a third party', () => {
    const { reply, forward } = responder().handle(
      arrived(searchDatagram(request({ flags: 0x80, replyAddress: '192.0.2.99' })), { via: 'unicast' }),
    );
    expect(reply?.destination).toEqual(client);
    const passed = decodeDatagram(forward!)[1]!;
    expect(decodeSearchRequest(readPayload(passed)).replyAddress).toBe(client.address);
  });

  it.each([
    ...['224.0.0.128', '239.255.1.1', '255.255.255.255', '10.0.0.255', '0.0.0.0', '0.1.2.3'],
    ...['::', 'ff02::42'],
  ])('to %s, whichever way it is named', (address) => {
    const direct = arrived(searchDatagram(request()), { source: { address, port: 5 } });
    expect(responder().handle(direct).reply).toBeUndefined();
    const forwarded = arrived(passedOn({ replyAddress: address }), fromGroup);
    expect(responder().handle(forwarded)).toEqual({});
  });

  it.each(['fd00::66', '[fd00::66]:34232'])('to the ignored address %s', (entry) => {
    const ignoring = responder({ ignoreAddrs: [entry] });
    const direct = (address: string) =>
      ignoring.handle(arrived(searchDatagram(request()), { source: { address, port: 34232 }, via: 'ipv6' }));
    expect(direct('fd00::66')).toEqual({});
    expect(direct('fd00::67').reply).toBeDefined();
  });

  it('to an ignored source port, whatever reply port it names', () => {
    const ignoring = responder({ ignoreAddrs: ['10.0.0.66:5555'] });
    const from = (port: number) =>
      ignoring.handle(arrived(searchDatagram(request()), { source: { address: '10.0.0.66', port } }));
    expect(from(5555).reply).toBeUndefined();
    expect(from(5556).reply).toBeDefined();
  });

  it('to port 0', () => {
    expect(responder().handle(arrived(searchDatagram(request({ replyPort: 0 }))))).toEqual({});
    expect(responder().handle(arrived(passedOn({ replyPort: 0 }), fromGroup))).toEqual({});
  });

  it('to replies, beacons, other commands and searches that claim to come from a server', () => {
    const fromServer = Buffer.from(searchDatagram(request()));
    fromServer[2] = 0x40;
    for (const datagram of [golden.pvxsReply, golden.pvxsBeacon, fromServer])
      for (const via of ['unicast', 'broadcast', 'wildcard', 'group', 'either'] as const)
        expect(responder().handle(arrived(datagram, { via, source: fromGroup.source }))).toEqual({});
  });

  it('to a search cut short anywhere', () => {
    const whole = searchDatagram(request({ flags: 0x81 }));
    for (let n = 0; n < whole.length; n++) {
      const cut = Buffer.from(whole.subarray(0, n));
      if (n >= 8) cut.writeUInt32LE(n - 8, 4);
      expect(responder().handle(arrived(cut, { via: 'unicast' }))).toEqual({});
    }
  });
});

describe('passing on to other processes of the host', () => {
  const unicast = searchDatagram(request({ flags: 0x80 }));

  it('tags a unicast search with the address it came to and fills in the client', () => {
    for (const littleEndian of [true, false]) {
      const original = searchDatagram(request({ flags: 0x81 }), littleEndian);
      const { reply, forward } = responder().handle(arrived(original, { via: 'unicast' }));
      expect(reply).toBeDefined();
      const [tag, search, ...rest] = decodeDatagram(forward!);
      expect(rest).toEqual([]);
      expect(tag?.command).toBe(Command.ORIGIN_TAG);
      expect(decodeOriginTag(readPayload(tag!)).address).toBe('10.0.0.1');
      expect(decodeSearchRequest(readPayload(search!))).toEqual(
        request({ flags: 0x01, replyAddress: client.address }),
      );
      expect(forward!.length).toBe(24 + original.length);
    }
  });

  it('depends on the socket, and where that cannot tell on the flag', () => {
    const handle = (via: Datagram['via'], flags: number) =>
      responder().handle(arrived(searchDatagram(request({ flags })), { via })).forward !== undefined;
    expect(handle('unicast', 0x80)).toBe(true);
    expect(handle('unicast', 0)).toBe(true);
    expect(handle('wildcard', 0x80)).toBe(true);
    expect(handle('wildcard', 0)).toBe(false);
    expect(handle('either', 0x80)).toBe(true);
    expect(handle('either', 0)).toBe(false);
    expect(handle('broadcast', 0x80)).toBe(false);
    expect(handle('group', 0x80)).toBe(false);
  });

  it('is done for searches for names of other servers too', () => {
    const other = searchDatagram(request({ flags: 0x80, channels: [{ cid: 2, name: 'other' }] }));
    expect(responder().handle(arrived(other, { via: 'unicast' })).forward).toBeDefined();
    expect(responder().handle(arrived(other, { via: 'unicast' })).reply).toBeUndefined();
  });

  it('turns "reply to the source port" into that port', () => {
    const datagram = searchDatagram(request({ flags: 0x82, replyPort: 99 }));
    datagram[1] = 3;
    const { forward } = responder().handle(arrived(datagram, { via: 'unicast' }));
    expect(decodeSearchRequest(readPayload(decodeDatagram(forward!)[1]!))).toMatchObject({
      flags: 0,
      replyPort: client.port,
    });
  });

  it('can be done without being a server', () => {
    expect(forwardedSearch(arrived(unicast, { via: 'wildcard' }))).toEqual(
      responder().handle(arrived(unicast, { via: 'wildcard' })).forward,
    );
    expect(forwardedSearch(arrived(golden.pvxsBeacon, { via: 'unicast' }))).toBeUndefined();
    expect(forwardedSearch(arrived(passedOn({ flags: 0x80 }), { via: 'unicast' }))).toBeUndefined();
  });

  it('works from one process to the next', () => {
    const { forward } = responder({ findNames: () => [] }).handle(arrived(unicast, { via: 'unicast' }));
    const { reply, forward: again } = responder().handle(arrived(forward!, fromGroup));
    expect(reply?.destination).toEqual(client);
    expect(reply?.from).toBe('10.0.0.1');
    expect(response(reply!.bytes).cids).toEqual([1, 3]);
    expect(again).toBeUndefined();
  });
});

describe('what was passed on by another process', () => {
  it('is answered to the client it names, and never passed on again', () => {
    const decision = responder().handle(arrived(passedOn({ flags: 0x80 }), fromGroup));
    expect(decision.reply?.destination).toEqual(client);
    expect(decision.forward).toBeUndefined();
  });

  it('is believed only from the local group and from this host', () => {
    const handle = (change: Partial<Datagram>) =>
      responder().handle(arrived(passedOn(), { ...fromGroup, ...change }));
    expect(handle({}).reply).toBeDefined();
    expect(handle({ via: 'either' }).reply).toBeDefined();
    expect(handle({ source: { address: '10.0.0.1', port: 1 } }).reply).toBeDefined();
    for (const via of ['unicast', 'broadcast', 'wildcard'] as const) expect(handle({ via })).toEqual({});
    for (const via of ['group', 'either'] as const)
      expect(handle({ via, source: { address: '10.0.0.66', port: 1 } })).toEqual({});
  });

  it('is ignored if it does not name the client', () => {
    expect(responder().handle(arrived(passedOn({ replyAddress: '0.0.0.0' }), fromGroup))).toEqual({});
  });

  it('is answered from any address if it came to one that is not ours', () => {
    expect(responder().handle(arrived(passedOn({}, '0.0.0.0'), fromGroup)).reply?.from).toBe('0.0.0.0');
    expect(responder().handle(arrived(passedOn({}, '10.9.9.9'), fromGroup)).reply?.from).toBe('0.0.0.0');
  });

  it('may come without a tag, as some peers send it', () => {
    const untagged = searchDatagram(request({ replyAddress: client.address, flags: 0x80 }));
    const { reply, forward } = responder().handle(arrived(untagged, fromGroup));
    expect(reply?.destination).toEqual(client);
    expect(forward).toBeUndefined();
  });

  it('is ignored with a malformed tag', () => {
    const bad = Buffer.concat([
      encodeDatagram(Command.ORIGIN_TAG, false, true, (w) => w.u32(1)),
      searchDatagram(request({ replyAddress: client.address })),
    ]);
    expect(responder().handle(arrived(bad, fromGroup))).toEqual({});
  });
});

describe('search over TCP', () => {
  it('is answered by the same rules with any number of names', () => {
    const channels = Array.from({ length: 3000 }, (_, cid) => ({ cid, name: `mine${cid}` }));
    const server = { guid, tcpPort: 5075, findNames: (names: readonly string[]) => names.map(() => true) };
    expect(answerSearch(request({ channels }), client, server)?.cids).toHaveLength(3000);
  });
});
