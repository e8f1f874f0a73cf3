/**
 * ChannelTraffic: the bytes of one channel, counted where its operations send.
 *
 * Operations reply through it instead of through the connection; a counter costs two additions a message.
 */
import { WIDE } from '../kept-kinds.ts';
import type { WireWriter } from '../wire/writer.ts';

/** What an operation needs of its connection. */
export interface ReplySender {
  send(command: number, write: (w: WireWriter) => void): void;
  /** For updates: see Connection. */
  sendUpdate(command: number, write: (w: WireWriter) => void): void;
  /** See Connection. */
  whenSent(release: () => void): void;
  readonly unsentBytes: number;
  /** Bytes sent so far. */
  readonly bytesSent: number;
}

export class ChannelTraffic implements ReplySender {
  /** Bytes sent and received for this channel. */
  tx = WIDE;
  rx = WIDE;
  private readonly connection: ReplySender;

  constructor(connection: ReplySender) {
    this.tx = 0;
    this.rx = 0;
    this.connection = connection;
  }

  send(command: number, write: (w: WireWriter) => void): void {
    const { connection } = this;
    const before = connection.bytesSent;
    connection.send(command, write);
    this.tx += connection.bytesSent - before;
  }

  sendUpdate(command: number, write: (w: WireWriter) => void): void {
    const { connection } = this;
    const before = connection.bytesSent;
    connection.sendUpdate(command, write);
    this.tx += connection.bytesSent - before;
  }

  whenSent(release: () => void): void {
    this.connection.whenSent(release);
  }

  get unsentBytes(): number {
    return this.connection.unsentBytes;
  }

  get bytesSent(): number {
    return this.tx;
  }
}
