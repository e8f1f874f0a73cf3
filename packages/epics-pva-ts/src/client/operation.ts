/**
 * Operation: what get, put, put-get, process, rpc, info and monitor have in common on the client.
 *
 * An operation is told when its channel is there (`onConnect`), when it is lost, and of every reply to its ioid.
 */
import type { Connection } from '../connection/connection.ts';
import { CancelledError, DisconnectedError, RemoteError, TimeoutError } from '../errors.ts';
import { REQUEST_TIMEOUT_SECONDS } from '../limits.ts';
import type { AccessRights } from '../message/acl-change.ts';
import type { MonitorResponse } from '../message/monitor.ts';
import type { OperationResponse } from '../message/operation.ts';
import type { TypeDef } from '../value/type-def.ts';
import type { Value } from '../value/value.ts';
import type { MemoryBlock } from '../wire/memory-block.ts';
import type { WireWriter } from '../wire/writer.ts';
import type { Channel } from './channel.ts';
import { timerMs } from './timer.ts';

/** What an operation can do with its channel while that is connected. */
export interface Attachment {
  readonly connection: Connection;
  readonly sid: number;
  /** `address:port`. */
  readonly server: string;
  /** The ioid is free; `tell` sends DESTROY_REQUEST. */
  forget(tell: boolean): void;
}

/** Any reply with a Status; what else it holds depends on the command. */
export interface Reply extends OperationResponse {
  readonly type?: TypeDef | null | undefined;
  readonly putType?: TypeDef | undefined;
  readonly value?: Value | undefined;
  readonly result?: Value | null;
}

export interface Operation {
  /** Changes with every (re)connection: ioids must not be used again while replies may be in flight. */
  readonly ioid: number;
  /** The type of its data once INIT is answered. */
  readonly type: TypeDef | undefined;
  /** PUT_GET: the type of what is put. */
  readonly putType?: TypeDef | undefined;
  onConnect(at: Attachment): void;
  onDisconnect(why: string): void;
  onReply(command: number, reply: Reply): void;
  onMonitor(m: MonitorResponse): void;
  onServerMessage(severity: number, message: string): void;
  /** The server says what this client may do with the channel. */
  onAccessRights?(rights: AccessRights): void;
}

let nextIoid = 0x10002000;
/** Unique in this process, hence on every connection. */
export function newIoid(): number {
  nextIoid = nextIoid >= 0xfffffff0 ? 1 : nextIoid + 1;
  return nextIoid;
}

/** An operation after INIT that executes nothing at present. */
export interface Initialised {
  readonly ioid: number;
  /** What INIT was answered with; a call has none. */
  readonly type: TypeDef | undefined;
}

/** Who takes a request's operation over instead of having it destroyed. */
export interface Keeper {
  /** Asked when the answer has come; if not, the operation is destroyed. */
  keeps(): boolean;
  /** The execution has been sent: what comes behind it does not overtake it. */
  sent(request: OneShot<unknown>): void;
  /** It was answered with success; the operation, if it is kept. Called before whoever waits for the result is told. */
  answered(request: OneShot<unknown>, operation: Initialised | undefined): void;
  /** It failed, begun or not. Called before whoever waits for the result is told. */
  failed(request: OneShot<unknown>): void;
}

/** What every request takes: a time limit and a way to cancel it. */
export interface RequestOptions {
  /** Seconds until {@link TimeoutError}; default 5, 0 waits for ever. */
  readonly timeout?: number;
  /** Ends the operation with {@link CancelledError}. */
  readonly signal?: AbortSignal;
  /** `host[:port]` of the server to ask, without a search. Default: the one that says it has the channel. */
  readonly server?: string;
}

/** Whatever was thrown, as an Error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** An operation with one result: INIT, execution, done. Time limits cover it from search to reply. */
export abstract class OneShot<T> implements Operation {
  readonly promise: Promise<T>;
  protected readonly channel: Channel;
  protected at: Attachment | null = null;
  protected dataType: TypeDef | undefined;
  private ioidNow = 0;
  private settle: { resolve: (v: T) => void; reject: (e: Error) => void };
  private done = false;
  private timer: NodeJS.Timeout | undefined;
  private readonly abort: (() => void) | undefined;
  private readonly signal: AbortSignal | undefined;
  private readonly server: string | undefined;
  private on: Initialised | undefined;
  private keeper: Keeper | undefined;
  /** Receive memory that the request refers to. */
  private readonly lent: MemoryBlock[] = [];
  /** Text of the last MESSAGE, which often says more than the Status. */
  private hint = '';

