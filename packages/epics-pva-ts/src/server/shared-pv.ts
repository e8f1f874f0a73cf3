/**
 * SharedPV: one value shared by all clients of a name, as in PVXS.
 *
 * It exists before it has a type: clients may connect at once and their operations wait for `open()`. `post()`
 * sends the marked fields to every subscriber; a large array posted must not be changed afterwards, it is sent from
 * where it is. What a client may put is decided by `onPut`; without it the PV is read-only.
 */
import type { Credentials } from '../connection/server-connection.ts';
import { callUser } from '../connection/surface.ts';
import { LocalProtocolError, NoConvertError, RemoteError } from '../errors.ts';
import { nowTimeStamp, writeTimeStamp } from '../nt/time-stamp.ts';
import type { PvRequest } from '../value/pv-request.ts';
import type { TypeDef } from '../value/type-def.ts';
import { Value } from '../value/value.ts';
import { Distributor, parseDistributorRequest } from './distributor.ts';
import { PostedUpdate } from './posted-update.ts';
import type { RequestInfo } from './request-info.ts';
import type { SharedPVHandlers, SharedPVOptions } from './shared-pv-options.ts';
import type { MonitorSink, ServedPV } from './source.ts';

/**
 * One value shared by all clients of a name. It exists before it has a type: clients may connect at once, and their
 * operations wait for `open`.
 */
export class SharedPV implements ServedPV {
  readonly asg: string | undefined;
  readonly asl: 0 | 1 | undefined;
  private handlers: SharedPVHandlers;
  private typeNow: TypeDef | undefined;
  /** Types that were compared with it and found equal. */
  private sameTypes = new WeakSet<TypeDef>();
  /** Everything before `latest`; a post that covers `latest` costs no merge. */
  private base: Value | null = null;
  private latest: PostedUpdate | null = null;
  /** Monitors that get every update ... */
  private readonly sinks = new Set<MonitorSink>();
  /** ... and those that share them. */
  private readonly sharing = new Set<MonitorSink>();
  private readonly distributor = new Distributor<MonitorSink>();
  private readonly waiting = new Set<(type: TypeDef) => void>();
  private readonly channels = new Set<() => void>();
  private posted = 0;
  /** There only with `onProcess`: what a PV cannot do is refused at once. */
  process?: (client: Credentials, info: RequestInfo) => void | Promise<void>;

  constructor(options: SharedPVOptions = {}) {
    const { asg, asl, ...handlers } = options;
    this.asg = asg;
    this.asl = asl;
    this.handlers = {};
    this.setHandlers(handlers);
  }

  /** A PV that takes what clients put, and stamps it with the time if the client did not. */
  static mailbox(initial?: Value, options: Omit<SharedPVOptions, 'onPut'> = {}): SharedPV {
    const pv = new SharedPV({
      ...options,
      onPut: (self, value) => {
        stamp(value);
        self.post(value);
      },
    });
    if (initial) pv.open(initial);
    return pv;
  }

  /** A PV that refuses puts. */
  static readonly(initial?: Value, options: Omit<SharedPVOptions, 'onPut'> = {}): SharedPV {
    const pv = new SharedPV({ ...options, onPut: undefined } as SharedPVOptions);
    if (initial) pv.open(initial);
    return pv;
  }

  /** Replaces the handlers that are given, the others stay. For the requests that begin from now on. */
  setHandlers(handlers: SharedPVHandlers): this {
    this.handlers = { ...this.handlers, ...handlers };
    const { onProcess } = handlers;
    if (onProcess) this.process = (client, info) => onProcess(this, client, info);
    return this;
  }

  /** Has it a type and a value? */
  get isOpen(): boolean {
    return this.typeNow !== undefined;
  }

  /** The type it serves; undefined while it is not open. */
  get type(): TypeDef | undefined {
    return this.typeNow;
  }

  /** Is the PV open with this type, or one that is the same in all its parts? */
  serves(type: TypeDef): boolean {
    if (type === this.typeNow || this.sameTypes.has(type)) return true;
    if (!this.typeNow?.equals(type)) return false;
    this.sameTypes.add(type);
    return true;
  }

  /** Monitors running now. */
  get subscriberCount(): number {
    return this.sinks.size + this.sharing.size;
  }

  /** Channels connected now. */
  get clientCount(): number {
    return this.channels.size;
  }

  /** Calls of `post` since the PV was made. */
  get postCount(): number {
    return this.posted;
  }

  /** Gives the PV its type and first value. @throws LocalProtocolError if it is open already */
  open(initial: Value | TypeDef): void {
    if (this.typeNow) throw new LocalProtocolError('this PV is already open');
    const value = initial instanceof Value ? initial : Value.create(initial);
    this.typeNow = value.type;
    this.base = value.clone().mark();
    const waiting = [...this.waiting];
    this.waiting.clear();
    for (const ready of waiting) ready(value.type);
  }

