/**
 * MetadataSource: the values of one metadata channel, and which of them belongs to a time. No images and no clock here;
 * times are in ns.
 *
 * Updates wait in the channel's queue, which is bounded. Of those taken from it no more are kept than one that is newer
 * than every image so far and, where values may be used more than once, the last 16 before it; and up to 1000 behind that
 * one, which are looked at early: a channel's time that goes back (its clock was wrong, and set right) would otherwise not
 * be noticed until images reach it.
 */
import type { PvData } from 'epics-pva-ts';

/** How the value for an image is found; `none` is PvaPy's way: each value is for one image. */
export const INTERPOLATIONS = ['none', 'nearest', 'previous', 'linear'] as const;
export type Interpolation = (typeof INTERPOLATIONS)[number];

/** A value and the time at which it was taken. */
export interface Sample {
  /** Since 1970. */
  readonly time: bigint;
  readonly value: PvData;
}

/** What belongs to a time. */
export interface AssociationRule {
  readonly interpolation: Interpolation;
  /** Largest distance between a value and an image, to each side. */
  readonly tolerance: number;
  /** Added to the time of every value. */
  readonly offset: number;
}

/** Values older than the newest image that are kept, for images that come late. */
const KEPT = 16;
/** Updates looked at behind the one that is newer than the image; as many as a metadata queue has by default. */
const AHEAD = 1000;

interface Held extends Sample {
  used: boolean;
}

export class MetadataSource {
  readonly name: string;
  private readonly take: () => Sample | undefined;
  private readonly onSetBack: ((count: number) => void) | undefined;
  /** In order of time. */
  private readonly held: Held[] = [];
  /** Looked at early; what is held comes before. In order of time. */
  private readonly ahead: Held[] = [];
  private nDiscarded = 0;

  /**
   * `take` gives the oldest update of the channel's queue; `onSetBack` is told how many updates were dropped because one
   * that came later has an earlier time.
   */
  constructor(name: string, take: () => Sample | undefined, onSetBack?: (count: number) => void) {
    this.name = name;
    this.take = take;
    this.onSetBack = onSetBack;
  }

  /** Updates that were taken from the queue and used for no image, and are gone. */
  get discarded(): number {
    return this.nDiscarded;
  }

  resetStats(): void {
    this.nDiscarded = 0;
  }

  /** The value at this time; undefined when there is none. */
  at(time: bigint, rule: AssociationRule): PvData | undefined {
    if (rule.interpolation === 'none') return this.once(time, rule);
    this.advance(time, rule);
    switch (rule.interpolation) {
      case 'nearest':
        return this.nearest(time, rule);
      case 'previous':
        return this.within(this.held[this.lastUntil(time, rule)], time, rule);
      case 'linear':
        return this.linear(time, rule);
    }
  }

  /** Could a value for this time still come: has nothing newer come? */
  mayCome(time: bigint, rule: AssociationRule): boolean {
    const last = this.held.at(-1);
    return !last || distance(last, time, rule) >= 0;
  }

  /** What there is instead of a value, in words. */
  explain(time: bigint, rule: AssociationRule): string {
    const distances = this.held.map((sample) => distance(sample, time, rule));
    const [least] = distances.sort((a, b) => Math.abs(a) - Math.abs(b));
    if (least === undefined) return 'none has come';
    return `the nearest is ${Math.abs(least) / 1e9} s ${least < 0 ? 'newer' : 'older'}`;
  }

  /** PvaPy's way (pvapy-behaviour.md 7.5): what is too old goes, what is newer waits, what is used is used up. */
  private once(time: bigint, rule: AssociationRule): PvData | undefined {
    const { held } = this;
    for (;;) {
      const first = held[0] ?? this.next();
      if (!first) return undefined;
      if (held.length === 0) held.push(first);
      const age = distance(first, time, rule);
      if (age < -rule.tolerance) {
        if (this.lookAhead()) continue;
        return undefined;
      }
      held.shift();
      if (age <= rule.tolerance) return first.value;
      if (!first.used) this.nDiscarded++;
    }
  }

