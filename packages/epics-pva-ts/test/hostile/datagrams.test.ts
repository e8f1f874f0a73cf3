/**
 * Datagrams of anybody: a server is of no use for hitting others with them, and a client lets no beacon make it search
 * more than a little.
 */
import { describe, expect, it } from 'vitest';
import { BeaconTracker } from '../../src/connection/beacon-tracker.ts';
import { SearchSchedule } from '../../src/connection/search-schedule.ts';
import { UdpResponder } from '../../src/connection/udp-responder.ts';
import { MAX_BEACON_SERVERS, MAX_DATAGRAM_BYTES } from '../../src/limits.ts';
import { decodeDatagram, searchDatagram } from '../../src/message/datagram.ts';
import { SearchFlag, searchRequest } from '../../src/message/search.ts';
import { MemoryWatch, MiB } from '../support/memory-use.ts';
import { Random } from '../support/random.ts';

const source = { address: '192.0.2.7', port: 4000 };

describe('a server', () => {
  const responder = new UdpResponder({
    guid: new Uint8Array(12),
    tcpPort: 5075,
    findNames: (names) => names.map(() => true),
  });
  const answer = (bytes: Buffer): Buffer | undefined =>
    responder.handle({ bytes, source, local: '192.0.2.1', via: 'unicast' }).reply?.bytes;

  it('multiplies nothing: a reply is hardly longer than the shortest search that has it sent', () => {
    for (const count of [0, 1, 2, 10, 100, 130]) {
      const channels = Array.from({ length: count }, (_, cid) => ({ cid, name: 'a' }));
      const bytes = searchDatagram(
        searchRequest(channels, {
          sequence: 1,
          flags: SearchFlag.UNICAST | SearchFlag.REPLY_REQUIRED,
          replyPort: 9,
        }),
      );
      const reply = answer(bytes) as Buffer;
      expect(reply.length, `${count} names`).toBeLessThanOrEqual(bytes.length + 12);
      expect(reply.length).toBeLessThanOrEqual(MAX_DATAGRAM_BYTES);
    }
  });

  it('answers one datagram by one, however many searches it holds', () => {
    const one = searchDatagram(
      searchRequest([{ cid: 1, name: 'a' }], { sequence: 1, flags: 0x80, replyPort: 9 }),
    );
    const reply = answer(Buffer.concat(new Array<Buffer>(1000).fill(one))) as Buffer;
    expect(decodeDatagram(reply)).toHaveLength(1);
  });
});

describe('a client among beacons of random servers', () => {
  /** Searches of so many names within a minute in which 1000 unknown servers a second announce themselves. */
  function searches(names: number): number {
    const tracker = new BeaconTracker();
    const schedule = new SearchSchedule();
    const random = new Random(7);
    for (let cid = 0; cid < names; cid++) schedule.add(cid, 0);
    let searched = 0;
    for (let now = 0; now < 60_000; now++) {
      const beacon = {
        guid: new Uint8Array(random.bytes(12)),
        sequence: 0,
        changeCount: now & 0xffff,
        serverAddress: `10.${random.int(256)}.${random.int(256)}.${random.int(256)}`,
        serverPort: 5075,
        protocol: 'tcp',
      };
      const event = tracker.onBeacon(beacon, source, now);
      if (event !== 'known' && event !== 'ignored') schedule.boost(now);
      if (schedule.nextTime() <= now) searched += schedule.due(now).length;
    }
    expect(tracker.size).toBeLessThanOrEqual(MAX_BEACON_SERVERS);
    return searched;
  }

  it('searches each of a few names about once a second, each of many a few times in 30 s', () => {
    expect(searches(10)).toBeLessThanOrEqual(10 * 65);
    const many = 5000;
    expect(searches(many) / many).toBeLessThanOrEqual(2 * 9);
  });

  it('keeps less than 40 MiB of them', () => {
    const watch = new MemoryWatch();
    const tracker = new BeaconTracker();
    const random = new Random(8);
    for (let i = 0; i < 100_000; i++)
      tracker.onBeacon(
        {
          guid: new Uint8Array(random.bytes(12)),
          changeCount: 0,
          serverAddress: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`,
          serverPort: 1 + random.int(65_535),
          protocol: 'tcp',
        },
        source,
        i,
      );
    expect(tracker.size).toBe(MAX_BEACON_SERVERS);
    expect(tracker.ignored).toBe(80_000);
    expect(watch.look()).toBeLessThan(40 * MiB);
  });
});
