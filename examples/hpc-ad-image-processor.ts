/**
 * Rotates area detector images: the axes of every image are swapped and the result is published.
 *
 *   hpc-consumer --input-channel pvapy:image --output-channel 'consumer:*:output' \
 *     --processor-file examples/hpc-ad-image-processor.ts --processor-class HpcAdImageProcessor
 */
import { type NTNDArray, UserDataProcessor } from 'epics-hpc';

export class HpcAdImageProcessor extends UserDataProcessor {
  private nProcessed = 0;
  private processingTime = 0;

  override configure(args: unknown): void {
    this.logger.debug(`configured with ${JSON.stringify(args)}`);
  }

  override process(frame: NTNDArray): NTNDArray {
    const begin = performance.now();
    const { pixels, width, height, dimensions } = frame;
    if (pixels && dimensions.length === 2) {
      const rotated = new (pixels.constructor as Uint8ArrayConstructor)(pixels.length);
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) rotated[x * height + y] = pixels[y * width + x] as number;
      frame.pixels = rotated;
      frame.dimensions = [...dimensions].reverse();
      this.updateOutputChannel(frame);
    }
    this.nProcessed++;
    this.processingTime += (performance.now() - begin) / 1000;
    this.logger.debug(`processed image ${frame.uniqueId}`);
    return frame;
  }

  override resetStats(): void {
    this.nProcessed = 0;
    this.processingTime = 0;
  }

  override getStats(): Record<string, number> {
    const { nProcessed, processingTime } = this;
    return {
      nProcessed,
      processingTime,
      processingRate: processingTime > 0 ? nProcessed / processingTime : 0,
    };
  }

  override getStatsPvaTypes(): Record<string, string> {
    return { nProcessed: 'uint', processingTime: 'double', processingRate: 'double' };
  }
}
