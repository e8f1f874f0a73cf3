/**
 * Every golden message of messages.txt through the frame decoder and the message codecs, in both directions: whole
 * sessions in one piece, in pieces of every size and byte by byte.
 */
import { describe, expect, it } from 'vitest';
import { DecodeError } from '../../src/errors.ts';
import { commandName } from '../../src/frame/command.ts';
import { type Frame, FrameDecoder } from '../../src/frame/frame-decoder.ts';
import { encodeMessage } from '../../src/frame/frame-encoder.ts';
import { writeControl } from '../../src/frame/header.ts';
import { DecodeContext } from '../../src/value/decode-context.ts';
import type { TypeDef } from '../../src/value/type-def.ts';
import { WireReader } from '../../src/wire/reader.ts';
import { WireWriter } from '../../src/wire/writer.ts';
import { toHex } from '../support/hex.ts';
import { CODECS, type MessageCodec, meaning } from './message-codecs.ts';
import { MESSAGE_EXPECTATIONS, type SessionExpectation } from './message-expectations.ts';
import { type GoldenMessage, type GoldenSession, readSessions } from './read-messages.ts';

const SESSIONS = readSessions();
const NEVER_LAZY = Number.POSITIVE_INFINITY;

/** One connection seen from outside: a decoder and known types for each direction, and the operations' types. */
class Wire {
  readonly seen: { command: number; control: boolean; littleEndian: boolean; message: object | null }[] = [];
  private readonly types: Map<number, TypeDef>;
  private readonly lazyFrom: number;
  private readonly decoders: Record<'S' | 'C', FrameDecoder>;

  constructor(expectation: SessionExpectation, lazyFrom = NEVER_LAZY) {
    this.lazyFrom = lazyFrom;
    this.types = new Map(Object.entries(expectation.types ?? {}).map(([ioid, t]) => [Number(ioid), t]));
    this.decoders = { S: this.decoder('S'), C: this.decoder('C') };
  }

  private decoder(from: 'S' | 'C'): FrameDecoder {
    const context = new DecodeContext(undefined, 64);
    return new FrameDecoder({
      expectServer: from === 'S',
      onFrame: (frame) => this.seen.push(this.decode(from, frame, context)),
    });
  }

  private decode(from: 'S' | 'C', frame: Frame, context: DecodeContext): Wire['seen'][number] {
    const { command, control, littleEndian } = frame;
    expect(frame.fromServer).toBe(from === 'S');
    if (control) {
      expect(frame.datum).toBe(0);
      return { command, control, littleEndian, message: null };
    }
    const r = new WireReader(frame.bytes, littleEndian, frame.offset, frame.end);
    context.block = frame.block;
    const message = codecOf(from, command).decode(r, context, (ioid) => this.types.get(ioid), this.lazyFrom);
    expect(r.remaining, `unread bytes of ${commandName(command)}`).toBe(0);
    const { ioid, type, putType } = message as { ioid?: number; type?: TypeDef; putType?: TypeDef };
    if (ioid !== undefined && type) this.types.set(ioid, type);
    if (ioid !== undefined && putType) this.types.set(-ioid, putType);
    return { command, control, littleEndian, message };
  }

  push(from: 'S' | 'C', bytes: Uint8Array): void {
    this.decoders[from].push(bytes);
  }

  /** As a socket does: reads into the memory the decoder lends. */
  commit(from: 'S' | 'C', bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const target = this.decoders[from].writeTarget();
      const n = Math.min(target.length, bytes.length - at);
      target.set(bytes.subarray(at, at + n));
      this.decoders[from].commit(target, n);
      at += n;
    }
  }
}

function codecOf(from: 'S' | 'C', command: number): MessageCodec {
  const codec = CODECS.get(`${from} ${command}`);
  if (!codec) throw new Error(`no codec for ${commandName(command)} from ${from}`);
  return codec;
}

function expectationOf(session: GoldenSession): SessionExpectation {
  return MESSAGE_EXPECTATIONS[session.title] ?? { messages: [] };
}

function written(golden: GoldenMessage, message: object | null, command: number): Buffer {
  const w = new WireWriter(((golden.bytes[2] as number) & 0x80) === 0);
  const fromServer = golden.from === 'S';
  if (message === null) {
    writeControl(w, command, fromServer);
    return w.finishBytes();
  }
  return Buffer.concat(
    encodeMessage(w, command, fromServer, (w) => codecOf(golden.from, command).encode(w, message as never)),
  );
}

function check(wire: Wire, expectation: SessionExpectation): void {
  expect(wire.seen.map((s) => s.message && meaning(s.message))).toEqual(
    expectation.messages.map((m) => m && meaning(m)),
  );
}

describe('the golden messages', () => {
  it('each have an expectation', () => {
    expect(SESSIONS).toHaveLength(39);
    for (const s of SESSIONS) expect(expectationOf(s).messages, s.title).toHaveLength(s.messages.length);
  });
});

