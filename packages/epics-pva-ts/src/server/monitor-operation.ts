/**
 * A client's monitor on the server: queue, window, and the writing of updates.
 *
 * While the connection takes bytes an update is written as it is posted; the queue fills only when the network or
 * the client is slow. With `pipeline` the client's window limits it as well (pva-protocol.md 7.6).
 */
import { PvRequestError } from '../errors.ts';
import { Command } from '../frame/command.ts';
import { WIDE } from '../kept-kinds.ts';
import { MAX_QUEUE_BYTES } from '../limits.ts';
import { encodeMonitorResponse } from '../message/monitor.ts';
import { SUB } from '../message/operation.ts';
import { allInside } from '../value/marks.ts';
import type { TypeDef } from '../value/type-def.ts';
import type { BitSet } from '../wire/bit-set.ts';
import { errorStatus, OK, type Status } from '../wire/status.ts';
import { type OperationContext, ServerOperation } from './channel-operations.ts';
import type { Congestion, TurnTaker } from './congestion.ts';
import { DEFAULT_QUEUE_SIZE, MonitorQueue, type QueuedUpdate } from './monitor-queue.ts';
import { PostedUpdate } from './posted-update.ts';
import type { MonitorReport } from './report.ts';
import type { MonitorSink } from './source.ts';

export class MonitorOperation extends ServerOperation implements MonitorSink, TurnTaker {
  readonly command = Command.MONITOR;
  waits = false;
  private readonly congestion: Congestion;
  private readonly queue: MonitorQueue;
  private unsubscribe: (() => void) | null = null;
  /** Updates the client has still room for; unlimited without pipeline. */
  private window: number;
  private readonly pipeline: boolean;
  /** What is wrong with the queue size asked for. */
  private readonly problem: string | undefined;
  private queued = 0;
  private sent = 0;
  private bytes = WIDE;
  private finishing = false;

  constructor(context: OperationContext, congestion: Congestion, pipeline: boolean, nfree: number) {
    super(context);
    this.bytes = 0;
    this.congestion = congestion;
    const asked = context.request.option('queueSize');
    const size = asked === undefined ? DEFAULT_QUEUE_SIZE : Number(asked);
    const usable = Number.isInteger(size) && size > 0;
    this.queue = new MonitorQueue(usable ? size : DEFAULT_QUEUE_SIZE, MAX_QUEUE_BYTES, congestion.budget);
    this.pipeline = pipeline;
    this.window = pipeline ? nfree : Number.POSITIVE_INFINITY;
    this.problem = usable ? undefined : `queueSize=${asked} is not a positive integer`;
    if (this.problem && !pipeline) this.warn(`${this.problem}, ${DEFAULT_QUEUE_SIZE} is used`);
  }

  /** With flow control both sides must mean the same queue: a size that means nothing ends it (PVXS). */
  protected override choose(type: TypeDef): readonly string[] {
    if (this.pipeline && this.problem) throw new PvRequestError(this.problem);
    return super.choose(type);
  }

  /** Counters of this subscriber; `reset` begins to count anew. */
  report(reset: boolean): MonitorReport {
    const { queue, queued, sent, bytes } = this;
    const { squashed, dropped, length, maxLength, limit } = queue;
    const window = this.pipeline ? { window: this.window } : {};
    const running = this.unsubscribe !== null;
    if (reset) {
      queue.resetCounters();
      this.queued = length;
      this.sent = 0;
      this.bytes = 0;
    }
    return { queued, sent, bytes, squashed, dropped, length, maxLength, limit, ...window, running };
  }

  override init(): void {
    const refusal = this.context.pv.refused?.('read');
    if (refusal === undefined) {
      super.init();
      return;
    }
    this.replyInit(errorStatus(refusal), undefined);
    this.context.ended();
  }

