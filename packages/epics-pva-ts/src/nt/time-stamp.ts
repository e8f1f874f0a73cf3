/**
 * time_t and JavaScript time. `nowTimeStamp()` is used once per frame: microseconds, monotonic, and never more than
 * a millisecond from the wall clock, whatever NTP or an operator does to it.
 */
import type { Value } from '../value/value.ts';

/** A time_t: POSIX seconds (UTC) and nanoseconds. */
export interface TimeStamp {
  /** Seconds since 1970-01-01 UTC. */
  readonly secondsPastEpoch: bigint;
  /** Nanoseconds in the second, 0 to 999,999,999. */
  readonly nanoseconds: number;
  /** A number of the user's; 0 if it is left out. */
  readonly userTag?: number;
}

/** As late in a millisecond as a time may be: a double tells it from the next one, and it is in its last microsecond. */
const LAST_OF_MILLISECOND = 0.9995;

/**
 * A clock with the resolution of `monotonic` that follows `wall`. All in milliseconds, `wall` in whole ones.
 *
 * The monotonic clock runs at its own rate and does not see the wall clock being set. Each reading must lie within
 * the millisecond the wall clock shows; where it does not, the offset between the two is corrected by the excess.
 *
 * Every reading does the same: V8 throws away what it has compiled when code is run that never ran before, and a branch
 * that is taken once a second was taken just when the frames of a stream came.
 *
 * @param origin wall clock time at which `monotonic` was 0, as well as it is known
 */
export function wallClock(
  wall: () => number,
  monotonic: () => number,
  origin: number = wall() - monotonic(),
): () => TimeStamp {
  let offset = origin;
  let last = Number.NEGATIVE_INFINITY;
  return () => {
    const elapsed = monotonic();
    const millisecond = wall();
    const guess = elapsed + offset;
    let t = Math.min(Math.max(guess, millisecond), millisecond + LAST_OF_MILLISECOND);
    offset += t - guess;
    // Never backwards, unless the wall clock was set back.
    t = last < millisecond + 1 ? Math.max(t, last) : t;
    last = t;
    const whole = Math.floor(t / 1000);
    return {
      secondsPastEpoch: BigInt(whole),
      nanoseconds: Math.floor((t - whole * 1000) * 1000) * 1000,
    };
  };
}

/** In ns: a clock that is behind by more was set back; less is one that stands still while others are counted. */
const SET_BACK = 1_000_000;

/**
 * Readings of `clock`, each later than the one before, by a nanosecond while the clock stands still, unless it was set
 * back. Two updates with the same time stamp are one to a distributor whose trigger it is, so a frame posted in the same
 * microsecond would be lost.
 */
export function distinct(clock: () => TimeStamp): () => TimeStamp {
  let last: TimeStamp = { secondsPastEpoch: -1n, nanoseconds: 0 };
  return () => {
    const now = clock();
    const seconds = Number(last.secondsPastEpoch) - Number(now.secondsPastEpoch);
    const behind = seconds * 1e9 + last.nanoseconds - now.nanoseconds;
    const next = nextNanosecond(last);
    last = behind < 0 || behind >= SET_BACK ? now : next;
    return last;
  };
}

function nextNanosecond({ secondsPastEpoch, nanoseconds }: TimeStamp): TimeStamp {
  return nanoseconds < 999_999_999
    ? { secondsPastEpoch, nanoseconds: nanoseconds + 1 }
    : { secondsPastEpoch: secondsPastEpoch + 1n, nanoseconds: 0 };
}

/** The time now, in steps of a microsecond; never the same twice. */
export const nowTimeStamp: () => TimeStamp = distinct(
  wallClock(Date.now, () => performance.now(), performance.timeOrigin),
);

/** A JavaScript Date (milliseconds). */
export function toDate(t: TimeStamp): Date {
  return new Date(Number(t.secondsPastEpoch) * 1000 + t.nanoseconds / 1e6);
}

/** A time_t from a JavaScript Date (milliseconds). */
export function fromDate(date: Date): TimeStamp {
  return fromMilliseconds(date.getTime());
}

/** Seconds since 1970 as a double: exact to about a quarter of a microsecond. */
export function toSeconds(t: TimeStamp): number {
  return Number(t.secondsPastEpoch) + t.nanoseconds / 1e9;
}

/** From seconds since 1970, rounded to a microsecond, which is all a double can hold today. */
export function fromSeconds(seconds: number): TimeStamp {
  const whole = Math.floor(seconds);
  const micros = Math.round((seconds - whole) * 1e6);
  return micros === 1_000_000
    ? { secondsPastEpoch: BigInt(whole + 1), nanoseconds: 0 }
    : { secondsPastEpoch: BigInt(whole), nanoseconds: micros * 1000 };
}

function fromMilliseconds(ms: number): TimeStamp {
  const whole = Math.floor(ms / 1000);
  return { secondsPastEpoch: BigInt(whole), nanoseconds: (ms - whole * 1000) * 1_000_000 };
}

/** Nanoseconds from `earlier` to `later`, exactly. */
export function nanosecondsBetween(earlier: TimeStamp, later: TimeStamp): bigint {
  const seconds = later.secondsPastEpoch - earlier.secondsPastEpoch;
  return seconds * 1_000_000_000n + BigInt(later.nanoseconds - earlier.nanoseconds);
}

/** The time_t at `path`; undefined if there is no such structure. Members that are missing read as 0. */
export function readTimeStamp(value: Value, path = 'timeStamp'): TimeStamp | undefined {
  if (!value.type.find(path)?.isStruct) return undefined;
  const seconds = value.tryGet(`${path}.secondsPastEpoch`);
  const nanoseconds = value.tryGet(`${path}.nanoseconds`);
  const userTag = value.tryGet(`${path}.userTag`);
  return {
    // Some writers send ulong, uint or int; what is no number at all is as good as missing.
    secondsPastEpoch: typeof seconds === 'bigint' ? seconds : BigInt(Math.trunc(finite(seconds))),
    nanoseconds: finite(nanoseconds),
    userTag: finite(userTag),
  };
}

function finite(v: unknown): number {
  const n = typeof v === 'number' || typeof v === 'bigint' ? Number(v) : 0;
  return Number.isFinite(n) ? n : 0;
}

/** Sets the time_t at `path`; userTag only if `t` has one. @throws NoFieldError, NoConvertError */
export function writeTimeStamp(value: Value, path: string, t: TimeStamp | Date): void {
  const { secondsPastEpoch, nanoseconds, userTag } = t instanceof Date ? fromDate(t) : t;
  value.set(`${path}.secondsPastEpoch`, secondsPastEpoch);
  value.set(`${path}.nanoseconds`, nanoseconds);
  if (userTag !== undefined) value.set(`${path}.userTag`, userTag);
}
