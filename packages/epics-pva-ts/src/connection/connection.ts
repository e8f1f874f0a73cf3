/**
 * Connection: one TCP connection's protocol without its I/O, both roles.
 *
 * Bytes in (`decoder`), messages out (`send`), and the clock is a parameter (`tick`). Anything wrong in the peer's
 * bytes closes this connection with a reason and nothing else. Rules: pva-protocol.md 1.2, 3.2, 6.1.
 */
import { DecodeError, PvaError, RemoteProtocolError } from '../errors.ts';
import { Command, ControlCommand, commandName } from '../frame/command.ts';
import { type Frame, FrameDecoder } from '../frame/frame-decoder.ts';
import { appendMessage } from '../frame/frame-encoder.ts';
import { DecodeContext } from '../value/decode-context.ts';
import { WireReader } from '../wire/reader.ts';
import { WireWriter } from '../wire/writer.ts';
import type { Transport } from './transport.ts';

/** Arrays from this size on are sent by reference; smaller ones are cheaper to copy than to write separately. */
const REFERENCE_FROM = 4096;
/** Received number arrays from this size on are views on the receive memory. */
const VIEW_FROM = 8192;
/** Messages of one turn leave together, but no more than about this many bytes wait for it. */
const FLUSH_AT = 256 * 1024;
/** Writes of less than this are worth waiting for each other; larger ones would only wait. */
const SMALL_WRITE = 4096;
/** Before the peer is validated its messages must be small. */
const MAX_HANDSHAKE_MESSAGE = 64 * 1024;
/**
 * A server that owes its client this much takes no more requests from it (pva-protocol.md 6.4, 10.2): who asks and
 * does not read must not fill the server's memory. Clients never stop for this: two sides waiting would wait for ever.
 */
export const MAX_UNSENT: number = 16 * 1024 * 1024;

export interface ConnectionOptions {
  readonly role: 'client' | 'server';
  readonly transport: Transport;
  /** Seconds without a received byte after which the connection is closed; default 40. */
  readonly timeout?: number;
  /** Largest message accepted, in bytes. */
  readonly maxMessage?: number;
  /** Milliseconds, monotonic: when the connection was opened. */
  readonly now: number;
}

/** Counters of one connection; all since it was opened. */
export interface ConnectionStats {
  readonly peer: string;
  readonly bytesReceived: number;
  readonly messagesReceived: number;
  readonly messagesSent: number;
  readonly pendingBytes: number;
}

export abstract class Connection {
  readonly transport: Transport;
  readonly decoder: FrameDecoder;
  /** Types received from the peer, and what else decoding needs. */
  protected readonly context: DecodeContext = new DecodeContext(undefined, VIEW_FROM);
  protected readonly writer: WireWriter = new WireWriter(true, 64 * 1024, REFERENCE_FROM);
  private readonly reader: WireReader = new WireReader();
  private readonly role: 'client' | 'server';
  private readonly maxMessage: number | undefined;
  private readonly timeoutMs: number;
  private releases: (() => void)[] = [];
  private flushScheduled = false;
  /** Something was written in this turn of the event loop. */
  private wroteThisTurn = false;
  private lastReceived: number;
  private receivedSinceTick = false;
  private readingHolds = 0;
  /** Reading is held because of {@link MAX_UNSENT}. */
  private owing = false;
  /** The peer has taken something of what it is owed. */
  private takenSinceTick = false;
  private lastTaken = 0;
  private stopped = false;
  private bytesReceived = 0;
  private messagesReceived = 0;
  private messagesSent = 0;

  constructor(options: ConnectionOptions) {
    this.role = options.role;
    this.transport = options.transport;
    this.timeoutMs = (options.timeout ?? 40) * 1000;
    this.maxMessage = options.maxMessage;
    this.lastReceived = options.now;
    this.decoder = new FrameDecoder({
      onFrame: (frame) => this.handleFrame(frame),
      expectServer: options.role === 'client',
      maxMessage: MAX_HANDSHAKE_MESSAGE,
    });
  }

  get closed(): boolean {
    return this.stopped;
  }

  get stats(): ConnectionStats {
    const { bytesReceived, messagesReceived, messagesSent, transport } = this;
    return {
      peer: transport.peer,
      bytesReceived,
      messagesReceived,
      messagesSent,
      pendingBytes: transport.pendingBytes,
    };
  }

  /** `n` bytes have been read into the decoder's `target`. Never throws: a peer's bad bytes end the connection. */
  received(target: Uint8Array, n: number): void {
    this.bytesReceived += n;
    this.receivedSinceTick = true;
    this.guarded(() => this.decoder.commit(target, n));
  }

  /** Bytes from a source that cannot read in place. */
  receive(chunk: Uint8Array): void {
    this.bytesReceived += chunk.length;
    this.receivedSinceTick = true;
    this.guarded(() => this.decoder.push(chunk));
  }

  private guarded(run: () => void): void {
    if (this.stopped) return;
    try {
      run();
    } catch (error) {
      // Programming errors surface as such; everything a peer can cause is a PvaError.
      if (!PvaError.isPvaError(error)) throw error;
      this.close(error);
    }
  }

  /** The peer is validated: messages may now have their full size. */
  protected validated(): void {
    this.decoder.maxMessage = this.maxMessage ?? 256 * 1024 * 1024;
  }

