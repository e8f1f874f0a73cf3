/**
 * Cuts area detector images into tiles of `nx` x `ny` pixels, each published with the id of its image. It is the
 * ready-made SplitTilesProcessor, which in addition tells of every image. `tileIndexX` and `tileIndexY` say where a
 * tile belongs.
 *
 *   hpc-consumer --input-channel pvapy:image --output-channel 'split:*:output' --server-queue-size 100 \
 *     --processor-file examples/split-ad-image-processor.ts --processor-class SplitAdImageProcessor \
 *     --processor-args '{"nx": 1920, "ny": 1080}'
 */
import type { NTNDArray } from 'epics-hpc';
import { SplitTilesProcessor } from 'epics-hpc/processors';

export class SplitAdImageProcessor extends SplitTilesProcessor {
  override process(frame: NTNDArray): NTNDArray | undefined | Promise<NTNDArray> {
    const result = super.process(frame);
    this.logger.debug(`image ${frame.uniqueId} is cut`);
    return result;
  }
}
