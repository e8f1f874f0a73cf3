/**
 * Rotates area detector images: the axes of every image are swapped and the result is published, colours as RGB1.
 *
 *   hpc-consumer --input-channel pvapy:image --output-channel 'consumer:*:output' \
 *     --processor-file examples/hpc-ad-image-processor.ts --processor-class HpcAdImageProcessor
 */
import { imageOf, type NTNDArray } from 'epics-hpc';
import { AdImageProcessor } from 'epics-hpc/processors';

/** Red, green and blue of a pixel side by side, by areaDetector's number. */
const RGB1 = 2;

export class HpcAdImageProcessor extends AdImageProcessor {
  private nProcessed = 0;
  private processingTime = 0;

  override configure(args: unknown): void {
    this.logger.debug(`configured with ${JSON.stringify(args)}`);
  }

  override process(received: NTNDArray): NTNDArray {
    const begin = performance.now();
    const frame = received.decompressSync();
    const image = imageOf(frame);
    // Before a detector has taken its first image it shows one without pixels.
    if (image) {
      const { pixels, width, height, channels } = image;
      // Of the image's own type; which one does not matter to the loop.
      const rotated = pixels.slice() as Uint8Array;
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++)
          for (let color = 0; color < channels; color++)
            rotated[(x * height + y) * channels + color] = pixels[
              (y * width + x) * channels + color
            ] as number;
      frame.pixels = rotated;
      if (channels === 1) frame.dimensions = [...frame.dimensions].reverse();
      else {
        frame.dimensions = [3, height, width];
        frame.colorMode = RGB1;
      }
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
