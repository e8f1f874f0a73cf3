/**
 * The frames between a source and the publisher: which frame comes next, what is held in memory, and when the stream
 * ends. No clock and no I/O of its own.
 */
import type { TypedArray } from './data-type.ts';
import { DEFAULT_MAX_BYTES, type FrameSource, frameBytes } from './frame-source.ts';
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
}

/**
 * PvaPy's frame cache (adSimServer.py): a source of no more frames than the cache size is prepared and recycled for
 * ever; a larger one passes once through a bounded queue. Unlike PvaPy no frame is ever dropped, and none is
 * published in place of another that is not ready: such a frame is produced on the spot, and counted.
 *
 * `next()` is for the publisher's loop; call `fill()` while there is time, before the first frame and between frames.
 */
export class FrameCache {
  readonly kind: CacheKind;
  readonly cacheSize: number;
  /** Frames held at most: the smallest of the cache size, the source's frames and what fits into `maxBytes`. */
  readonly capacity: number;
  private readonly source: FrameSource;
  private readonly total: number;
  /** recycled: frame i at i. once: a ring of `capacity`. */
  private readonly held: (CachedFrame | undefined)[] = [];
  /** recycled: number of the next frame. once: place of the next frame in the ring. */
  private cursor = 0;
  private ready = 0;
  private produced = 0;
  private taken = 0;
  private onDemand = 0;

  /** @throws SimError BAD_OPTION if the cache size is no whole number. */
  constructor(options: FrameCacheOptions) {
    const { source, cacheSize = 1000, maxBytes = DEFAULT_MAX_BYTES } = options;
    if (!Number.isSafeInteger(cacheSize)) {
      throw new SimError('BAD_OPTION', `cache size ${cacheSize}: use a whole number of frames`);
    }
    this.source = source;
    this.total = source.nFrames;
    this.cacheSize = Math.max(1, cacheSize);
    this.kind = this.total > this.cacheSize ? 'once' : 'recycled';
    const fitting = Math.max(1, Math.floor(maxBytes / frameBytes(source)));
    this.capacity = Math.min(this.cacheSize, this.total, fitting);
  }

  /**
   * Produces frames ahead, up to `maxFrames` of them (default: until the cache is full).
   *
   * @returns the number of frames produced; 0 if the cache is full or the source exhausted
   * @throws SimError BAD_INPUT if the source cannot read a frame
   */
  fill(maxFrames = Infinity): number {
    let n = 0;
    while (n < maxFrames && this.ready < this.capacity && this.produced < this.total) {
      const place = this.kind === 'recycled' ? this.ready : (this.cursor + this.ready) % this.capacity;
      this.held[place] = this.produce(this.kind === 'recycled' ? this.ready : this.produced);
      this.ready += 1;
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
    return this.kind === 'recycled' ? this.nextRecycled() : this.nextOnce();
  }

  /** Frames that `next()` has given out. */
  get nTaken(): number {
    return this.taken;
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
      if (index < this.capacity) {
        this.held[index] = frame;
        this.ready += 1;
      }
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
      this.cursor = this.cursor + 1 === this.capacity ? 0 : this.cursor + 1;
      this.ready -= 1;
    }
    this.taken += 1;
    return frame;
  }

  private produce(index: number): CachedFrame {
    const data = this.source.frame(index);
    this.produced += 1;
    return { data, index };
  }
}
