/** A byte stream becomes the same messages however it is cut; what is no message is refused. */
import { describe, expect, it } from 'vitest';
import { DecodeError } from '../../src/errors.ts';
import { FrameDecoder, type FrameDecoderOptions } from '../../src/frame/frame-decoder.ts';
import { HeaderFlag, Segment } from '../../src/frame/header.ts';
import { fromHex } from '../support/hex.ts';
import { Random } from '../support/random.ts';

interface Seen {
  readonly command: number;
  readonly control: boolean;
  readonly datum: number;
  readonly littleEndian: boolean;
  readonly fromServer: boolean;
  readonly payload: string;
}

/** A decoder and the frames it handed out, copied. */
function decoder(options: Partial<FrameDecoderOptions> = {}): { decoder: FrameDecoder; seen: Seen[] } {
  const seen: Seen[] = [];
  const d = new FrameDecoder({
    onFrame: (f) => {
      const { command, control, datum, littleEndian, fromServer } = f;
      seen.push({
        command,
        control,
        datum,
        littleEndian,
        fromServer,
        payload: f.bytes.toString('hex', f.offset, f.end),
      });
    },
    ...options,
  });
  return { decoder: d, seen };
}

function frame(
  command: number,
  payload: Uint8Array,
  { segment = 0 as number, littleEndian = true, fromServer = true } = {},
): Buffer {
  const flags = segment | (fromServer ? HeaderFlag.SERVER : 0) | (littleEndian ? 0 : HeaderFlag.BIG_ENDIAN);
  const head = Buffer.from([0xca, 2, flags, command, 0, 0, 0, 0]);
  if (littleEndian) head.writeUInt32LE(payload.length, 4);
  else head.writeUInt32BE(payload.length, 4);
  return Buffer.concat([head, payload]);
}

const first = (command: number, ...payload: number[]): Buffer =>
  frame(command, Uint8Array.from(payload), { segment: Segment.FIRST });
const middle = (command: number, ...payload: number[]): Buffer =>
  frame(command, Uint8Array.from(payload), { segment: Segment.MIDDLE });
const last = (command: number, ...payload: number[]): Buffer =>
  frame(command, Uint8Array.from(payload), { segment: Segment.LAST });
const whole = (command: number, ...payload: number[]): Buffer => frame(command, Uint8Array.from(payload));
const control = (command: number, datum = 0, littleEndian = true): Buffer => {
  const head = Buffer.from([0xca, 2, 0x41 | (littleEndian ? 0 : 0x80), command, 0, 0, 0, 0]);
  if (littleEndian) head.writeUInt32LE(datum, 4);
  else head.writeUInt32BE(datum, 4);
  return head;
};

/** Everything a stream may hold: both orders, control messages, segments, empty payloads, a message over a block. */
function session(random: Random): { bytes: Buffer; seen: Seen[] } {
  const expected = decoder();
  const parts = [
    control(2),
    frame(1, fromHex('00 00 01 00 ff 7f 00')),
    frame(9, fromHex('ff'), { littleEndian: false }),
    frame(2, new Uint8Array(0)),
    first(0x0b, 1, 2, 3),
    control(2, 7, false),
    middle(0x0b),
    control(0, 0xfffffffe),
    middle(0x0b, 4),
    last(0x0b),
    frame(0x0d, random.bytes(70_000)),
    frame(0x0d, random.bytes(300)),
    first(0x0d),
    last(0x0d, ...random.bytes(40)),
    frame(0x0d, random.bytes(200_000), { littleEndian: false }),
    whole(0x12, 9),
  ];
  for (const part of parts) expected.decoder.push(part);
  expect(expected.seen).toHaveLength(12);
  return { bytes: Buffer.concat(parts), seen: expected.seen };
}

