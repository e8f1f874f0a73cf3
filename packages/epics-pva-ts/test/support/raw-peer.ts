/** One end of a connection that speaks plain bytes: tests say exactly what is sent and see exactly what came back. */
import { commandName } from '../../src/frame/command.ts';
import { encodeMessage } from '../../src/frame/frame-encoder.ts';
import { decodeHeader, HEADER_SIZE, HeaderFlag, newHeader, Segment } from '../../src/frame/header.ts';
import { WireReader } from '../../src/wire/reader.ts';
import { WireWriter } from '../../src/wire/writer.ts';
import { fromHex, toHex } from './hex.ts';
import { type MemorySink, type MemoryTransport, settled } from './memory-transport.ts';

/** One message as it came. */
export interface RawMessage {
  readonly command: number;
  readonly name: string;
  readonly control: boolean;
  readonly littleEndian: boolean;
  readonly payload: Buffer;
  /** The whole message, header included, as hex. */
  readonly hex: string;
}

/** Cuts bytes into whole messages, and what is behind the last of them. @throws DecodeError */
export function wholeMessages(bytes: Buffer): { messages: RawMessage[]; rest: Buffer } {
  const messages: RawMessage[] = [];
  let at = 0;
  while (at + HEADER_SIZE <= bytes.length) {
    const header = decodeHeader(bytes, at, newHeader());
    const end = at + HEADER_SIZE + (header.control ? 0 : header.length);
    if (end > bytes.length) break;
    const whole = bytes.subarray(at, end);
    messages.push({
      command: header.command,
      name: header.control ? `control ${header.command}` : commandName(header.command),
      control: header.control,
      littleEndian: header.littleEndian,
      payload: whole.subarray(HEADER_SIZE),
      get hex() {
        return toHex(whole);
      },
    });
    at = end;
  }
  return { messages, rest: bytes.subarray(at) };
}

/** As {@link wholeMessages} for bytes that end with a message. @throws Error if they do not */
export function messagesIn(bytes: Buffer): RawMessage[] {
  const { messages, rest } = wholeMessages(bytes);
  if (rest.length > 0) throw new Error(`the last message is incomplete: ${toHex(rest.subarray(0, 40))}`);
  return messages;
}

export interface MessageForm {
  readonly littleEndian?: boolean;
  readonly fromServer?: boolean;
}

/** A whole message in one piece. */
export function messageBytes(
  command: number,
  write: (w: WireWriter) => void,
  { littleEndian = true, fromServer = false }: MessageForm = {},
): Buffer {
  return Buffer.concat(encodeMessage(new WireWriter(littleEndian), command, fromServer, write));
}

/** The same message cut into segments of at most `size` payload bytes; the last one may be empty. */
export function segmented(message: Buffer, size: number, emptyLast = false): Buffer {
  const header = decodeHeader(message, 0, newHeader());
  const parts: Buffer[] = [];
  const payload = message.subarray(HEADER_SIZE);
  const cuts: Buffer[] = [];
  for (let at = 0; at < payload.length; at += size) cuts.push(payload.subarray(at, at + size));
  if (emptyLast || cuts.length < 2) cuts.push(Buffer.alloc(0));
  cuts.forEach((cut, i) => {
    const segment = i === 0 ? Segment.FIRST : i === cuts.length - 1 ? Segment.LAST : Segment.MIDDLE;
    const head = Buffer.from(message.subarray(0, HEADER_SIZE));
    head[2] = ((head[2] as number) & ~HeaderFlag.SEGMENT_MASK) | segment;
    if (header.littleEndian) head.writeUInt32LE(cut.length, 4);
    else head.writeUInt32BE(cut.length, 4);
    parts.push(head, cut);
  });
  return Buffer.concat(parts);
}

/** Messages for an error text. */
export function brief(messages: readonly RawMessage[]): string {
  const one = (m: RawMessage): string =>
    toHex(m.payload.subarray(0, 40)) + (m.payload.length > 40 ? ' ...' : '');
  return messages.map((m) => `${m.name} ${one(m)}`).join(' | ') || 'none';
}

export class RawPeer implements MemorySink {
  readonly transport: MemoryTransport;
  /** The other side has closed the connection. */
  closed = false;
  private readonly chunks: Uint8Array[] = [];

  constructor(transport: MemoryTransport) {
    this.transport = transport;
    transport.attach(this);
  }

  receive(chunk: Uint8Array): void {
    this.chunks.push(chunk);
  }

  transportClosed(): void {
    this.closed = true;
  }

  /** Sends bytes or hex as they are. */
  write(...what: (string | Uint8Array)[]): void {
    for (const part of what) this.transport.write([typeof part === 'string' ? fromHex(part) : part]);
  }

  /** Sends one message. */
  send(command: number, write: (w: WireWriter) => void, form: MessageForm = {}): void {
    this.write(messageBytes(command, write, form));
  }

  /** All messages that came since the last call, after everything has settled. */
  async replies(): Promise<RawMessage[]> {
    await settled();
    return messagesIn(Buffer.concat(this.chunks.splice(0)));
  }

  /** As {@link replies}, but exactly one. */
  async reply(): Promise<RawMessage> {
    const messages = await this.replies();
    if (messages.length !== 1) throw new Error(`one reply expected, got: ${brief(messages)}`);
    return messages[0] as RawMessage;
  }

  /** Sends hex; the replies as hex. */
  async exchange(...what: (string | Uint8Array)[]): Promise<string[]> {
    this.write(...what);
    return (await this.replies()).map((m) => m.hex);
  }
}

/** A reader over a message's payload. */
export function readerOf(m: RawMessage): WireReader {
  return new WireReader(m.payload, m.littleEndian);
}

/** Names of the messages, for a quick look at what was said. */
export function names(messages: readonly RawMessage[]): string[] {
  return messages.map((m) => m.name);
}