  constructor(channel: Channel, options: RequestOptions) {
    this.channel = channel;
    this.server = options.server;
    this.settle = { resolve: () => {}, reject: () => {} };
    this.promise = new Promise<T>((resolve, reject) => {
      this.settle = { resolve, reject };
    });
    const seconds = options.timeout ?? REQUEST_TIMEOUT_SECONDS;
    if (seconds > 0)
      this.timer = setTimeout(
        () => this.fail(new TimeoutError(`${channel.name}: ${this.waitingFor()} within ${seconds} s`)),
        timerMs(seconds),
      );
    const { signal } = options;
    if (!signal) return;
    this.signal = signal;
    this.abort = () => this.fail(new CancelledError(`${channel.name}: cancelled`));
    if (signal.aborted) queueMicrotask(this.abort);
    else signal.addEventListener('abort', this.abort, { once: true });
  }

  get ioid(): number {
    return this.ioidNow;
  }

  get type(): TypeDef | undefined {
    return this.dataType;
  }

  private waitingFor(): string {
    if (this.channel.state === 'searching')
      return this.server ? `${this.server} cannot be reached or refuses it` : 'no server has this channel';
    if (this.channel.state === 'connecting') return 'server found but not connected';
    if (this.ioidNow === 0) return 'not sent, because those before it are not answered';
    return `no reply${this.silence}`;
  }

  /** Why a server may not reply at all, for the error text: `(...)` with a blank in front. */
  protected get silence(): string {
    return '';
  }

  /** To be said before it begins. */
  keptBy(keeper: Keeper): void {
    this.keeper = keeper;
  }

  /**
   * Starts on the channel, now or when it is connected.
   * @param on an operation of this channel as it is connected now, whose INIT need not be sent again
   */
  begin(on?: Initialised): this {
    this.on = on;
    this.ioidNow = on?.ioid ?? newIoid();
    this.channel.add(this);
    return this;
  }

  onConnect(at: Attachment): void {
    this.at = at;
    this.dataType = this.on?.type;
    try {
      if (this.on) this.proceed(at);
      else this.init(at);
    } catch (error) {
      // The server knows nothing of it but an INIT that was answered.
      this.fail(asError(error), this.on !== undefined);
    }
  }

  /** Sends the first request. */
  protected abstract init(at: Attachment): void;
  /** Goes on behind INIT; only requests that a {@link Keeper} is given. */
  protected proceed(_at: Attachment): void {}
  protected abstract handle(reply: Reply): void;
  /** May the operation simply be started again on a new connection? */
  protected abstract get repeatable(): boolean;

  /** An error Status that is not the end of the operation, and goes to `handle` like a success. */
  protected tolerates(_reply: Reply): boolean {
    return false;
  }

  onDisconnect(why: string): void {
    if (this.done) return;
    this.at?.forget(false);
    this.at = null;
    this.channel.remove(this);
    if (this.repeatable) this.begin();
    else
      this.fail(
        new DisconnectedError(
          `${this.channel.name}: ${why} before the reply came; it is unknown whether the request was carried out`,
        ),
      );
  }

  onReply(_command: number, reply: Reply): void {
    if (this.done) return;
    if (reply.status.type > 1 && !this.tolerates(reply)) {
      const text = reply.status.message || this.hint || 'the server gave no reason';
      this.fail(new RemoteError(`${this.channel.name}: ${text}`), (reply.subcommand & 0x08) === 0);
      return;
    }
    try {
      this.handle(reply);
    } catch (error) {
      // What the user's value or function did wrong is the caller's error, not the connection's.
      this.fail(asError(error));
    }
  }

  onMonitor(): void {}

  onServerMessage(_severity: number, message: string): void {
    this.hint = message;
  }

  /**
   * Writes a request that may refer to receive memory. A reply says that it has left; a request that ends otherwise may
   * still lie in the socket, and its memory is left to the garbage collector.
   */
  protected lending(w: WireWriter, write: () => void): void {
    w.lent = this.lent;
    try {
      write();
    } finally {
      w.lent = null;
    }
  }

  /** The execution is on its way. */
  protected executing(): void {
    this.keeper?.sent(this as OneShot<unknown>);
  }

  protected succeed(result: T, tell = true): void {
    const { ioid, type, keeper } = this;
    const keeps = keeper?.keeps() ?? false;
    if (!this.end(tell && !keeps)) return;
    for (const block of this.lent.splice(0)) block.release();
    keeper?.answered(this as OneShot<unknown>, keeps ? { ioid, type } : undefined);
    this.settle.resolve(result);
  }

  fail(error: Error, tell = true): void {
    if (!this.end(tell)) return;
    this.keeper?.failed(this as OneShot<unknown>);
    this.settle.reject(error);
  }

  private end(tell: boolean): boolean {
    if (this.done) return false;
    this.done = true;
    clearTimeout(this.timer);
    if (this.abort) this.signal?.removeEventListener('abort', this.abort);
    this.at?.forget(tell);
    this.at = null;
    this.channel.remove(this);
    return true;
  }
}
