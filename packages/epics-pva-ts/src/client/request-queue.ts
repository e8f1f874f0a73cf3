/**
 * RequestQueue: requests of one kind to one channel, one after the other, on operations that stay initialised.
 *
 * The protocol lets an operation be executed as often as its client likes, one execution at a time (pvAccess
 * specification "Channel operations"). So INIT, and the type that answers it, are sent once for each operation and not
 * once for each request. Requests are sent in the order they were made.
 */
import { DisconnectedError, LocalProtocolError } from '../errors.ts';
import { Command } from '../frame/command.ts';
import { MAX_WAITING_REQUESTS } from '../limits.ts';
import { encodeRequestControl } from '../message/request-control.ts';
import { TransientSet } from '../transient.ts';
import type { Channel } from './channel.ts';
import {
  type Attachment,
  type Initialised,
  type Keeper,
  newIoid,
  type OneShot,
  type Operation,
} from './operation.ts';

export class RequestQueue implements Operation, Keeper {
  /** It stands in the channel as an operation of its own, which is how it hears that the others are gone. */
  ioid: number = newIoid();
  readonly type = undefined;
  private readonly channel: Channel;
  private readonly limit: number;
  private readonly ended: () => void;
  private at: Attachment | null = null;
  /** Operations that wait for a request. */
  private idle: Initialised[] = [];
  private readonly waiting: OneShot<unknown>[] = [];
  private readonly running = new TransientSet<OneShot<unknown>>();
  /** A request that is not sent yet, but is to be before those behind it: it initialises its operation, or reads first. */
  private opening: OneShot<unknown> | undefined;
  private pumping = false;
  private closed = false;

  /**
   * @param limit operations, hence requests on their way, at once
   * @param ended it was closed, and nothing is on its way any more
   */
  constructor(channel: Channel, limit: number, ended: () => void) {
    this.channel = channel;
    this.limit = limit;
    this.ended = ended;
    channel.add(this);
  }

  /** Requests without an answer. */
  get pending(): number {
    return this.waiting.length + this.running.size;
  }

  run<T>(request: OneShot<T>): Promise<T> {
    const one = request as OneShot<unknown>;
    if (this.closed) one.fail(new LocalProtocolError(`${this.channel.name}: closed`));
    else if (this.waiting.length >= MAX_WAITING_REQUESTS)
      one.fail(
        new LocalProtocolError(`${this.channel.name}: ${MAX_WAITING_REQUESTS} requests are waiting already`),
      );
    else {
      this.waiting.push(one);
      one.keptBy(this);
      this.pump();
    }
    return request.promise;
  }

  private pump(): void {
    if (this.pumping) return;
    this.pumping = true;
    while (!this.opening && (this.idle.length > 0 || this.running.size < this.limit)) {
      const request = this.waiting.shift();
      if (!request) break;
      this.begin(request);
    }
    this.pumping = false;
  }

  private begin(request: OneShot<unknown>): void {
    this.running.add(request);
    this.opening = request;
    request.begin(this.idle.pop());
  }

  keeps(): boolean {
    return !this.closed;
  }

  sent(request: OneShot<unknown>): void {
    if (this.opening === request) this.opening = undefined;
    this.pump();
  }

  answered(request: OneShot<unknown>, operation: Initialised | undefined): void {
    if (operation) this.idle.push(operation);
    this.forget(request);
  }

  failed(request: OneShot<unknown>): void {
    const at = this.waiting.indexOf(request);
    if (at >= 0) this.waiting.splice(at, 1);
    this.forget(request);
  }

  /** A request has ended: the next one may begin. */
  private forget(request: OneShot<unknown>): void {
    this.running.delete(request);
    if (this.opening === request) this.opening = undefined;
    this.pump();
    if (this.closed && this.pending === 0) this.ended();
  }

  /** No more requests; those on their way are answered, those that wait, for others or a connection, fail. */
  close(): void {
    const why = `${this.channel.name}: closed before it was sent`;
    const { at } = this;
    this.end(why);
    // What is begun without a connection would be sent when there is one.
    if (!at) this.failAll(this.running, why);
  }

  /** Ends everything with this error. */
  fail(error: Error): void {
    this.end(error.message);
    this.failAll(this.running, error.message);
  }

  private end(why: string): void {
    if (this.closed) return;
    this.closed = true;
    this.failAll(this.waiting, why);
    const { at } = this;
    for (const { ioid } of this.idle.splice(0))
      at?.connection.send(Command.DESTROY_REQUEST, (w) => encodeRequestControl(w, { sid: at.sid, ioid }));
    at?.forget(false);
    this.channel.remove(this);
    if (this.pending === 0) this.ended();
  }

  private failAll(requests: Iterable<OneShot<unknown>>, why: string): void {
    for (const request of [...requests]) request.fail(new DisconnectedError(why));
  }

  onConnect(at: Attachment): void {
    this.at = at;
  }

  onDisconnect(): void {
    this.at?.forget(false);
    this.at = null;
    this.idle = [];
    this.ioid = newIoid();
  }

  onReply(): void {}
  onMonitor(): void {}
  onServerMessage(): void {}
}
