/**
 * MovingAverageProcessor: publishes the mean of the last images, pixel by pixel, in the type of the input.
 *
 * Arguments (also by `configure`): `nImages`, from 1 on, default 10. Until so many have come, the mean is that of what
 * has. An image of another size or type begins anew. Figures: `nAveraged`, images in the mean now; `nRestarts`.
 *
 *   hpc-consumer -ic pvapy:image -oc 'consumer:*:output' -pc MovingAverageProcessor -pa '{"nImages": 20}'
 *
 * Rules of PvaPy's hpcAdImageMovingAverageProcessor.py; 64-bit integers are not averaged.
 */
import type { NTNDArray, NumericArray } from 'epics-pva-ts';
import type { ProcessorConfig } from '../src/processor/user-data-processor.ts';
import { numberArgument, objectOf } from './arguments.ts';
import { AdImageProcessor } from './image-processor.ts';

type Pixels = Exclude<NumericArray, BigInt64Array | BigUint64Array>;

/** A pixel so many times as large as the sum of the others leaves too few digits to them. */
const SWALLOWS = 1e6;

const rule = { default: 10, least: 1, whole: true } as const;

export class MovingAverageProcessor extends AdImageProcessor {
  /** Each worker would have the mean of the images that it happened to get. */
  static override readonly workers = false;

  private nImages: number;
  private readonly images: Pixels[] = [];
  /** Their dimensions and colour mode. */
  private shape = '';
  /** Of all images in the window; exact for integers up to 32 bits. */
  private sum = new Float64Array(0);
  private nRestarts = 0;

  constructor(config: ProcessorConfig) {
    super(config);
    this.nImages = numberArgument(config, 'nImages', rule);
  }

  override configure(args: unknown): void {
    this.nImages = numberArgument(objectOf(args), 'nImages', { ...rule, default: this.nImages });
    while (this.images.length > this.nImages) this.forgetOldest();
  }

  /** Compressed images leave as pixels. @throws Error for 64-bit integers, CodecError */
  override process(frame: NTNDArray): NTNDArray | Promise<NTNDArray> {
    if (frame.codec.name !== '') return frame.decompress().then((plain) => this.process(plain));
    const { pixels } = frame;
    if (pixels && pixels.length > 0) {
      if (pixels instanceof BigInt64Array || pixels instanceof BigUint64Array)
        throw new Error('MovingAverageProcessor does not average 64-bit integers');
      const shape = [...frame.dimensions.map(({ size }) => size), frame.colorMode].join();
      frame.pixels = this.average(pixels as Pixels, shape);
    }
    this.updateOutputChannel(frame);
    return frame;
  }

  private average(pixels: Pixels, shape: string): Pixels {
    const { images } = this;
    const [first] = images;
    const fits = shape === this.shape && first?.length === pixels.length;
    if (first && !(fits && first.constructor === pixels.constructor)) {
      this.nRestarts++;
      images.length = 0;
    }
    this.shape = shape;
    if (images.length === 0) this.sum = new Float64Array(pixels.length);
    images.push(pixels);
    for (let i = 0; i < pixels.length; i++) (this.sum[i] as number) += pixels[i] as number;
    if (images.length > this.nImages) this.forgetOldest();
    const mean = new (pixels.constructor as new (length: number) => Pixels)(pixels.length);
    for (let i = 0; i < mean.length; i++) mean[i] = (this.sum[i] as number) / images.length;
    return mean;
  }

  private forgetOldest(): void {
    const { images, sum } = this;
    const oldest = images.shift();
    if (!oldest) return;
    for (let i = 0; i < oldest.length; i++) {
      const gone = oldest[i] as number;
      const rest = (sum[i] as number) - gone;
      // What is not a number, infinite, or so large that it has swallowed others, cannot be taken away again.
      const isSpoilt = Number.isNaN(rest) || Math.abs(gone) > SWALLOWS * Math.abs(rest);
      sum[i] = isSpoilt ? images.reduce((n, image) => n + (image[i] as number), 0) : rest;
    }
  }

  override resetStats(): void {
    this.nRestarts = 0;
  }

  override getStats(): Record<string, number> {
    return { nAveraged: this.images.length, nRestarts: this.nRestarts };
  }

  override getStatsPvaTypes(): Record<string, string> {
    return { nAveraged: 'uint', nRestarts: 'uint' };
  }
}
