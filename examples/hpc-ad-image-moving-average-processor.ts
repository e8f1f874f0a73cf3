/**
 * Publishes the mean of the last `nImages` area detector images. It is the ready-made MovingAverageProcessor, which in
 * addition measures the time it takes.
 *
 *   hpc-consumer --input-channel pvapy:image --output-channel 'consumer:*:output' --server-queue-size 100 \
 *     --processor-file examples/hpc-ad-image-moving-average-processor.ts \
 *     --processor-class HpcAdImageMovingAverageProcessor --processor-args '{"nImages": 20}'
 */
import type { NTNDArray } from 'epics-hpc';
import { MovingAverageProcessor } from 'epics-hpc/processors';

export class HpcAdImageMovingAverageProcessor extends MovingAverageProcessor {
  private nProcessed = 0;
  private processingTime = 0;

  override process(frame: NTNDArray): ReturnType<MovingAverageProcessor['process']> {
    const begin = performance.now();
    const result = super.process(frame);
    this.nProcessed++;
    this.processingTime += (performance.now() - begin) / 1000;
    return result;
  }

  override resetStats(): void {
    super.resetStats();
    this.nProcessed = 0;
    this.processingTime = 0;
  }

  override getStats(): Record<string, number> {
    const { nProcessed, processingTime } = this;
    const processingRate = processingTime > 0 ? nProcessed / processingTime : 0;
    return { ...super.getStats(), nProcessed, processingTime, processingRate };
  }

  override getStatsPvaTypes(): Record<string, string> {
    return {
      ...super.getStatsPvaTypes(),
      nProcessed: 'uint',
      processingTime: 'double',
      processingRate: 'double',
    };
  }
}
