/**
 * ClientConnection: the client's side of the handshake and of keeping a connection alive.
 *
 * The client sends nothing before it has the server's CONNECTION_VALIDATION, and creates channels only after
 * CONNECTION_VALIDATED. An ECHO goes out every 15 s whatever arrives, because servers close after 40 s in which
 * they received nothing (pva-protocol.md 3.2, 6.1). What happens on a ready connection is the owner's.
 */
import type { PvaError } from '../errors.ts';
import { RemoteProtocolError } from '../errors.ts';
import { Command } from '../frame/command.ts';
import { ECHO_SECONDS, TCP_TIMEOUT_SECONDS } from '../limits.ts';
import {
  caCredentials,
  decodeServerValidation,
  decodeValidated,
  encodeClientValidation,
  RECEIVE_BUFFER_SIZE,
  REGISTRY_SIZE,
} from '../message/connection-validation.ts';
import type { DecodeContext } from '../value/decode-context.ts';
import type { WireReader } from '../wire/reader.ts';
import { isSuccess } from '../wire/status.ts';
import { Connection } from './connection.ts';
import type { ConnectionOptions } from './connection-options.ts';

/** What the owner of a client connection is told. Exceptions thrown from `message` end the connection. */
export interface ClientConnectionHandler {
  ready(): void;
  /** One message of a ready connection. */
  message(command: number, r: WireReader, context: DecodeContext): void;
  closed(reason: PvaError | undefined): void;
  /** What the peer does that is ignored, but worth a line in a log. */
  notice?(text: string): void;
}

export interface ClientConnectionOptions extends Omit<ConnectionOptions, 'role'> {
  readonly handler: ClientConnectionHandler;
  /** Claims of authentication method "ca". */
  readonly user: string;
  readonly host: string;
}

const EMPTY = new Uint8Array(0);

export class ClientConnection extends Connection {
  private readonly handler: ClientConnectionHandler;
  private readonly user: string;
  private readonly host: string;
  private readonly echoMs: number;
  private lastEcho: number;
  private probed = false;
  private state: 'waiting' | 'validating' | 'ready' = 'waiting';

  constructor(options: ClientConnectionOptions) {
    super({ ...options, role: 'client' });
    this.handler = options.handler;
    this.user = options.user;
    this.host = options.host;
    this.lastEcho = options.now;
    const timeout = options.timeout ?? TCP_TIMEOUT_SECONDS;
    // PVXS: 3/8 of the timeout, between 1 and 15 s.
    this.echoMs = Math.min(ECHO_SECONDS, Math.max(1, (timeout * 3) / 8)) * 1000;
  }

  get isReady(): boolean {
    return this.state === 'ready' && !this.closed;
  }

  protected onByteOrder(littleEndian: boolean): void {
    this.writer.littleEndian = littleEndian;
  }

  protected onMessage(command: number, r: WireReader): boolean {
    switch (command) {
      case Command.CONNECTION_VALIDATION:
        // Once: who sends it without end must not be answered without end.
        if (this.state !== 'waiting') return false;
        this.answer(decodeServerValidation(r).methods);
        return true;
      case Command.CONNECTION_VALIDATED: {
        if (this.state !== 'validating') return false;
        const status = decodeValidated(r);
        if (!isSuccess(status))
          throw new RemoteProtocolError(`server refused the connection: ${status.message}`);
        this.state = 'ready';
        this.validated();
        this.handler.ready();
        return true;
      }
      case Command.ECHO:
        return true;
      case Command.AUTHNZ:
        this.ignoreAuthnz(r);
        return true;
      default:
        if (this.state === 'ready') this.handler.message(command, r, this.context);
        return true;
    }
  }

  /** Takes the last method it knows; PVXS falls back to anonymous even when it is not listed. */
  private answer(methods: readonly string[]): void {
    const method = [...methods].reverse().find((m) => m === 'ca' || m === 'anonymous') ?? 'anonymous';
    const data = method === 'ca' ? caCredentials(this.user, this.host) : null;
    this.state = 'validating';
    this.send(Command.CONNECTION_VALIDATION, (w) =>
      encodeClientValidation(w, {
        bufferSize: RECEIVE_BUFFER_SIZE,
        registrySize: REGISTRY_SIZE,
        qos: 0,
        method,
        data,
      }),
    );
  }

  /**
   * Sends an ECHO now: if the peer's host was restarted its system answers with a reset, and the connection ends.
   * Once between two ticks, because anybody can make us doubt by a forged beacon.
   */
  probe(): void {
    if (!this.isReady || this.probed) return;
    this.probed = true;
    this.sendEcho(EMPTY);
  }

  override tick(now: number): void {
    super.tick(now);
    this.probed = false;
    if (!this.isReady || now - this.lastEcho < this.echoMs) return;
    this.lastEcho = now;
    this.sendEcho(EMPTY);
  }

  protected notice(text: string): void {
    this.handler.notice?.(text);
  }

  protected onClosed(reason: PvaError | undefined): void {
    this.handler.closed(reason);
  }
}
