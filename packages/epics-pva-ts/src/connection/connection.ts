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
import { emptyList, WIDE } from '../kept-kinds.ts';
import {
  MAX_HANDSHAKE_MESSAGE_BYTES,
  MAX_MESSAGE_BYTES,
  MAX_SEGMENT_BYTES,
  MAX_UNSENT_BYTES,
  TCP_TIMEOUT_SECONDS,
} from '../limits.ts';
import { decodeAuthnz } from '../message/authnz.ts';
import { DecodeContext } from '../value/decode-context.ts';
import { WireReader } from '../wire/reader.ts';
import { WireWriter } from '../wire/writer.ts';
import type { ConnectionOptions, ConnectionStats } from './connection-options.ts';
import { PeerWatch } from './peer-watch.ts';
import type { Transport } from './transport.ts';

/** Arrays from this size on are sent by reference; smaller ones are cheaper to copy than to write separately. */
const REFERENCE_FROM = 4096;
/** Received number arrays from this size on are views on the receive memory. */
const VIEW_FROM = 8192;
/**
 * Messages of one turn leave together, but no more than about this many bytes wait for it. Two images of 512 x 512 that are
 * late go in one write: measured, 22,000/s without loss instead of 20,000.
 */
const FLUSH_AT = 640 * 1024;
/** Writes of less than this are worth waiting for each other; larger ones would only wait. */
const SMALL_WRITE = 4096;

export abstract class Connection {
  readonly transport: Transport;
  readonly decoder: FrameDecoder;
  /** Types received from the peer, and what else decoding needs. */
  protected readonly context: DecodeContext = new DecodeContext(undefined, VIEW_FROM);
  protected readonly writer: WireWriter = new WireWriter(true, 64 * 1024, REFERENCE_FROM);
  private readonly reader: WireReader = new WireReader();
  private readonly role: 'client' | 'server';
  private readonly maxMessage: number | undefined;
  /**
   * A server that owes its client this much takes no more requests from it (pva-protocol.md 6.4, 10.2): who asks and
   * does not read must not fill the server's memory. Clients never stop for this: two sides waiting would wait for ever.
   */
  private readonly maxUnsent: number;
  private readonly maxSegment: number;
  private authnzNoted = false;
  private readonly timeoutMs: number;
  private releases = emptyList<() => void>();
  private flushScheduled = false;
  /** Something was written in this turn of the event loop. */
  private wroteThisTurn = false;
  private readonly watch: PeerWatch;
  private readingHolds = 0;
  /** Reading is held because of {@link ConnectionOptions.maxUnsent}. */
  private owing = false;
  private stopped = false;
  private bytesReceived = WIDE;
  private messagesReceived = 0;
  private messagesSent = 0;
  private flushedBytes = WIDE;
  private stalls = 0;

  constructor(options: ConnectionOptions) {
    this.bytesReceived = 0;
    this.flushedBytes = 0;
    this.role = options.role;
    this.transport = options.transport;
    this.timeoutMs = (options.timeout ?? TCP_TIMEOUT_SECONDS) * 1000;
    this.maxMessage = options.maxMessage;
    this.maxUnsent = options.maxUnsent ?? MAX_UNSENT_BYTES;
    this.maxSegment = Math.min(
      MAX_SEGMENT_BYTES,
      Math.max(1, Math.trunc(options.maxSegment ?? MAX_SEGMENT_BYTES)),
    );
    this.watch = new PeerWatch(this.timeoutMs, options.now);
    this.decoder = new FrameDecoder({
      onFrame: (frame) => this.handleFrame(frame),
      expectServer: options.role === 'client',
      maxMessage: MAX_HANDSHAKE_MESSAGE_BYTES,
    });
  }

  get closed(): boolean {
    return this.stopped;
  }

  get stats(): ConnectionStats {
    const { bytesReceived, bytesSent, messagesReceived, messagesSent, transport, stalls } = this;
    return {
      peer: transport.peer,
      bytesReceived,
      bytesSent,
      messagesReceived,
      messagesSent,
      pendingBytes: transport.pendingBytes,
      stalls,
    };
  }

  /** Bytes of all messages sent so far, also of those still on their way. */
  get bytesSent(): number {
    return this.flushedBytes + this.outgoingBytes;
  }

