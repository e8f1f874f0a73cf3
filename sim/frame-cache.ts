/**
 * The frames between a source and the publisher: which frame comes next, what is held in memory, and when the stream
 * ends. No clock and no I/O of its own.
 */
import type { TypedArray } from './data-type.ts';
import { DEFAULT_MAX_BYTES, type FrameSource, frameBytes, MAX_HELD_FRAMES } from './frame-source.ts';
import { SimError } from './sim-error.ts';

/** A frame that was taken out; neither the object nor the pixels change afterwards. */
export interface CachedFrame {
  readonly data: TypedArray;
  /** Number of the frame in its source, from 0. */
  readonly index: number;
}

/**
 * `recycled`: all frames of the source are published over and over; `once`: each frame is published once, then the
 * stream ends.
 */
export type CacheKind = 'recycled' | 'once';

export interface FrameCacheOptions {
  source: FrameSource;
  /** Frames to cache, at least 1 (smaller numbers count as 1, as in PvaPy). Default 1000. */
  cacheSize?: number;
  /** Bytes of frames to hold; beyond them frames are taken from the source again. Default 512 MiB. */
  maxBytes?: number;
  /** Default by PvaPy's rule: `recycled` if the source has no more frames than the cache size, `once` otherwise. */
  kind?: CacheKind | undefined;
}

/**
 * PvaPy's frame cache (adSimServer.py): a source of no more frames than the cache size is prepared and recycled for
 * ever; a larger one passes once through a bounded queue. Unlike PvaPy no frame is ever dropped, and none is
 * published in place of another that is not ready: such a frame is produced on the spot, and counted. Either kind can be
 * asked for: a larger source that is recycled keeps its first frames, and the others are produced again every time.
 *
 * `next()` is for the publisher's loop; call `fill()` while there is time, before the first frame and between frames.
 */
export class FrameCache {
  readonly kind: CacheKind;
  readonly cacheSize: number;
  /**
   * Frames held at most: the smallest of the cache size, the source's frames, MAX_HELD_FRAMES and what fits into
   * `maxBytes`. Compressed frames are counted by their own bytes, as they come.
   */
  readonly capacity: number;
  private readonly source: FrameSource;
  private readonly total: number;
  private readonly maxBytes: number;
  /** recycled: frame i at i. once: a ring of `capacity`. */
  private readonly held: (CachedFrame | undefined)[] = [];
  /** recycled: number of the next frame. once: place of the next frame in the ring. */
  private cursor = 0;
  private ready = 0;
  private produced = 0;
  private taken = 0;
  private onDemand = 0;
  /** Kept as a double from the start (epics-pva-ts, kept-kinds.ts). */
  private takenBytes = Number.NaN;
  private heldBytes = 0;
  /** Bytes of the largest frame so far. */
  private largest = 0;

  /** @throws SimError BAD_OPTION if the cache size is no whole number. */
  constructor(options: FrameCacheOptions) {
    this.takenBytes = 0;
    const { source, cacheSize = 1000, maxBytes = DEFAULT_MAX_BYTES } = options;
    if (!Number.isSafeInteger(cacheSize)) {
      throw new SimError('BAD_OPTION', `cache size ${cacheSize}: use a whole number of frames`);
    }
    this.source = source;
    this.total = source.nFrames;
    this.cacheSize = Math.max(1, cacheSize);
    this.kind = options.kind ?? (this.total > this.cacheSize ? 'once' : 'recycled');
    this.maxBytes = maxBytes;
    const fitting = source.codec === undefined ? Math.floor(maxBytes / frameBytes(source)) : Infinity;
    this.capacity = Math.min(this.cacheSize, this.total, MAX_HELD_FRAMES, Math.max(1, fitting));
  }

  /**
   * Produces frames ahead, up to `maxFrames` of them (default: until the cache is full).
   *
   * @returns the number of frames produced; 0 if the cache is full or the source exhausted
   * @throws SimError BAD_INPUT if the source cannot read a frame
   */
  fill(maxFrames = Infinity): number {
    let n = 0;
    while (n < maxFrames && this.hasRoom() && (this.kind === 'recycled' || this.produced < this.total)) {
      const place = this.kind === 'recycled' ? this.ready : (this.cursor + this.ready) % this.capacity;
      this.hold(place, this.produce(this.kind === 'recycled' ? this.ready : this.produced));
      n += 1;
    }
    return n;
  }

  /**
   * The next frame, or undefined at the end of a stream that is played once.
   *
   * @throws SimError BAD_INPUT if the source cannot read a frame
   */
  next(): CachedFrame | undefined {
    const frame = this.kind === 'recycled' ? this.nextRecycled() : this.nextOnce();
    if (frame !== undefined) this.takenBytes += frame.data.byteLength;
    return frame;
  }

  /** Frames that `next()` has given out. */
  get nTaken(): number {
    return this.taken;
  }

  /** Bytes of these frames, compressed if they are. */
  get nBytesTaken(): number {
    return this.takenBytes;
  }

  /** Frames made or read by the source, ahead or on the spot. */
  get nProduced(): number {
    return this.produced;
  }

  /** Of these, the frames that were not ready when they were asked for. */
  get nOnDemand(): number {
    return this.onDemand;
  }

  /** Frames ready in memory now. */
  get nReady(): number {
    return this.ready;
  }

  private nextRecycled(): CachedFrame {
    const index = this.cursor;
    let frame = this.held[index];
    if (frame === undefined) {
      frame = this.produce(index);
      this.onDemand += 1;
      if (this.hasRoom()) this.hold(index, frame);
    }
    this.cursor = index + 1 === this.total ? 0 : index + 1;
    this.taken += 1;
    return frame;
  }

  private nextOnce(): CachedFrame | undefined {
    if (this.taken === this.total) return undefined;
    let frame = this.held[this.cursor];
    if (frame === undefined) {
      frame = this.produce(this.produced);
      this.onDemand += 1;
    } else {
      this.held[this.cursor] = undefined;
      this.heldBytes -= frame.data.byteLength;
      this.cursor = this.cursor + 1 === this.capacity ? 0 : this.cursor + 1;
      this.ready -= 1;
    }
    this.taken += 1;
    return frame;
  }

  /** Recycled: once there is none, there never is again, so that the frames held are the first ones. */
  private hasRoom(): boolean {
    if (this.ready >= this.capacity) return false;
    return this.heldBytes === 0 || this.heldBytes + this.largest <= this.maxBytes;
  }

  private hold(place: number, frame: CachedFrame): void {
    this.held[place] = frame;
    this.heldBytes += frame.data.byteLength;
    this.ready += 1;
  }

  private produce(index: number): CachedFrame {
    const data = this.source.frame(index);
    this.produced += 1;
    if (data.byteLength > this.largest) this.largest = data.byteLength;
    return { data, index };
  }
}
