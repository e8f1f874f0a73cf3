/**
 * Makes images of `nx` x `ny` pixels of the tiles that SplitAdImageProcessor cuts. It is the ready-made
 * StitchTilesProcessor, which in addition tells of every image that is whole again.
 *
 *   hpc-collector --producer-id-list 1,2,3,4 --input-channel 'process:*:output' --output-channel collector:1:output \
 *     --processor-file examples/stitch-ad-image-processor.ts --processor-class StitchAdImageProcessor \
 *     --processor-args '{"nx": 3840, "ny": 2160}' --objects-per-id 4 --server-queue-size 100
 */
import type { PvObject } from 'epics-hpc';
import { StitchTilesProcessor } from 'epics-hpc/processors';

export class StitchAdImageProcessor extends StitchTilesProcessor {
  private nImages = 0;

  /** Everything that is published comes by here. */
  override updateOutputChannel(image: PvObject): void {
    super.updateOutputChannel(image);
    this.logger.debug(`${++this.nImages} image(s) are whole again`);
  }
}
