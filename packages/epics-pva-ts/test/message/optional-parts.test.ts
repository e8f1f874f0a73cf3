/** Parts of messages that may be missing: what stands for them on the wire, and what counts as too much of them. */
import { describe, expect, it } from 'vitest';
import { decodeGetRequest, encodeGetRequest, encodeGetResponse } from '../../src/message/get.ts';
import { decodeGetFieldResponse, encodeGetFieldResponse } from '../../src/message/get-field.ts';
import {
  decodeMonitorRequest,
  encodeMonitorRequest,
  encodeMonitorResponse,
} from '../../src/message/monitor.ts';
import { decodeResponseHead, encodeResponse, SUB } from '../../src/message/operation.ts';
import { decodePutRequest, encodePutRequest, encodePutResponse } from '../../src/message/put.ts';
import { decodeSearchRequest, encodeSearchRequest, searchRequest } from '../../src/message/search.ts';
import { DecodeContext } from '../../src/value/decode-context.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { WireReader } from '../../src/wire/reader.ts';
import { errorStatus, OK } from '../../src/wire/status.ts';
import { WireWriter } from '../../src/wire/writer.ts';
import { toHex } from '../support/hex.ts';

const ID = { sid: 1, ioid: 2 };

function bytes(write: (w: WireWriter) => void): Buffer {
  const w = new WireWriter();
  write(w);
  return w.finishBytes();
}
const INT = struct('', { value: 'int' });

describe('a request without a pvRequest', () => {
  it('carries the null type, and is read as null', () => {
    const request = { ...ID, subcommand: SUB.INIT };
    const get = bytes((w) => encodeGetRequest(w, request));
    const put = bytes((w) => encodePutRequest(w, request));
    const monitor = bytes((w) => encodeMonitorRequest(w, request));
    for (const b of [get, put, monitor]) expect(toHex(b)).toBe('01 00 00 00 02 00 00 00 08 ff');
    const ctx = new DecodeContext();
    expect(decodeGetRequest(new WireReader(get), ctx).pvRequest).toBeNull();
    expect(decodePutRequest(new WireReader(put), ctx, () => undefined).pvRequest).toBeNull();
    expect(decodeMonitorRequest(new WireReader(monitor), ctx).pvRequest).toBeNull();
  });
});

describe('a monitor request with flow control', () => {
  it('has a window of 0 unless one is given, and may leave it out of INIT as PVXS before 1.4 did', () => {
    const subcommand = SUB.INIT | SUB.PIPELINE;
    const b = bytes((w) => encodeMonitorRequest(w, { ...ID, subcommand }));
    expect(toHex(b)).toBe('01 00 00 00 02 00 00 00 88 ff 00 00 00 00');
    const ctx = new DecodeContext();
    expect(decodeMonitorRequest(new WireReader(b), ctx).nfree).toBe(0);
    expect(decodeMonitorRequest(new WireReader(b.subarray(0, 10)), ctx).nfree).toBe(0);
  });
});

describe('a reply', () => {
  it('to INIT that has no type says so by the null type', () => {
    const init = { ioid: 2, subcommand: SUB.INIT, status: OK };
    const expected = '02 00 00 00 08 ff ff';
    for (const encode of [encodeGetResponse, encodePutResponse, encodeMonitorResponse, encodeResponse])
      expect(toHex(bytes((w) => encode(w, init)))).toBe(expected);
  });

  it('with an error ends behind its status', () => {
    const init = { ioid: 2, subcommand: SUB.INIT, status: errorStatus('no') };
    for (const encode of [encodeGetResponse, encodePutResponse, encodeMonitorResponse, encodeResponse]) {
      const r = new WireReader(bytes((w) => encode(w, init)));
      expect(decodeResponseHead(r).status.message).toBe('no');
      expect(r.remaining).toBe(0);
    }
  });

  it('of GET or PUT without a value holds nothing behind its status', () => {
    expect(toHex(bytes((w) => encodeGetResponse(w, { ioid: 2, subcommand: 0, status: OK })))).toBe(
      '02 00 00 00 00 ff',
    );
    expect(toHex(bytes((w) => encodePutResponse(w, { ioid: 2, subcommand: SUB.GET, status: OK })))).toBe(
      '02 00 00 00 40 ff',
    );
    expect(toHex(bytes((w) => encodePutRequest(w, { ...ID, subcommand: 0 })))).toBe(
      '01 00 00 00 02 00 00 00 00',
    );
  });

  it('of GET_FIELD without a type is the null type', () => {
    const b = bytes((w) => encodeGetFieldResponse(w, { ioid: 2, status: OK }));
    expect(toHex(b)).toBe('02 00 00 00 ff ff');
    expect(decodeGetFieldResponse(new WireReader(b), new DecodeContext()).type).toBeNull();
  });

  it('of a monitor may have no overrun mask, and be an end without data', () => {
    const value = Value.create(INT, { value: 1 });
    const update = bytes((w) => encodeMonitorResponse(w, { ioid: 2, subcommand: 0, status: OK, value }));
    expect(toHex(update)).toBe('02 00 00 00 00 01 02 01 00 00 00 00');
    const end = bytes((w) => encodeMonitorResponse(w, { ioid: 2, subcommand: SUB.DESTROY, status: OK }));
    expect(toHex(end)).toBe('02 00 00 00 10 ff');
  });
});

describe('a SEARCH', () => {
  const search = (count: number): Buffer =>
    bytes((w) =>
      encodeSearchRequest(w, {
        ...searchRequest([], { sequence: 1, flags: 0, replyPort: 0 }),
        protocols: new Array<string>(count).fill(''),
      }),
    );

  it('names up to 255 protocols', () => {
    expect(decodeSearchRequest(new WireReader(search(255))).protocols).toHaveLength(255);
    expect(() => decodeSearchRequest(new WireReader(search(256)))).toThrow(
      '256 transport protocols in one SEARCH',
    );
  });
});
