/** SEARCH, SEARCH_RESPONSE, BEACON and ORIGIN_TAG: what other implementations send is read, and ours is the same bytes. */
import { describe, expect, it } from 'vitest';
import { DecodeError } from '../../src/errors.ts';
import { Command } from '../../src/frame/command.ts';
import { HEADER_SIZE } from '../../src/frame/header.ts';
import { decodeBeacon } from '../../src/message/beacon.ts';
import {
  beaconDatagram,
  type DatagramMessage,
  decodeDatagram,
  encodeDatagram,
  readPayload,
  searchDatagram,
  searchResponseDatagram,
} from '../../src/message/datagram.ts';
import { formatGuid, GUID_LENGTH, newGuid } from '../../src/message/guid.ts';
import { decodeOriginTag, encodeOriginTag } from '../../src/message/origin-tag.ts';
import {
  decodeSearchRequest,
  decodeSearchResponse,
  encodeSearchRequest,
  SEARCH_OVERHEAD,
  SearchFlag,
  SearchOffset,
  searchRequest,
} from '../../src/message/search.ts';
import { WireReader as Reader } from '../../src/wire/reader.ts';
import { WireWriter } from '../../src/wire/writer.ts';
import * as golden from './golden-discovery.ts';

function only(datagram: Buffer, command: number): DatagramMessage {
  const messages = decodeDatagram(datagram);
  expect(messages).toHaveLength(1);
  expect(messages[0]?.command).toBe(command);
  expect(messages[0]?.version).toBe(2);
  return messages[0] as DatagramMessage;
}

const guidBytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));

describe('SEARCH', () => {
  it('of pvget is read, and ours is the same bytes', () => {
    const message = only(golden.pvgetSearch, Command.SEARCH);
    expect(message).toMatchObject({ fromServer: false, littleEndian: true });
    const request = decodeSearchRequest(readPayload(message));
    expect(request).toEqual({
      sequence: 1,
      flags: SearchFlag.UNICAST,
      replyAddress: '0.0.0.0',
      replyPort: 0xa00c,
      protocols: ['tcp'],
      channels: [{ cid: 0x10203041, name: 't:ao' }],
    });
    expect(searchDatagram(request)).toEqual(golden.pvgetSearch);
    expect(
      searchDatagram(
        searchRequest([{ cid: 0x10203041, name: 't:ao' }], { sequence: 1, flags: 0x80, replyPort: 0xa00c }),
      ),
    ).toEqual(golden.pvgetSearch);
  });

  it('of PVXS is read; ours differs only in how it writes the any address', () => {
    const message = only(golden.pvxsSearch, Command.SEARCH);
    expect(message).toMatchObject({ fromServer: false, littleEndian: false });
    const request = decodeSearchRequest(readPayload(message));
    expect(request).toEqual({
      sequence: 0x66696e64,
      flags: SearchFlag.UNICAST,
      replyAddress: '0.0.0.0',
      replyPort: 34232,
      protocols: ['tcp'],
      channels: [{ cid: 0x12345678, name: 't:ao' }],
    });
    const ours = searchDatagram(request, false);
    const at = HEADER_SIZE + SearchOffset.REPLY_ADDRESS;
    expect(ours.toString('hex', at, at + 16)).toBe('00000000000000000000ffff00000000');
    ours.fill(0, at, at + 16);
    expect(ours).toEqual(golden.pvxsSearch);
  });

  it('of PVXS for two names is read', () => {
    const request = decodeSearchRequest(readPayload(only(golden.pvxsSearchTwo, Command.SEARCH)));
    expect(request.flags).toBe(0);
    expect(request.channels).toEqual([
      { cid: 0x12345678, name: 'T1:cnt' },
      { cid: 0x12345679, name: 'T2:cnt' },
    ]);
  });

  it('that is cut short anywhere is an error', () => {
    for (const whole of [golden.pvgetSearch, golden.pvxsSearchTwo]) {
      const payload = whole.subarray(HEADER_SIZE);
      for (let n = 0; n < payload.length; n++)
        expect(() => decodeSearchRequest(new Reader(payload, true, 0, n))).toThrow(DecodeError);
    }
  });

  it('that declares more names than there are bytes is refused before anything is made for them', () => {
    const payload = Buffer.from(golden.pvgetSearch.subarray(HEADER_SIZE));
    payload.writeUInt16LE(0xffff, SEARCH_OVERHEAD - 2);
    expect(() => decodeSearchRequest(new Reader(payload))).toThrow('65535 names');
  });

  it('carries names of any length and language', () => {
    const channels = ['', 'x'.repeat(253), 'y'.repeat(254), 'z'.repeat(500), 'température:µ'].map(
      (name, cid) => ({
        cid: 0xfffffff0 + cid,
        name,
      }),
    );
    for (const littleEndian of [true, false]) {
      const request = searchRequest(channels, { sequence: 0xffffffff, flags: 0, replyPort: 65535 });
      const message = only(searchDatagram(request, littleEndian), Command.SEARCH);
      expect(decodeSearchRequest(readPayload(message))).toEqual(request);
    }
  });

  it('has the overhead that batches are computed with', () => {
    const w = new WireWriter();
    encodeSearchRequest(w, searchRequest([], { sequence: 1, flags: 0, replyPort: 1 }));
    expect(w.length).toBe(SEARCH_OVERHEAD);
  });
});

