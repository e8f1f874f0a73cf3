/** Messages above a limit leave in segments, and are joined to what they were, whatever lies at a boundary. */
import { describe, expect, it } from 'vitest';
import { GetRequest, PutRequest } from '../../src/client/requests.ts';
import { FrameDecoder } from '../../src/frame/frame-decoder.ts';
import { encodeMessage } from '../../src/frame/frame-encoder.ts';
import { decodeHeader, HEADER_SIZE, newHeader, Segment } from '../../src/frame/header.ts';
import { MAX_SEGMENT_BYTES } from '../../src/limits.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { WireWriter } from '../../src/wire/writer.ts';
import { JoinedSession } from '../support/joined-session.ts';
import { Random } from '../support/random.ts';

const PUT = 0x0b;

/** The segments of a stream: kind and payload length. */
function segmentsOf(bytes: Buffer): [number, number][] {
  const found: [number, number][] = [];
  for (let at = 0; at < bytes.length; ) {
    const header = decodeHeader(bytes, at, newHeader());
    expect(header.command).toBe(PUT);
    found.push([header.segment, header.length]);
    at += HEADER_SIZE + header.length;
  }
  return found;
}

/** What a decoder makes of them. */
function joined(bytes: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  const decoder = new FrameDecoder({
    onFrame: (frame) => messages.push(Buffer.from(frame.bytes.subarray(frame.offset, frame.end))),
  });
  decoder.push(bytes);
  return messages;
}

describe('encodeMessage with a limit', () => {
  it('sends a message of the limit whole, and a longer one in segments', () => {
    const message = (length: number): Buffer =>
      Buffer.concat(encodeMessage(new WireWriter(), PUT, true, (w) => w.bytes(Buffer.alloc(length, 7)), 100));
    expect(segmentsOf(message(100))).toEqual([[Segment.WHOLE, 100]]);
    expect(segmentsOf(message(101))).toEqual([
      [Segment.FIRST, 100],
      [Segment.LAST, 1],
    ]);
    expect(segmentsOf(message(300))).toEqual([
      [Segment.FIRST, 100],
      [Segment.MIDDLE, 100],
      [Segment.LAST, 100],
    ]);
    expect(segmentsOf(message(0))).toEqual([[Segment.WHOLE, 0]]);
  });

  it('is the most a header can announce to every peer by default', () => {
    expect(MAX_SEGMENT_BYTES).toBe(2 ** 31 - 1);
  });

  it('gives the same message back for any cut, in both byte orders, with arrays by reference', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = new Random(seed);
      const parts = Array.from({ length: 1 + random.int(6) }, () => random.bytes(random.int(200)));
      const w = new WireWriter(random.chance(0.5), 64, random.pick([1, 50, 1000]));
      const limit = 1 + random.int(150);
      const fromServer = random.chance(0.5);
      const stream: Buffer[] = [];
      for (let i = 0; i < 3; i++)
        stream.push(
          ...encodeMessage(
            w,
            PUT,
            fromServer,
            (w) => {
              for (const part of parts) w.bytesOrReference(part);
            },
            limit,
          ).map((chunk) => Buffer.from(chunk)),
        );
      const bytes = Buffer.concat(stream);
      for (const [, length] of segmentsOf(bytes)) expect(length).toBeLessThanOrEqual(limit);
      const whole = Buffer.concat(parts);
      const messages = joined(bytes);
      expect(messages).toHaveLength(3);
      for (const message of messages) expect(message.equals(whole), `seed ${seed}`).toBe(true);
      const header = decodeHeader(bytes, 0, newHeader());
      expect([header.fromServer, header.littleEndian]).toEqual([fromServer, w.littleEndian]);
    }
  });

  it('copies no array', () => {
    const pixels = Buffer.alloc(10_000, 9);
    const chunks = encodeMessage(
      new WireWriter(true, 64, 100),
      PUT,
      true,
      (w) => w.bytesOrReference(pixels),
      999,
    );
    const large = chunks.filter((c) => c.length > HEADER_SIZE);
    expect(large).toHaveLength(11);
    expect(large.every((c) => c.buffer === pixels.buffer)).toBe(true);
  });
});

it('a client and a server that send nothing but small segments understand each other', async () => {
  const type = struct('', { value: 'double[]', text: 'string' });
  for (const maxSegment of [1, 7, 64, 1000]) {
    const pv = SharedPV.mailbox(Value.create(type));
    const s = new JoinedSession({ p: pv }, { maxSegment });
    const seen: number[] = [];
    s.monitor('p', { update: (value) => void seen.push((value.get('value') as Float64Array).length) });
    for (const length of [0, 1, 10, 3000]) {
      const value = Float64Array.from({ length }, (_, i) => i / 3);
      await s.run(new PutRequest(s.channel('p'), { value, text: `n ${length}` }, { timeout: 0 }));
      const got = await s.run(new GetRequest(s.channel('p'), { timeout: 0 }));
      expect(got.toJS()).toEqual({ value, text: `n ${length}` });
    }
    expect(seen.at(-1)).toBe(3000);
    expect(s.sentByServer().every((m) => m.payload.length <= Math.max(maxSegment, 8))).toBe(true);
  }
});
