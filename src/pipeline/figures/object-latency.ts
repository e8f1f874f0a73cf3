/**
 * ObjectLatency: the age of objects, by their own time stamps, when they have been processed and when they have been
 * published. It means something only if the clock of whoever stamps the objects agrees with this computer's.
 *
 * One reading of the clock serves an object: it tells when processing ended, and what was published meanwhile. Only
 * what is published outside of `process` takes a reading of its own.
 */
import type { FieldNode, TypeDef, Value } from 'epics-pva-ts';
import { type LatencyCounts, LatencyHistogram } from './latency-histogram.ts';
import { WINDOW_SECONDS } from './rate-window.ts';
import { WallClock } from './wall-clock.ts';

/** The distributions of the last seconds. */
export interface ObjectLatencies {
  readonly processed: LatencyCounts;
  readonly published: LatencyCounts;
}

/** Stands for: this object has no time stamp. */
const NONE = Number.NaN;

export class ObjectLatency {
  private readonly clock = new WallClock();
  private readonly processed = new LatencyHistogram(WINDOW_SECONDS);
  private readonly published = new LatencyHistogram(WINDOW_SECONDS);
  private readonly input = new StampReader();
  private readonly output = new StampReader();
  /** The object being processed now, synchronously. */
  private current: Value | undefined;
  private currentStamp = NONE;
  /** Published while it is processed: how many, with which stamp. */
  private pending = 0;
  private pendingStamp = NONE;

  /** Objects like this one will come. */
  expect(object: Value): void {
    this.input.learn(object.type);
  }

  /** An object is about to be processed. Its time stamp in ms since 1970; NaN if it has none. */
  begin(object: Value): number {
    const stamp = this.input.read(object);
    this.current = object;
    this.currentStamp = stamp;
    return stamp;
  }

  /** `process` has returned. The time now, in ms since 1970. */
  end(): number {
    const now = this.clock.now();
    if (this.pending > 0) this.flush(now);
    this.current = undefined;
    return now;
  }

  /** The object was processed at `now`. */
  done(stamp: number, now: number): void {
    // Not so for NaN.
    if (stamp > 0) this.processed.add(now - stamp);
  }

  /** An object was published. */
  publishedObject(object: Value): void {
    const { current } = this;
    const stamp = object === current ? this.currentStamp : this.output.read(object);
    if (!(stamp > 0)) return;
    if (!current) {
      this.published.add(this.clock.now() - stamp);
      return;
    }
    if (this.pending > 0 && stamp !== this.pendingStamp) this.flush(this.clock.now());
    this.pendingStamp = stamp;
    this.pending++;
  }

  private flush(now: number): void {
    for (; this.pending > 0; this.pending--) this.published.add(now - this.pendingStamp);
  }

  /** A second has passed. */
  rotate(): void {
    this.clock.adjust();
    this.processed.rotate();
    this.published.rotate();
  }

  reset(): void {
    this.processed.reset();
    this.published.reset();
  }

  snapshot(): ObjectLatencies {
    return { processed: this.processed.snapshot(), published: this.published.snapshot() };
  }
}

/** Time stamps of objects that are mostly of the same type. */
class StampReader {
  private type: TypeDef | undefined;
  private seconds: FieldNode | undefined;
  private nanoseconds: FieldNode | undefined;

  /** In ms since 1970; NaN if there is none. */
  read(object: Value): number {
    if (object.type !== this.type) this.learn(object.type);
    const { seconds, nanoseconds } = this;
    if (!seconds || !nanoseconds) return NONE;
    const s = object.numberAt(seconds);
    // An empty time stamp is none.
    return s > 0 ? s * 1000 + object.numberAt(nanoseconds) / 1e6 : NONE;
  }

  learn(type: TypeDef): void {
    this.type = type;
    this.seconds = type.find('timeStamp.secondsPastEpoch');
    this.nanoseconds = type.find('timeStamp.nanoseconds');
  }
}