  /** `n` bytes have been read into the decoder's `target`. Never throws: a peer's bad bytes end the connection. */
  received(target: Uint8Array, n: number): void {
    this.bytesReceived += n;
    this.watch.heard();
    this.guarded(() => this.decoder.commit(target, n));
  }

  /** Bytes from a source that cannot read in place. */
  receive(chunk: Uint8Array): void {
    this.bytesReceived += chunk.length;
    this.watch.heard();
    this.guarded(() => this.decoder.push(chunk));
  }

  /**
   * Whatever goes wrong while this peer is served ends this connection and no other. Everything a peer can cause is a
   * PvaError; anything else is a fault of this library or of a PV, which its owner logs with the stack.
   */
  private guarded(run: () => void): void {
    if (this.stopped) return;
    try {
      run();
    } catch (error) {
      this.close(PvaError.isPvaError(error) ? error : internalError(error));
    }
  }

  /** The peer is validated: messages may now have their full size. */
  protected validated(): void {
    this.decoder.maxMessage = this.maxMessage ?? MAX_MESSAGE_BYTES;
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

  /**
   * Sends one message; it leaves with all others of this turn of the event loop. An answer that a PV gives long after
   * its request counts as one given at once: who has asked for it and does not read is not read from.
   */
  send(command: number, write: (w: WireWriter) => void): void {
    this.sendUpdate(command, write);
    if (this.role === 'server' && !this.owing && this.unsentBytes > this.maxUnsent) this.stall();
  }

  /** The peer is owed too much. */
  private stall(): void {
    if (this.stopped) return;
    this.owing = true;
    this.stalls++;
    this.watch.took();
    this.holdReading();
  }

  /** The same for one whose sender looks at `unsentBytes` itself: a single image may be more than the limit. */
  sendUpdate(command: number, write: (w: WireWriter) => void): void {
    if (this.stopped) return;
    appendMessage(this.writer, command, this.role === 'server', write, this.maxSegment);
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
    this.flushedBytes += outgoingBytes;
    const chunks = this.writer.finish();
    const releases = this.releases;
    this.releases = emptyList();
    this.transport.write(chunks, () => {
      for (const release of releases) release();
      if (this.stopped) return;
      this.watch.took();
      if (this.owing && this.unsentBytes <= this.maxUnsent / 2) {
        this.owing = false;
        this.releaseReading();
      }
      this.guarded(() => this.onDrain());
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

  /** To be called about once a second: closes after too long a silence. */
  tick(now: number): void {
    if (this.stopped) return;
    const problem = this.watch.tick(now, this.readingHolds > 0, this.owing);
    if (!problem) return;
    const seconds = Math.round(this.timeoutMs / 1000);
    const what =
      problem === 'silent' ? 'nothing received' : `the peer took none of ${this.unsentBytes} bytes`;
    this.close(new RemoteProtocolError(`${what} for ${seconds} s`));
  }

  /** Milliseconds this side has listened, as ticks count them. */
  protected get listened(): number {
    return this.watch.listened;
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

  /** Something ignored that is worth a line in a log. */
  protected abstract notice(text: string): void;

  /**
   * Further data of an authentication method, which none of ours has. It may define type ids used later. It belongs to
   * the handshake, and is no larger than that on a connection that is validated either.
   */
  protected ignoreAuthnz(r: WireReader): void {
    if (r.remaining > MAX_HANDSHAKE_MESSAGE_BYTES)
      throw new DecodeError(
        `${r.remaining} bytes of authentication data, at most ${MAX_HANDSHAKE_MESSAGE_BYTES} are taken`,
      );
    decodeAuthnz(r, this.context);
    if (this.authnzNoted) return;
    this.authnzNoted = true;
    this.notice(`${this.transport.peer} sent AUTHNZ, which no authentication method in use has: ignored`);
  }

  /** Answers or sends an ECHO. */
  protected sendEcho(payload: Uint8Array): void {
    this.send(Command.ECHO, (w) => w.bytes(payload));
  }
}

/** The reason a connection ends with when it was not the peer's fault. */
function internalError(cause: unknown): PvaError {
  const what = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  return new PvaError('PVA_INTERNAL', `a fault on this side, not of the peer: ${what}`, { cause });
}
