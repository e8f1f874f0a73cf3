/**
 * PeerWatch: how long a peer has said nothing, and taken nothing of what it is owed (pva-protocol.md 6.1). No clock: times
 * are milliseconds of any monotonic clock.
 *
 * Only time in which this side has listened counts. When this process was blocked, what came meanwhile is read only
 * after the next tick: then the time since the last one says nothing about the peer, and hardly counts.
 */
import { WIDE } from '../kept-kinds.ts';
import { MAX_TICK_MS } from '../limits.ts';

export class PeerWatch {
  private readonly timeoutMs: number;
  private lastTick = WIDE;
  private listenedMs = WIDE;
  private lastHeard = WIDE;
  private heardSinceTick = false;
  private lastTaken = WIDE;
  private takenSinceTick = false;

  constructor(timeoutMs: number, now: number) {
    this.timeoutMs = timeoutMs;
    this.lastTick = now;
    this.listenedMs = 0;
    this.lastHeard = 0;
    this.lastTaken = 0;
  }

  /** Milliseconds this side has listened. */
  get listened(): number {
    return this.listenedMs;
  }

  /** The peer has said something. */
  heard(): void {
    this.heardSinceTick = true;
  }

  /** The peer has taken something of what it is owed. */
  took(): void {
    this.takenSinceTick = true;
  }

  /**
   * To be called about once a second; says what has lasted too long.
   * @param deaf we do not read from the peer: it is not silent then
   * @param owing the peer is owed much: it has to take some of it
   */
  tick(now: number, deaf: boolean, owing: boolean): 'silent' | 'takes nothing' | undefined {
    this.listenedMs += Math.min(MAX_TICK_MS, Math.max(0, now - this.lastTick));
    this.lastTick = now;
    const { listenedMs } = this;
    if (this.heardSinceTick || deaf) this.lastHeard = listenedMs;
    if (this.takenSinceTick || !owing) this.lastTaken = listenedMs;
    this.heardSinceTick = false;
    this.takenSinceTick = false;
    if (listenedMs - this.lastHeard >= this.timeoutMs) return 'silent';
    if (listenedMs - this.lastTaken >= this.timeoutMs) return 'takes nothing';
    return undefined;
  }
}
