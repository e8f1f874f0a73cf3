/**
 * Anybody can send a datagram: nothing in one may make a server or client throw, answer a third party, or answer
 * with more than one datagram. A failure prints its seed; `PVA_FUZZ_SEED` runs it again.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BeaconTracker } from '../../src/connection/beacon-tracker.ts';
import { forwardedSearch } from '../../src/connection/fan-out.ts';
import { UdpResponder } from '../../src/connection/udp-responder.ts';
import { type ArrivedVia, type Datagram, isHostAddress } from '../../src/endpoint.ts';
import { Command } from '../../src/frame/command.ts';
import { decodeBeacon } from '../../src/message/beacon.ts';
import {
  decodeDatagram,
  decodePayload,
  encodeDatagram,
  MAX_DATAGRAM,
  searchDatagram,
} from '../../src/message/datagram.ts';
import { decodeOriginTag, encodeOriginTag } from '../../src/message/origin-tag.ts';
import { decodeSearchRequest, decodeSearchResponse, searchRequest } from '../../src/message/search.ts';
import * as golden from '../message/golden-discovery.ts';

const seed = process.env.PVA_FUZZ_SEED ? Number(process.env.PVA_FUZZ_SEED) : Date.now() & 0x7fffffff;
console.log(`datagram fuzz: PVA_FUZZ_SEED=${seed}`);
const runs = { seed, numRuns: 2000 };

const client = { address: '127.0.0.9', port: 40_000 };
const tag = encodeDatagram(Command.ORIGIN_TAG, false, true, (w) =>
  encodeOriginTag(w, { address: '127.0.0.1' }),
);
const search = searchDatagram(
  searchRequest(
    Array.from({ length: 30 }, (_, cid) => ({ cid, name: `name:${cid}` })),
    { sequence: 1, flags: 0x81, replyPort: 40_000 },
  ),
);
const seeds = [
  golden.pvgetSearch,
  golden.pvxsSearch,
  golden.pvxsSearchTwo,
  golden.cppReply,
  golden.pvxsReply,
  golden.pvxsBeacon,
  search,
  Buffer.concat([tag, search]),
  Buffer.concat([tag, golden.pvxsSearch]),
  Buffer.concat([golden.pvxsBeacon, golden.pvgetSearch, golden.cppReply]),
];

/** A real datagram with some bytes changed, put in or taken out. */
const mutated = fc
  .record({
    base: fc.constantFrom(...seeds),
    changes: fc.array(fc.record({ at: fc.nat(2000), byte: fc.nat(255), kind: fc.nat(3) }), { maxLength: 4 }),
  })
  .map(({ base, changes }) => {
    let bytes = Buffer.from(base);
    for (const { at, byte, kind } of changes) {
      const i = bytes.length === 0 ? 0 : at % bytes.length;
      if (kind === 0) bytes = bytes.subarray(0, i);
      else if (kind === 1)
        bytes = Buffer.concat([bytes.subarray(0, i), Buffer.from([byte]), bytes.subarray(i)]);
      else if (bytes.length > 0) bytes[i] = kind === 2 ? byte : 0xff;
    }
    return bytes;
  });
const random = fc.uint8Array({ maxLength: 600 }).map((b) => Buffer.from(b));
/** A good header in front of random bytes: gets past the first check every time. */
const headed = fc
  .record({ command: fc.nat(0x18), server: fc.boolean(), little: fc.boolean(), body: random })
  .map(({ command, server, little, body }) => encodeDatagram(command, server, little, (w) => w.bytes(body)));
const anyBytes = fc.oneof({ weight: 6, arbitrary: mutated }, random, headed);

const vias: ArrivedVia[] = ['unicast', 'broadcast', 'wildcard', 'group', 'either'];
const anyDatagram: fc.Arbitrary<Datagram> = fc.record({
  bytes: anyBytes,
  via: fc.constantFrom(...vias),
  local: fc.constantFrom('127.0.0.1', '0.0.0.0'),
  source: fc.constantFrom(client, { address: '192.0.2.7', port: 1 }, { address: '255.255.255.255', port: 0 }),
});

describe('any bytes at all', () => {
  it('are decoded without throwing, to messages that lie within them', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const messages = decodeDatagram(bytes);
        const total = messages.reduce((n, m) => n + 8 + m.payload.length, 0);
        expect(total).toBeLessThanOrEqual(bytes.length);
        for (const m of messages) {
          for (const decode of [decodeSearchRequest, decodeSearchResponse, decodeBeacon, decodeOriginTag])
            decodePayload<unknown>(m, decode);
        }
      }),
      runs,
    );
  });

  it('get at most one small reply, to the sender unless passed on by this host', () => {
    const responder = new UdpResponder({
      guid: new Uint8Array(12),
      tcpPort: 5075,
      findNames: (names) => names.map((_, i) => i % 2 === 0),
    });
    let replies = 0;
    let forwards = 0;
    fc.assert(
      fc.property(anyDatagram, (datagram) => {
        const { reply, forward } = responder.handle(datagram);
        expect(forward).toEqual(forwardedSearch(datagram));
        if (reply) {
          replies++;
          expect(reply.bytes.length).toBeLessThanOrEqual(MAX_DATAGRAM);
          expect(reply.destination.port).toBeGreaterThan(0);
          expect(isHostAddress(reply.destination.address)).toBe(true);
          const vouched =
            (datagram.via === 'group' || datagram.via === 'either') &&
            datagram.source.address.startsWith('127.');
          if (!vouched) expect(reply.destination.address).toBe(datagram.source.address);
        }
        if (forward) {
          forwards++;
          expect(datagram.via === 'group' || datagram.via === 'broadcast').toBe(false);
          for (const via of vias)
            expect(forwardedSearch({ ...datagram, bytes: forward, via })).toBeUndefined();
        }
      }),
      runs,
    );
    // The property means nothing if no input gets that far.
    expect(replies).toBeGreaterThan(20);
    expect(forwards).toBeGreaterThan(20);
  });

  it('leave the beacon table bounded', () => {
    const tracker = new BeaconTracker(10);
    fc.assert(
      fc.property(anyDatagram, fc.nat(1_000_000), ({ bytes, source }, now) => {
        for (const m of decodeDatagram(bytes)) {
          const beacon = decodePayload(m, decodeBeacon);
          if (beacon) tracker.onBeacon(beacon, source, now);
        }
        expect(tracker.size).toBeLessThanOrEqual(10);
      }),
      runs,
    );
  });
});