describe('a stream', () => {
  it('gives its messages with their payload, order and direction', () => {
    const { decoder: d, seen } = decoder();
    d.push(fromHex('ca 02 41 02 00 00 00 00'));
    d.push(fromHex('ca 02 c0 09 00 00 00 01 ff'));
    d.push(fromHex('ca 01 00 02 06 00 00 00 68 65 6c 6c 6f 21'));
    expect(seen).toEqual([
      { command: 2, control: true, datum: 0, littleEndian: true, fromServer: true, payload: '' },
      { command: 9, control: false, datum: 0, littleEndian: false, fromServer: true, payload: 'ff' },
      {
        command: 2,
        control: false,
        datum: 0,
        littleEndian: true,
        fromServer: false,
        payload: '68656c6c6f21',
      },
    ]);
  });

  it('gives the same messages whole, byte by byte and in random pieces, copied or read in place', () => {
    const random = new Random(1);
    const { bytes, seen } = session(random);
    for (const read of [copied, inPlace]) {
      const all = decoder();
      read(all.decoder, bytes, () => bytes.length);
      expect(all.seen).toEqual(seen);
      const single = decoder();
      read(single.decoder, bytes, () => 1);
      expect(single.seen).toEqual(seen);
      for (let run = 0; run < 20; run++) {
        const cut = decoder();
        const most = random.pick([3, 9, 200, 5000, 70_000]);
        read(cut.decoder, bytes, () => 1 + random.int(most));
        expect(cut.seen).toEqual(seen);
      }
    }
  });

  it('gives the same messages cut in two at every position', () => {
    const bytes = Buffer.concat([
      control(2),
      whole(1, 1, 2, 3),
      first(5, 4),
      control(2),
      last(5),
      whole(2),
      whole(3, 5),
    ]);
    const uncut = decoder();
    uncut.decoder.push(bytes);
    expect(uncut.seen).toHaveLength(6);
    for (let at = 0; at <= bytes.length; at++) {
      const cut = decoder();
      cut.decoder.push(bytes.subarray(0, at));
      cut.decoder.push(bytes.subarray(at));
      expect(cut.seen).toEqual(uncut.seen);
    }
  });

  it('hands out no message before its last byte', () => {
    const { decoder: d, seen } = decoder();
    const bytes = whole(0x0d, 1, 2, 3);
    d.push(bytes.subarray(0, -1));
    expect(seen).toHaveLength(0);
    d.push(bytes.subarray(-1));
    expect(seen).toHaveLength(1);
  });
});

/** Reads like a server's socket: every piece is copied. */
function copied(d: FrameDecoder, bytes: Buffer, cut: () => number): void {
  for (let at = 0; at < bytes.length; ) {
    const n = Math.min(cut(), bytes.length - at);
    d.push(bytes.subarray(at, at + n));
    at += n;
  }
}

/** Reads like a client's socket: into the memory the decoder lends. */
function inPlace(d: FrameDecoder, bytes: Buffer, cut: () => number): void {
  for (let at = 0; at < bytes.length; ) {
    const target = d.writeTarget();
    if (target.length === 0) throw new Error('no memory to read into');
    const n = Math.min(cut(), bytes.length - at, target.length);
    target.set(bytes.subarray(at, at + n));
    d.commit(target, n);
    at += n;
  }
}

