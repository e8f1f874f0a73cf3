/** Searches fit a datagram each and lose no name. */
import { describe, expect, it } from 'vitest';
import {
  discoveryPing,
  SEARCH_SEQUENCE,
  searchBatches,
  searchDatagrams,
} from '../../src/connection/search-batch.ts';
import { decodeDatagram, MAX_DATAGRAM, readPayload } from '../../src/message/datagram.ts';
import { decodeSearchRequest, type SearchChannel, SearchFlag } from '../../src/message/search.ts';

const decode = (bytes: Buffer) => {
  const [message, ...rest] = decodeDatagram(bytes);
  expect(rest).toEqual([]);
  return decodeSearchRequest(readPayload(message!));
};

describe('search datagrams', () => {
  it('hold every name once, in order, within 1400 bytes, and leave no room for the next', () => {
    const channels: SearchChannel[] = Array.from({ length: 5000 }, (_, cid) => ({
      cid,
      name: `${'ärea:Detector'.repeat(cid % 25)}${cid}`,
    }));
    const datagrams = [...searchDatagrams(channels, 4711)];
    expect(datagrams.flatMap((d) => decode(d.unicast).channels)).toEqual(channels);
    datagrams.forEach(({ unicast }, i) => {
      expect(unicast.length).toBeLessThanOrEqual(MAX_DATAGRAM);
      const next = datagrams[i + 1] && decode(datagrams[i + 1]!.unicast).channels[0];
      if (next) expect(unicast.length + 10 + Buffer.byteLength(next.name)).toBeGreaterThan(MAX_DATAGRAM);
    });
  });

  it('differ for unicast and group addresses by the unicast flag only', () => {
    const [datagrams] = [...searchDatagrams([{ cid: 1, name: 'a' }], 4711)];
    const unicast = decode(datagrams!.unicast);
    expect(unicast).toEqual({
      sequence: SEARCH_SEQUENCE,
      flags: SearchFlag.UNICAST,
      replyAddress: '0.0.0.0',
      replyPort: 4711,
      protocols: ['tcp'],
      channels: [{ cid: 1, name: 'a' }],
    });
    expect(decode(datagrams!.group)).toEqual({ ...unicast, flags: 0 });
  });

  it('are none for no names', () => {
    expect([...searchDatagrams([], 4711)]).toEqual([]);
  });

  it('give a name that fits no datagram one of its own', () => {
    const long = 'x'.repeat(2000);
    const names = ['a', long, 'b', 'c'].map((name, cid) => ({ cid, name }));
    expect([...searchBatches(names)].map((b) => b.map((c) => c.name))).toEqual([['a'], [long], ['b', 'c']]);
  });
});

describe('discovery ping', () => {
  it('asks every server for a reply and names nothing', () => {
    const { unicast, group } = discoveryPing(4711);
    expect(unicast.length).toBe(8 + 29);
    expect(decode(unicast)).toMatchObject({ flags: 0x81, protocols: [], channels: [], replyPort: 4711 });
    expect(decode(group)).toMatchObject({ flags: 0x01 });
  });
});