describe('SEARCH_RESPONSE', () => {
  it.each([
    ['pvAccessCPP', golden.cppReply, true],
    ['PVXS', golden.pvxsReply, false],
    ['TCP, nothing found', golden.nothingFound, true],
  ] as const)('of %s is read, and ours is the same bytes', (_name, datagram, littleEndian) => {
    const message = only(datagram, Command.SEARCH_RESPONSE);
    expect(message).toMatchObject({ fromServer: true, littleEndian });
    const response = decodeSearchResponse(readPayload(message));
    expect(response.serverAddress).toBe('0.0.0.0');
    expect(response.protocol).toBe('tcp');
    expect(searchResponseDatagram(response, littleEndian)).toEqual(datagram);
  });

  it('has its fields in place', () => {
    const decode = (d: Buffer) => decodeSearchResponse(readPayload(only(d, Command.SEARCH_RESPONSE)));
    expect(decode(golden.pvxsReply)).toMatchObject({
      guid: guidBytes('adab551044d2a8c081c922cd'),
      sequence: 0x66696e64,
      serverPort: 5075,
      found: true,
      cids: [0x12345678],
    });
    expect(decode(golden.nothingFound)).toMatchObject({ found: false, cids: [], serverPort: 0xb847 });
  });

  it('that is cut short anywhere is an error', () => {
    const payload = golden.cppReply.subarray(HEADER_SIZE);
    for (let n = 0; n < payload.length; n++)
      expect(() => decodeSearchResponse(new Reader(payload, true, 0, n))).toThrow(DecodeError);
  });
});

describe('BEACON', () => {
  it('of PVXS is read, and ours is the same bytes', () => {
    const message = only(golden.pvxsBeacon, Command.BEACON);
    const beacon = decodeBeacon(readPayload(message));
    expect(beacon).toEqual({
      guid: guidBytes('adab551044d2a8c081c922cd'),
      sequence: 2,
      changeCount: 1,
      serverAddress: '0.0.0.0',
      serverPort: 5075,
      protocol: 'tcp',
    });
    expect(beaconDatagram(beacon, false)).toEqual(golden.pvxsBeacon);
  });

  it('is read whatever server status stands at its end, or none', () => {
    const payload = golden.pvxsBeacon.subarray(HEADER_SIZE);
    const decode = (b: Buffer) => decodeBeacon(new Reader(b, false));
    const status = Buffer.concat([payload.subarray(0, -1), Buffer.from('80000101610a00000001', 'hex')]);
    expect(decode(status)).toEqual(decode(payload));
    expect(decode(payload.subarray(0, -1))).toEqual(decode(payload));
  });

  it('keeps its GUID when the datagram is overwritten', () => {
    const datagram = Buffer.from(golden.pvxsBeacon);
    const beacon = decodeBeacon(readPayload(only(datagram, Command.BEACON)));
    datagram.fill(0);
    expect(formatGuid(beacon.guid)).toBe('adab551044d2a8c081c922cd');
  });
});

describe('ORIGIN_TAG', () => {
  it('is 16 bytes of address', () => {
    const tag = encodeDatagram(Command.ORIGIN_TAG, false, false, (w) =>
      encodeOriginTag(w, { address: '10.1.2.3' }),
    );
    expect(tag.toString('hex')).toBe('ca02801600000010' + '00000000000000000000ffff0a010203');
    expect(decodeOriginTag(readPayload(only(tag, Command.ORIGIN_TAG)))).toEqual({ address: '10.1.2.3' });
  });
});

describe('datagram', () => {
  const read = (bytes: Uint8Array) => decodeDatagram(bytes).map((m) => m.command);

  it('may hold several messages of either byte order', () => {
    expect(read(Buffer.concat([golden.pvgetSearch, golden.pvxsBeacon, golden.cppReply]))).toEqual([
      Command.SEARCH,
      Command.BEACON,
      Command.SEARCH_RESPONSE,
    ]);
  });

  it('ends at the first thing that is no whole message', () => {
    const bad = [
      'ca00000300000000', // version 0
      'cb02000300000000', // magic
      'ca02000301000000', // longer than the datagram
      'ca020003ffffffff',
      'ca02410200000000', // control message
      'ca02100300000000', // segment
      'ca0200', // half a header
    ];
    for (const text of bad) {
      const datagram = Buffer.concat([golden.pvgetSearch, Buffer.from(text, 'hex'), golden.pvxsBeacon]);
      const known =
        text.length < 16 || text.startsWith('ca02000301')
          ? datagram.subarray(0, -golden.pvxsBeacon.length)
          : datagram;
      expect(read(known)).toEqual([Command.SEARCH]);
    }
    expect(read(Buffer.alloc(0))).toEqual([]);
  });

  it('hands out views, not copies, and takes any Uint8Array', () => {
    const bytes = new Uint8Array(golden.pvgetSearch);
    const message = decodeDatagram(bytes)[0] as DatagramMessage;
    expect(message.payload.buffer).toBe(bytes.buffer);
    expect(message.payload.byteOffset).toBe(HEADER_SIZE);
  });
});

describe('GUID', () => {
  it('is 12 bytes and not the same twice', () => {
    expect(newGuid()).toHaveLength(GUID_LENGTH);
    expect(formatGuid(newGuid())).not.toBe(formatGuid(newGuid()));
  });
});
