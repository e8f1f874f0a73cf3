/**
 * ImageStatisticsProcessor: counts dark and saturated pixels of every image and passes it on.
 *
 * Arguments (also by `configure`): `desatThreshold`, default 1: pixels up to it are dark; `satThreshold`, default 254:
 * pixels from it on are saturated. The figures of the last image, `imageId`, `minimum`, `maximum`, `mean`, `sum`,
 * `nDark`, `nSaturated`, are in the status channel; with an output channel they are also published, image by image, on a
 * channel of their own, `<output channel>:statistics`.
 *
 *   hpc-consumer -ic pvapy:image -oc 'consumer:*:output' -pc ImageStatisticsProcessor -pa '{"satThreshold": 4095}'
 *
 * After PvaPy's example pixelStatistics.py, which writes to Channel Access records instead.
 */
import { type NTNDArray, SharedPV, struct, Value } from 'epics-pva-ts';
import type { ProcessorConfig } from '../src/processor/user-data-processor.ts';
import { type Arguments, numberArgument, objectOf } from './arguments.ts';
import { AdImageProcessor } from './image-processor.ts';

const TYPE = struct('', {
  imageId: 'int',
  minimum: 'double',
  maximum: 'double',
  mean: 'double',
  sum: 'double',
  nDark: 'uint',
  nSaturated: 'uint',
});

const least = Number.NEGATIVE_INFINITY;

export class ImageStatisticsProcessor extends AdImageProcessor {
  private desatThreshold = 1;
  private satThreshold = 254;
  private readonly pv = SharedPV.readonly(Value.create(TYPE));
  private last: Record<string, number> = {};

  constructor(config: ProcessorConfig) {
    super(config);
    this.setThresholds(config);
  }

  override configure(args: unknown): void {
    this.setThresholds(objectOf(args));
  }

  private setThresholds(args: Arguments): void {
    const read = (name: 'desatThreshold' | 'satThreshold'): number =>
      numberArgument(args, name, { default: this[name], least });
    const [desatThreshold, satThreshold] = [read('desatThreshold'), read('satThreshold')];
    this.desatThreshold = desatThreshold;
    this.satThreshold = satThreshold;
  }

  override start(): void {
    if (this.outputChannel) this.pvaServer.addPV(`${this.outputChannel}:statistics`, this.pv);
  }

  /** Compressed images are measured as they were before, and passed on as they are. @throws CodecError */
  override process(frame: NTNDArray): NTNDArray | Promise<NTNDArray> {
    if (frame.codec.name === '') return this.pass(frame, frame.pixels);
    return frame.decompress().then(({ pixels }) => this.pass(frame, pixels));
  }

  private pass(frame: NTNDArray, pixels: NTNDArray['pixels']): NTNDArray {
    const { uniqueId } = frame;
    if (pixels && pixels.length > 0) {
      this.last = { imageId: uniqueId, ...this.measure(pixels as ArrayLike<number | bigint>) };
      this.pv.post(Value.create(TYPE, this.last));
    }
    this.updateOutputChannel(frame);
    return frame;
  }

  private measure(pixels: ArrayLike<number | bigint>): Record<string, number> {
    const { desatThreshold, satThreshold } = this;
    let minimum = Number.POSITIVE_INFINITY;
    let maximum = Number.NEGATIVE_INFINITY;
    let sum = 0;
    let nDark = 0;
    let nSaturated = 0;
    for (let i = 0; i < pixels.length; i++) {
      const pixel = Number(pixels[i]);
      sum += pixel;
      if (pixel < minimum) minimum = pixel;
      if (pixel > maximum) maximum = pixel;
      if (pixel <= desatThreshold) nDark++;
      if (pixel >= satThreshold) nSaturated++;
    }
    return { minimum, maximum, mean: sum / pixels.length, sum, nDark, nSaturated };
  }

  override resetStats(): void {
    this.last = {};
  }

  override getStats(): Record<string, number> {
    return this.last;
  }

  override getStatsPvaTypes(): Record<string, string> {
    return Object.fromEntries(TYPE.members.map(({ name, type }) => [name, type.displayId]));
  }
}