  protected replyInit(status: Status, type: TypeDef | undefined): void {
    const { connection, ioid } = this.context;
    connection.send(Command.MONITOR, (w) =>
      encodeMonitorResponse(w, { ioid, subcommand: SUB.INIT, status, type }),
    );
  }

  start(): void {
    if (this.unsubscribe || this.destroyed || this.finishing || !this.type) return;
    this.filters?.begin();
    // The present value is queued during the call: nothing can be posted in between and be lost.
    this.unsubscribe = this.context.pv.subscribe(this, this.context.request);
    // A PV may have ended it meanwhile.
    if (this.destroyed || this.finishing) this.leave();
  }

  /** The client pauses. What is queued is dropped: the next start begins with the complete present value. */
  stop(): void {
    this.leave();
    this.queue.clear();
    this.endIfFinished();
  }

  private leave(): void {
    this.unsubscribe?.();
    this.unsubscribe = null;
  }

  /** The client has consumed `n` updates. */
  acknowledge(n: number): void {
    if (!this.pipeline) return;
    this.window = Math.min(this.window + n, 2 ** 31);
    this.congestion.wait(this);
  }

  push(update: PostedUpdate): void {
    const { selection, filters } = this;
    // An update without any of the fields asked for is none to this client (PVXS).
    if (
      selection &&
      !update.value.marks.intersects(selection) &&
      !update.value.markedFields().intersects(selection)
    )
      return;
    if (filters === null) {
      this.offer(update);
      return;
    }
    const value = filters.update(update.value, selection);
    if (!value) return;
    const own = new PostedUpdate(value, false);
    this.offer(own);
    own.release();
  }

  /** Writes the update if nothing is in its way, else queues it. */
  private offer(update: PostedUpdate): void {
    const { queue } = this;
    this.queued++;
    if (queue.length === 0 && this.window > 0 && this.congestion.isClear) {
      this.write(update, null);
      return;
    }
    queue.push(update);
    this.congestion.wait(this);
  }

  finish(): void {
    this.leave();
    this.finishing = true;
    this.endIfFinished();
  }

  fail(message: string): void {
    if (this.destroyed) return;
    this.leave();
    this.queue.clear();
    this.sendEnd(errorStatus(message));
  }

  /** The last message of this monitor: no more will come, in good order or not. */
  private sendEnd(status: Status): void {
    const { connection, ioid, ended } = this.context;
    connection.send(Command.MONITOR, (w) =>
      encodeMonitorResponse(w, { ioid, subcommand: SUB.DESTROY, status }),
    );
    ended();
  }

  turn(): boolean {
    const { queue } = this;
    if (queue.length > 0 && this.window > 0) {
      const { update, overrun } = queue.shift() as QueuedUpdate;
      this.write(update, overrun);
      update.release();
    }
    if (queue.length > 0) return this.window > 0;
    this.endIfFinished();
    return false;
  }

  private endIfFinished(): void {
    if (this.finishing && this.queue.length === 0 && !this.destroyed) this.sendEnd(OK);
  }

  private write(update: PostedUpdate, overrun: BitSet | null): void {
    const { connection, ioid } = this.context;
    this.window--;
    this.sent++;
    const { selection } = this;
    if (!selection && update.borrowsMemory) {
      update.retain();
      connection.whenSent(() => update.release());
    }
    const before = connection.bytesSent;
    connection.sendUpdate(Command.MONITOR, (w) => {
      w.u32(ioid);
      w.u8(SUB.EXEC);
      update.writeTo(w, selection);
      if (overrun) this.asked(overrun, update).encode(w);
      else w.u8(0);
    });
    this.bytes += connection.bytesSent - before;
  }

  /** What was overwritten of the fields asked for. */
  private asked(overrun: BitSet, { value }: PostedUpdate): BitSet {
    return this.selection ? allInside(overrun, value.type.nodes).and(this.selection) : overrun;
  }

  override destroy(): void {
    super.destroy();
    this.leave();
    this.queue.clear();
  }
}
