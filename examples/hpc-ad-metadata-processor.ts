/**
 * Adds to area detector images the values their metadata channels had when they were taken. It is the ready-made
 * MetadataProcessor, which in addition marks the images that lack a value, so that the next stage need not look.
 *
 *   hpc-consumer --input-channel pvapy:image --output-channel 'consumer:*:output' \
 *     --metadata-channels pva://x,pva://y,pva://z --accumulate-objects 10 --receiver-queue-size 0 \
 *     --processor-file examples/hpc-ad-metadata-processor.ts --processor-class HpcAdMetadataProcessor
 */
import { NTNDArray, type PvObject } from 'epics-hpc';
import { MetadataProcessor } from 'epics-hpc/processors';

export class HpcAdMetadataProcessor extends MetadataProcessor {
  /** Everything that is published comes by here, with the attributes it was given. */
  override updateOutputChannel(image: PvObject): void {
    if (image instanceof NTNDArray) {
      const { attributes } = image;
      const complete = [...this.metadataQueueMap.keys()].every((name) => attributes.has(name));
      if (!complete) image.setAttribute('metadataComplete', 0);
    }
    super.updateOutputChannel(image);
  }
}