  /**
   * Sends the marked fields of `update` to all subscribers and keeps them; a plain object has the changed fields by
   * path, `{ value: 5, 'alarm.severity': 1 }`.
   * @throws LocalProtocolError if the PV is not open; NoConvertError for a structure of another type or a field's
   * value that does not fit; NoFieldError
   */
  post(update: Value | Readonly<Record<string, unknown>>): void {
    const type = this.typeNow;
    if (!type) throw new LocalProtocolError('post() before open()');
    this.send(update instanceof Value ? update : Value.create(type, update), type);
  }

  private send(value: Value, type: TypeDef): void {
    if (!this.serves(value.type))
      throw new NoConvertError(
        `this PV serves ${type.displayId} with other fields than the posted ${value.id}; open it with the new type`,
      );
    this.posted++;
    const update = new PostedUpdate(value.snapshot(), this.sinks.size > 1);
    // Held until all have it, so that it is encoded once for them all.
    update.retain();
    try {
      for (const sink of this.sinks) sink.push(update);
      this.keep(update);
      if (this.sharing.size > 0) this.share(update);
    } finally {
      update.release();
    }
  }

  /** Who shares updates misses those in between, so each gets the complete structure. */
  private share(update: PostedUpdate): void {
    const isComplete = update.value.marks.get(0);
    const complete = isComplete ? update : new PostedUpdate(this.fetch());
    this.distributor.route(complete.value, (sink) => sink.push(complete));
    if (!isComplete) complete.release();
  }

  private keep(update: PostedUpdate): void {
    const last = this.latest;
    if (last && !covers(update.value, last.value)) {
      this.base = (this.base as Value).clone().merge(last.value);
    }
    last?.release();
    this.latest = update;
  }

  /** The complete present value, a copy. @throws LocalProtocolError if the PV is not open */
  fetch(): Value {
    if (!this.base) throw new LocalProtocolError('fetch() before open()');
    const value = this.base.clone();
    if (this.latest) value.merge(this.latest.value);
    return value.mark();
  }

  /** Disconnects all clients; the PV may be opened again, with another type. */
  close(): void {
    for (const close of [...this.channels]) close();
    this.latest?.release();
    this.latest = null;
    this.base = null;
    this.typeNow = undefined;
    this.sameTypes = new WeakSet();
  }

  /** Ends all monitors in good order: clients are told that no more will come. */
  finish(): void {
    for (const sink of [...this.sinks, ...this.sharing]) sink.finish();
  }

  // What follows is the server's side (ServedPV).

  whenOpen(ready: (type: TypeDef) => void): () => void {
    if (this.typeNow) {
      ready(this.typeNow);
      return () => {};
    }
    this.waiting.add(ready);
    return () => this.waiting.delete(ready);
  }

  /** The complete present value, as a client gets it. */
  get(): Value {
    return this.fetch();
  }

  put(value: Value, client: Credentials, info: RequestInfo): void | Promise<void> {
    if (!this.handlers.onPut) throw new RemoteError('put not permitted: this PV is read-only');
    return this.handlers.onPut(this, value, client, info);
  }

  /** What a client's call gets. */
  rpc(argument: Value | null, client: Credentials, info: RequestInfo): Value | null | Promise<Value | null> {
    if (!this.handlers.onRpc) throw new RemoteError('RPC not implemented by this PV');
    return this.handlers.onRpc(this, argument, client, info);
  }

  subscribe(sink: MonitorSink, request: PvRequest): () => void {
    const options = request.fieldOptions('_');
    const text = options.get('distributor') ?? options.get('pydistributor');
    const shared = text === undefined ? undefined : parseDistributorRequest(text);
    if (this.base) {
      const first = new PostedUpdate(this.fetch(), false);
      sink.push(first);
      first.release();
    }
    if (!shared) {
      this.sinks.add(sink);
      return () => this.sinks.delete(sink);
    }
    this.sharing.add(sink);
    this.distributor.join(sink, shared);
    return () => {
      if (this.sharing.delete(sink)) this.distributor.leave(sink, shared);
    };
  }

  attach(close: () => void): () => void {
    this.channels.add(close);
    if (this.channels.size === 1) callUser(() => this.handlers.onFirstConnect?.(this));
    return () => {
      if (this.channels.delete(close) && this.channels.size === 0)
        callUser(() => this.handlers.onLastDisconnect?.(this));
    };
  }
}

/** Does `newer` bring every field that `older` brought? */
function covers(newer: Value, older: Value): boolean {
  if (newer.marks.equals(older.marks)) return true;
  const before = older.markedFields();
  return before.clone().and(newer.markedFields()).equals(before);
}

/** Gives a value the present time unless its sender did. */
function stamp(value: Value): void {
  if (value.has('timeStamp.secondsPastEpoch') && !value.isMarked('timeStamp'))
    writeTimeStamp(value, 'timeStamp', nowTimeStamp());
}