describe('segments', () => {
  it('are joined in the order they came, empty ones too', () => {
    const { decoder: d, seen } = decoder();
    for (const part of [first(0x0b, 1, 2), middle(0x0b), middle(0x0b, 3), middle(0x0b, 4, 5), last(0x0b)])
      d.push(part);
    for (const part of [first(0x0a), last(0x0a)]) d.push(part);
    for (const part of [first(0x0a, 7), last(0x0a, 8)]) d.push(part);
    expect(seen.map((s) => [s.command, s.payload])).toEqual([
      [0x0b, '0102030405'],
      [0x0a, ''],
      [0x0a, '0708'],
    ]);
  });

  it('let control messages through in between, at once', () => {
    const { decoder: d, seen } = decoder();
    d.push(first(0x0b, 1));
    d.push(control(2));
    expect(seen.map((s) => s.control)).toEqual([true]);
    d.push(last(0x0b, 2));
    expect(seen.map((s) => s.payload)).toEqual(['', '0102']);
  });

  it('have the byte order of the last one, as all of a connection have', () => {
    const { decoder: d, seen } = decoder();
    d.push(frame(0x0b, fromHex('01'), { segment: Segment.FIRST, littleEndian: false }));
    d.push(frame(0x0b, fromHex('02'), { segment: Segment.LAST, littleEndian: false }));
    expect(seen[0]).toMatchObject({ littleEndian: false, payload: '0102' });
  });

  const wrong: [string, Buffer[], RegExp][] = [
    ['a middle one without a first', [middle(0x0b)], /without a first/],
    ['a last one without a first', [last(0x0b)], /without a first/],
    ['a last one after the end', [first(0x0b), last(0x0b), last(0x0b)], /without a first/],
    ['a second first', [first(0x0b), first(0x0b)], /before the last segment/],
    ['a first of another message', [first(0x0b), middle(0x0b), first(0x0d)], /before the last segment/],
    ['a whole message in between', [first(0x0b), whole(0x02)], /before the last segment/],
    ['a middle of another command', [first(0x0b), middle(0x0d)], /different commands/],
    ['a last of another command', [first(0x0b), last(0x0d)], /different commands/],
  ];
  for (const [what, parts, why] of wrong)
    it(`refuse ${what}`, () => {
      const { decoder: d, seen } = decoder();
      for (const part of parts.slice(0, -1)) d.push(part);
      const before = seen.length;
      expect(() => d.push(parts.at(-1) as Buffer)).toThrow(DecodeError);
      expect(seen).toHaveLength(before);
      const again = decoder();
      expect(() => again.decoder.push(Buffer.concat(parts))).toThrow(why);
    });

  it('in every sequence of up to five follow the one rule there is', () => {
    const kinds = [whole, first, middle, last];
    for (let n = 0; n < 4 ** 5; n++) {
      const sequence = [0, 1, 2, 3, 4].map((i) => kinds[(n >> (2 * i)) & 3] as typeof whole);
      let open = false;
      let messages = 0;
      let legal = true;
      for (const kind of sequence) {
        legal = open ? kind === middle || kind === last : kind === whole || kind === first;
        if (!legal) break;
        if (kind === whole || kind === last) messages++;
        open = kind === first || kind === middle;
      }
      const { decoder: d, seen } = decoder();
      const run = (): void => d.push(Buffer.concat(sequence.map((kind) => kind(0x0b, 1))));
      if (legal) run();
      else expect(run).toThrow(DecodeError);
      expect(seen).toHaveLength(messages);
    }
  });
});

describe('what is no message', () => {
  it('is refused with what was found: magic, version', () => {
    expect(() => decoder().decoder.push(Buffer.from('GET / HTTP/1.1\r\n'))).toThrow(/got 47 45 54 20/);
    expect(() => decoder().decoder.push(fromHex('ca 00 40 02 00 00 00 00'))).toThrow(/version 0/);
  });

  it('is refused as soon as the header is there, not when the payload is', () => {
    const { decoder: d } = decoder({ maxMessage: 100 });
    d.push(fromHex('ca 02 40 0d 65 00 00'));
    expect(() => d.push(fromHex('00'))).toThrow('message of 101 bytes is larger than the limit of 100');
  });

  it('is refused in the wrong direction, control messages too', () => {
    const client = decoder({ expectServer: true });
    expect(() => client.decoder.push(fromHex('ca 02 00 02 00 00 00 00'))).toThrow(/wrong direction/);
    const server = decoder({ expectServer: false });
    expect(() => server.decoder.push(fromHex('ca 02 41 02 00 00 00 00'))).toThrow(/wrong direction/);
    const either = decoder();
    either.decoder.push(fromHex('ca 02 00 02 00 00 00 00 ca 02 40 02 00 00 00 00'));
    expect(either.seen).toHaveLength(2);
  });

  it('gets in at the limit exactly, and the limit may be raised while running', () => {
    const { decoder: d, seen } = decoder({ maxMessage: 4 });
    d.push(whole(1, 1, 2, 3, 4));
    expect(seen).toHaveLength(1);
    d.maxMessage = 5;
    d.push(whole(1, 1, 2, 3, 4, 5));
    expect(seen).toHaveLength(2);
    expect(() => d.push(whole(1, 1, 2, 3, 4, 5, 6))).toThrow(DecodeError);
  });

  it('is refused when its segments together exceed the limit', () => {
    const { decoder: d } = decoder({ maxMessage: 4 });
    d.push(first(1, 1, 2));
    d.push(middle(1, 3, 4));
    expect(() => d.push(middle(1, 5))).toThrow('segmented message is larger than the limit of 4 bytes');
  });

  it('does not count the datum of a control message as a length', () => {
    const { decoder: d, seen } = decoder({ maxMessage: 4 });
    d.push(control(0, 0xffffffff));
    expect(seen).toMatchObject([{ control: true, datum: 0xffffffff, payload: '' }]);
  });
});