  private handleFrame(frame: Frame): void {
    this.messagesReceived++;
    if (frame.control) {
      if (frame.command === ControlCommand.SET_BYTE_ORDER) this.onByteOrder(frame.littleEndian);
      return;
    }
    const r = this.reader.reset(frame.bytes, frame.littleEndian, frame.offset, frame.end);
    this.context.block = frame.block;
    this.context.begin(frame.end - frame.offset);
    try {
      if (!this.onMessage(frame.command, r)) this.unexpected(frame.command);
    } catch (error) {
      if (error instanceof DecodeError)
        throw new DecodeError(`${commandName(frame.command)}: ${error.message}`);
      throw error;
    } finally {
      this.context.block = null;
    }
    if (this.role === 'server' && !this.owing && this.unsentBytes > MAX_UNSENT) {
      this.owing = true;
      this.takenSinceTick = true;
      this.holdReading();
    }
  }

  /** Handles one message; false if it is not allowed in this state. Unknown commands must be ignored (true). */
  protected abstract onMessage(command: number, r: WireReader): boolean;
  /** The server's first bytes announce the order of the connection. */
  protected abstract onByteOrder(littleEndian: boolean): void;
  /** The connection has ended; called once. `reason` undefined: in good order. */
  protected abstract onClosed(reason: PvaError | undefined): void;
  /** Bytes were accepted by the operating system: there may be room for more. */
  protected onDrain(): void {}

  private unexpected(command: number): never {
    throw new RemoteProtocolError(`${commandName(command)} is not allowed now`);
  }

  /** Sends one message; it leaves with all others of this turn of the event loop. */
  send(command: number, write: (w: WireWriter) => void): void {
    if (this.stopped) return;
    appendMessage(this.writer, command, this.role === 'server', write);
    this.messagesSent++;
    if (this.outgoingBytes >= FLUSH_AT) this.flush();
    else this.scheduleFlush();
  }

  /** Sends raw bytes (control messages) the same way. */
  protected sendBytes(write: (w: WireWriter) => void): void {
    write(this.writer);
    this.scheduleFlush();
  }

  /** `release` is called when the next message, and all before it, no longer need their memory: call it first. */
  whenSent(release: () => void): void {
    if (this.stopped) release();
    else this.releases.push(release);
  }

  /**
   * What is sent leaves as soon as its sender is done. After a small write what else is sent in the same turn of the event
   * loop leaves together at its end: a thousand PVs posted by a thousand timers must not be a thousand system calls.
   */
  protected scheduleFlush(): void {
    if (this.flushScheduled) return;
    this.flushScheduled = true;
    if (!this.wroteThisTurn) queueMicrotask(this.flushNow);
  }

  private readonly flushNow = (): void => this.flush();

  private readonly endTurn = (): void => {
    this.wroteThisTurn = false;
    if (this.flushScheduled) this.flush();
  };

  /** Bytes written and not yet handed to the transport. */
  private get outgoingBytes(): number {
    return this.writer.length;
  }

  /** Hands everything to the transport now. */
  flush(): void {
    this.flushScheduled = false;
    const { outgoingBytes } = this;
    if (this.stopped || outgoingBytes === 0) return;
    if (outgoingBytes < SMALL_WRITE && !this.wroteThisTurn) {
      this.wroteThisTurn = true;
      setImmediate(this.endTurn);
    }
    const chunks = this.writer.finish();
    const releases = this.releases;
    this.releases = [];
    this.transport.write(chunks, () => {
      for (const release of releases) release();
      if (this.stopped) return;
      this.takenSinceTick = true;
      if (this.owing && this.unsentBytes <= MAX_UNSENT / 2) {
        this.owing = false;
        this.releaseReading();
      }
      if (!this.stopped) this.onDrain();
    });
  }

  /** Bytes sent but not yet accepted by the operating system. */
  get unsentBytes(): number {
    return this.outgoingBytes + this.transport.pendingBytes;
  }

  /** Stops reading until every hold is released: how a slow user makes the peer wait. */
  holdReading(): void {
    if (this.readingHolds++ === 0) {
      this.decoder.suspend();
      this.transport.pauseReading();
    }
  }

  releaseReading(): void {
    if (this.readingHolds === 0 || --this.readingHolds > 0 || this.stopped) return;
    this.guarded(() => this.decoder.resume());
    if (this.readingHolds === 0 && !this.stopped) this.transport.resumeReading();
  }

  /**
   * To be called about once a second: closes after too long a silence. A connection we do not read from is not
   * silent, but a peer that is owed much has to take some of it.
   */
  tick(now: number): void {
    if (this.stopped) return;
    if (this.receivedSinceTick || this.readingHolds > 0) {
      this.receivedSinceTick = false;
      this.lastReceived = now;
    }
    if (this.takenSinceTick || !this.owing) {
      this.takenSinceTick = false;
      this.lastTaken = now;
    }
    const seconds = Math.round(this.timeoutMs / 1000);
    if (now - this.lastReceived >= this.timeoutMs)
      this.close(new RemoteProtocolError(`nothing received for ${seconds} s`));
    else if (now - this.lastTaken >= this.timeoutMs)
      this.close(new RemoteProtocolError(`the peer took none of ${this.unsentBytes} bytes for ${seconds} s`));
  }

  /** Ends the connection; without a reason in good order. */
  close(reason?: PvaError): void {
    if (this.stopped) return;
    this.flush();
    this.ended(reason);
    this.transport.close();
  }

  /** The transport has ended by itself. */
  transportClosed(reason: PvaError | undefined): void {
    if (!this.stopped) this.ended(reason);
  }

  private ended(reason: PvaError | undefined): void {
    this.stopped = true;
    this.writer.finish();
    for (const release of this.releases.splice(0)) release();
    this.decoder.close();
    this.onClosed(reason);
  }

  /** Answers or sends an ECHO. */
  protected sendEcho(payload: Uint8Array): void {
    this.send(Command.ECHO, (w) => w.bytes(payload));
  }
}
