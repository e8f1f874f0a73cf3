/**
 * The segmented message of pva-protocol.md 1.4 (live: `pvput` of 20000 doubles), and what may and may not stand
 * between segments.
 */
import { describe, expect, it } from 'vitest';
import { DecodeError } from '../../src/errors.ts';
import { type Frame, FrameDecoder } from '../../src/frame/frame-decoder.ts';
import { decodePutRequest } from '../../src/message/put.ts';
import { DecodeContext } from '../../src/value/decode-context.ts';
import { struct } from '../../src/value/type-def.ts';
import type { Value } from '../../src/value/value.ts';
import { WireReader } from '../../src/wire/reader.ts';
import { fromHex } from '../support/hex.ts';
import { ALARM_T, TIME_T } from '../support/types.ts';

const ARRAY = struct('epics:nt/NTScalarArray:1.0', { value: 'double[]', alarm: ALARM_T, timeStamp: TIME_T });
const DOUBLES = Float64Array.from({ length: 20_000 }, (_, i) => i / 3);
const FIRST = fromHex('ca 02 10 0b 10 00 00 00 01 34 00 12 00 20 00 10 00 01 02 fe 20 4e 00 00');
const MIDDLE = Buffer.concat([fromHex('ca 02 30 0b 00 71 02 00'), Buffer.from(DOUBLES.buffer)]);
const LAST = fromHex('ca 02 20 0b 00 00 00 00');
const CONTROL = fromHex('ca 02 01 00 00 00 00 00');

interface Seen {
  readonly command: number;
  readonly control: boolean;
  readonly value?: Value | undefined;
}

function decode(stream: Uint8Array, piece = stream.length, maxMessage?: number): Seen[] {
  const seen: Seen[] = [];
  const context = new DecodeContext(undefined, 1024);
  const onFrame = (frame: Frame): void => {
    const { command, control } = frame;
    if (control || command !== 0x0b) {
      seen.push({ command, control });
      return;
    }
    context.block = frame.block;
    const r = new WireReader(frame.bytes, frame.littleEndian, frame.offset, frame.end);
    seen.push({ command, control, value: decodePutRequest(r, context, () => ARRAY).value });
    expect(r.remaining).toBe(0);
  };
  const decoder = new FrameDecoder({ onFrame, ...(maxMessage === undefined ? {} : { maxMessage }) });
  for (let at = 0; at < stream.length; at += piece) decoder.push(stream.subarray(at, at + piece));
  return seen;
}

describe('a message in three segments, the last of them empty', () => {
  it('is one message, in pieces of any size', () => {
    const stream = Buffer.concat([FIRST, MIDDLE, LAST, CONTROL]);
    for (const piece of [stream.length, 65_536, 1460, 4097, 31]) {
      const seen = decode(stream, piece);
      expect(seen.map((s) => s.control)).toEqual([false, true]);
      expect(seen[0]?.value?.get('value')).toEqual(DOUBLES);
      expect(seen[0]?.value?.marks.toArray()).toEqual([1]);
    }
  });

  it('may have control messages between its segments, and more or fewer segments', () => {
    const half = Buffer.from(MIDDLE.subarray(8));
    const part = (flags: number, bytes: Uint8Array): Buffer => {
      const header = Buffer.from([0xca, 2, flags, 0x0b, 0, 0, 0, 0]);
      header.writeUInt32LE(bytes.length, 4);
      return Buffer.concat([header, bytes]);
    };
    const streams = [
      Buffer.concat([FIRST, CONTROL, MIDDLE, CONTROL, CONTROL, LAST]),
      Buffer.concat([FIRST, part(0x20, half)]),
      Buffer.concat([
        FIRST,
        part(0x30, half.subarray(0, 5)),
        part(0x30, half.subarray(5, 5)),
        part(0x20, half.subarray(5)),
      ]),
      Buffer.concat([part(0x10, Buffer.alloc(0)), part(0x30, FIRST.subarray(8)), part(0x20, half)]),
    ];
    for (const stream of streams) {
      const values = decode(stream).filter((s) => s.value);
      expect(values).toHaveLength(1);
      expect(values[0]?.value?.get('value')).toEqual(DOUBLES);
    }
  });

  it('is not complete before the last segment', () => {
    expect(decode(Buffer.concat([FIRST, MIDDLE, LAST.subarray(0, 7)]))).toEqual([]);
  });

  it.each<[string, Buffer[]]>([
    ['a middle segment without a first', [MIDDLE]],
    ['a last segment without a first', [LAST]],
    ['a whole message between segments', [FIRST, fromHex('ca 02 00 02 00 00 00 00')]],
    ['a first segment between segments', [FIRST, FIRST]],
    ['a segment of another command', [FIRST, fromHex('ca 02 20 0a 00 00 00 00')]],
  ])('is refused: %s', (_what, parts) => {
    expect(() => decode(Buffer.concat(parts))).toThrow(DecodeError);
  });

  it('counts as a whole against the size limit', () => {
    const stream = Buffer.concat([FIRST, MIDDLE, LAST]);
    expect(decode(stream, 1000, 160_016)).toHaveLength(1);
    expect(() => decode(stream, 1000, 160_015)).toThrow(/larger than the limit/);
  });
});