  private next(): Held | undefined {
    return this.ahead.shift() ?? this.fromQueue();
  }

  private fromQueue(): Held | undefined {
    const sample = this.take();
    return sample && { ...sample, used: false };
  }

  /** Looks at what has come behind what is held. True when something held was dropped by it. */
  private lookAhead(): boolean {
    const { held, ahead } = this;
    while (ahead.length < AHEAD) {
      const sample = this.fromQueue();
      if (!sample) return false;
      const { length } = held;
      const last = ahead.at(-1) ?? held.at(-1);
      if (last && sample.time < last.time) this.dropNewer(sample.time);
      ahead.push(sample);
      if (held.length < length) return true;
    }
    return false;
  }

  /** What came before, but says that it is newer: the channel's clock was set back, or is wrong no longer. */
  private dropNewer(time: bigint): void {
    let count = 0;
    for (const list of [this.ahead, this.held])
      for (let last = list.at(-1); last && last.time > time; last = list.at(-1)) {
        list.pop();
        count++;
        if (!last.used) this.nDiscarded++;
      }
    this.onSetBack?.(count);
  }

  /** Takes what has come up to the first value that is newer than the image, and lets go of what is too old. */
  private advance(time: bigint, rule: AssociationRule): void {
    const { held } = this;
    for (;;) {
      const last = held.at(-1);
      if (last && distance(last, time, rule) < 0) {
        if (this.lookAhead()) continue;
        break;
      }
      const sample = this.next();
      if (!sample) break;
      if (last && sample.time < last.time) this.dropNewer(sample.time);
      // What has the time of the one before is told twice.
      if (sample.time === held.at(-1)?.time) this.nDiscarded++;
      else held.push(sample);
      if (held.length > KEPT + 1) this.forgetOldest();
    }
  }

  private forgetOldest(): void {
    if (this.held.shift()?.used === false) this.nDiscarded++;
  }

  /** Index of the last value that is not newer; -1 when there is none. */
  private lastUntil(time: bigint, rule: AssociationRule): number {
    return this.held.findLastIndex((sample) => distance(sample, time, rule) >= 0);
  }

  private within(sample: Held | undefined, time: bigint, rule: AssociationRule): PvData | undefined {
    if (!sample || Math.abs(distance(sample, time, rule)) > rule.tolerance) return undefined;
    sample.used = true;
    return sample.value;
  }

  /** Of two that are as near, the older one. */
  private nearest(time: bigint, rule: AssociationRule): PvData | undefined {
    const before = this.lastUntil(time, rule);
    const [older, newer] = [this.held[before], this.held[before + 1]];
    if (!older || !newer) return this.within(older ?? newer, time, rule);
    const isOlder = distance(older, time, rule) <= -distance(newer, time, rule);
    return this.within(isOlder ? older : newer, time, rule);
  }

  /** On the line between the two values around the image; both are numbers, and near enough. */
  private linear(time: bigint, rule: AssociationRule): PvData | undefined {
    const before = this.lastUntil(time, rule);
    const [older, newer] = [this.held[before], this.held[before + 1]];
    if (!older) return undefined;
    const age = distance(older, time, rule);
    if (age === 0) return this.within(older, time, rule);
    if (!newer) return undefined;
    const ahead = -distance(newer, time, rule);
    if (age > rule.tolerance || ahead > rule.tolerance) return undefined;
    if (!isNumber(older.value) || !isNumber(newer.value)) return undefined;
    older.used = true;
    newer.used = true;
    const share = age / (age + ahead);
    return Number(older.value) * (1 - share) + Number(newer.value) * share;
  }
}

/** How much older the value is than the image. */
function distance(sample: Sample, time: bigint, { offset }: AssociationRule): number {
  return Number(time - sample.time) - offset;
}

function isNumber(value: PvData): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}