describe.each(SESSIONS)('$title ($source)', (session) => {
  const expectation = expectationOf(session);
  const total = session.messages.reduce((n, m) => n + m.bytes.length, 0);

  it('decodes to its meaning, whole', () => {
    for (const way of ['push', 'commit'] as const) {
      const wire = new Wire(expectation);
      for (const m of session.messages) wire[way](m.from, m.bytes);
      check(wire, expectation);
      for (const [i, s] of wire.seen.entries()) {
        const header = (session.messages[i] as GoldenMessage).bytes;
        expect([s.command, s.control, s.littleEndian]).toEqual([
          header[3],
          ((header[2] as number) & 1) === 1,
          ((header[2] as number) & 0x80) === 0,
        ]);
      }
    }
  });

  it('decodes to the same lazily', () => {
    const wire = new Wire(expectation, 0);
    for (const m of session.messages) wire.commit(m.from, m.bytes);
    check(wire, expectation);
  });

  it('decodes to the same byte by byte, and not a byte too early', () => {
    for (const way of ['push', 'commit'] as const) {
      const wire = new Wire(expectation);
      let whole = 0;
      for (const m of session.messages) {
        for (let i = 0; i < m.bytes.length; i++) {
          wire[way](m.from, m.bytes.subarray(i, i + 1));
          if (i === m.bytes.length - 1) whole++;
          expect(wire.seen).toHaveLength(whole);
        }
      }
      check(wire, expectation);
    }
  });

  it('decodes to the same in pieces of any size', () => {
    for (const size of [2, 3, 5, 7, 8, 9, 13, 100]) {
      const wire = new Wire(expectation);
      // Everything one side sends until the other answers comes as one stream.
      for (let i = 0; i < session.messages.length; ) {
        const { from } = session.messages[i] as GoldenMessage;
        const run: Buffer[] = [];
        while (session.messages[i]?.from === from) run.push((session.messages[i++] as GoldenMessage).bytes);
        const stream = Buffer.concat(run);
        for (let at = 0; at < stream.length; at += size) wire.commit(from, stream.subarray(at, at + size));
      }
      check(wire, expectation);
    }
  });

  it('is encoded to these bytes, or to the same with its types written out', () => {
    const wire = new Wire(expectation);
    for (const m of session.messages) wire.push(m.from, m.bytes);
    for (const [i, golden] of session.messages.entries()) {
      const { command, message } = wire.seen[i] as Wire['seen'][number];
      const made = written(golden, expectation.messages[i] as object | null, command);
      expect(toHex(written(golden, message, command)), `message ${i}, read and written`).toBe(toHex(made));
      if (!expectation.ids?.includes(i)) expect(toHex(made), `message ${i}`).toBe(toHex(golden.bytes));
      else expect(toHex(made), `message ${i} uses ids`).not.toBe(toHex(golden.bytes));
    }
    // Written again, the session means the same to a connection that was told no ids.
    const again = new Wire(expectation);
    for (const [i, golden] of session.messages.entries()) {
      const { command, message } = wire.seen[i] as Wire['seen'][number];
      again.push(golden.from, written(golden, message, command));
    }
    check(again, expectation);
  });

  it('is refused or waits when cut: never misread', () => {
    // Each message alone with its length shortened to what is there, as a lying peer sends it.
    if (total > 3000) return;
    for (const [i, golden] of session.messages.entries()) {
      if (expectation.messages[i] === null) continue;
      const header = golden.bytes;
      const littleEndian = ((header[2] as number) & 0x80) === 0;
      for (let n = 0; n < header.length - 8; n++) {
        const cut = Buffer.from(header.subarray(0, 8 + n));
        if (littleEndian) cut.writeUInt32LE(n, 4);
        else cut.writeUInt32BE(n, 4);
        const wire = new Wire(expectation);
        for (const before of session.messages.slice(0, i)) wire.push(before.from, before.bytes);
        let failed: unknown;
        try {
          wire.push(golden.from, cut);
        } catch (error) {
          failed = error;
        }
        if (mayEndHere(golden, n)) continue;
        expect(failed, `message ${i}, first ${n} bytes of its payload`).toBeInstanceOf(DecodeError);
      }
    }
  });
});

/** Payloads that are legal although shorter: optional parts at the end. */
function mayEndHere(golden: GoldenMessage, n: number): boolean {
  const command = golden.bytes[3];
  const payload = golden.bytes.subarray(8);
  if (command === 0x02) return true; // ECHO
  // pvAccessCPP servers tolerate that the data of the method is missing.
  if (command === 0x01 && golden.from === 'C') return n === 9 + (payload[8] as number);
  if (command === 0x0d && golden.from === 'C') {
    // The initial window may be missing.
    return payload[8] === 0x88 && n >= payload.length - 4;
  }
  // A monitor update without mask is the form of an update for an operation that is not known.
  return command === 0x0d && golden.from === 'S' && payload[4] !== 0x08 && n === 5;
}
