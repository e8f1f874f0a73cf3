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
import { type ProcessorConfig, UserDataProcessor } from '../src/processor/user-data-processor.ts';
import { numberArgument, objectOf } from './arguments.ts';

type Pixels = Exclude<NumericArray, BigInt64Array | BigUint64Array>;

const rule = { default: 10, least: 1, whole: true } as const;

export class MovingAverageProcessor extends UserDataProcessor {
  private nImages: number;
  private readonly images: Pixels[] = [];
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
      frame.pixels = this.average(pixels as Pixels);
    }
    this.updateOutputChannel(frame);
    return frame;
  }

  private average(pixels: Pixels): Pixels {
    const { images } = this;
    const [first] = images;
    if (first && (first.length !== pixels.length || first.constructor !== pixels.constructor)) {
      this.nRestarts++;
      images.length = 0;
    }
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
      const rest = (sum[i] as number) - (oldest[i] as number);
      // What is not a number, or infinite, cannot be taken away again.
      sum[i] = Number.isNaN(rest) ? images.reduce((n, image) => n + (image[i] as number), 0) : rest;
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
