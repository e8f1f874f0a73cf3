/**
 * ServerConnection: the server's side of the handshake.
 *
 * The first bytes are SET_BYTE_ORDER: little endian always, which also avoids core-pva's big endian BitSet fault.
 * Then CONNECTION_VALIDATION offers "anonymous" and "ca". A client that selects anything else, or that sends
 * operations before it is validated, is told so and disconnected (pva-protocol.md 3.2).
 */
import type { PvaError } from '../errors.ts';
import { RemoteProtocolError } from '../errors.ts';
import { Command, ControlCommand } from '../frame/command.ts';
import { writeControl } from '../frame/header.ts';
import { HANDSHAKE_MS, TCP_TIMEOUT_SECONDS } from '../limits.ts';
import {
  decodeClientValidation,
  encodeServerValidation,
  encodeValidated,
  RECEIVE_BUFFER_SIZE,
  REGISTRY_SIZE,
} from '../message/connection-validation.ts';
import type { DecodeContext } from '../value/decode-context.ts';
import type { WireReader } from '../wire/reader.ts';
import { errorStatus, OK } from '../wire/status.ts';
import { Connection } from './connection.ts';
import type { ConnectionOptions } from './connection-options.ts';
import { UnderWay } from './under-way.ts';

/** Who a client says it is; "ca" claims are not verified, so access rules must not trust them alone. */
export interface Credentials {
  /** `address:port` of the socket. */
  readonly peer: string;
  /** `anonymous` or `ca`. */
  readonly method: string;
  /** Claimed user of method "ca", else "". */
  readonly account: string;
  /** Claimed host of method "ca", else "". */
  readonly host: string;
}

export interface ServerConnectionHandler {
  ready(credentials: Credentials): void;
  message(command: number, r: WireReader, context: DecodeContext): void;
  closed(reason: PvaError | undefined): void;
  /** There may be room for more monitor updates. */
  drain(): void;
  /** What the peer does that is ignored, but worth a line in a log. */
  notice?(text: string): void;
}

export interface ServerConnectionOptions extends Omit<ConnectionOptions, 'role'> {
  readonly handler: ServerConnectionHandler;
}

const METHODS = ['anonymous', 'ca'];

export class ServerConnection extends Connection {
  /** Requests that are not answered yet. */
  readonly underWay: UnderWay = new UnderWay(this);
  private readonly handler: ServerConnectionHandler;
  private readonly answerMs: number;
  private ready = false;

  constructor(options: ServerConnectionOptions) {
    super({ ...options, role: 'server' });
    this.handler = options.handler;
    this.answerMs = (options.timeout ?? TCP_TIMEOUT_SECONDS) * 1000;
    this.sendBytes((w) => writeControl(w, ControlCommand.SET_BYTE_ORDER, true));
    this.send(Command.CONNECTION_VALIDATION, (w) =>
      encodeServerValidation(w, {
        bufferSize: RECEIVE_BUFFER_SIZE,
        registrySize: REGISTRY_SIZE,
        methods: METHODS,
      }),
    );
  }

  protected onByteOrder(): void {}

  protected onMessage(command: number, r: WireReader): boolean {
    if (command === Command.ECHO) {
      this.sendEcho(r.bytes.subarray(r.offset, r.end));
      return true;
    }
    if (command === Command.CONNECTION_VALIDATION) {
      if (this.ready) return false;
      this.validate(r);
      return true;
    }
    if (command === Command.AUTHNZ) {
      this.ignoreAuthnz(r);
      return true;
    }
    // A forwarder's address, which means something in front of a UDP search only.
    if (command === Command.ORIGIN_TAG) return true;
    if (!this.ready) return false;
    this.underWay.messageBytes = r.remaining;
    this.handler.message(command, r, this.context);
    return true;
  }

  private validate(r: WireReader): void {
    const { method, data } = decodeClientValidation(r, this.context);
    if (!METHODS.includes(method)) {
      const why = `unknown authentication method '${method}', offered were ${METHODS.join(', ')}`;
      this.send(Command.CONNECTION_VALIDATED, (w) => encodeValidated(w, errorStatus(why)));
      throw new RemoteProtocolError(why);
    }
    this.ready = true;
    this.validated();
    const claim = (name: string): string => {
      const v = data?.tryGet(name);
      return typeof v === 'string' ? v : '';
    };
    this.handler.ready({ peer: this.transport.peer, method, account: claim('user'), host: claim('host') });
    this.send(Command.CONNECTION_VALIDATED, (w) => encodeValidated(w, OK));
  }

  override tick(now: number): void {
    super.tick(now);
    if (!this.ready && this.listened >= HANDSHAKE_MS)
      this.close(new RemoteProtocolError(`no valid handshake within ${HANDSHAKE_MS / 1000} s`));
    if (this.underWay.isStuck(this.listened, this.answerMs))
      this.close(
        new RemoteProtocolError(
          `none of ${this.underWay.count} requests was answered by its PV for ${Math.round(this.answerMs / 1000)} s, and no more are read`,
        ),
      );
  }

  protected override onDrain(): void {
    this.handler.drain();
  }

  protected notice(text: string): void {
    this.handler.notice?.(text);
  }

  protected onClosed(reason: PvaError | undefined): void {
    this.handler.closed(reason);
  }
}
