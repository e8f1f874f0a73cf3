/**
 * Passes objects of any structure through and counts them, with the time of the last one: where to begin when the
 * stream is not one of images.
 *
 *   hpc-consumer --input-channel some:structure --oid-field objectId --output-channel 'consumer:*:output' \
 *     --processor-file examples/hpc-data-processor.ts --processor-class HpcDataProcessor
 */
import { type PvObject, UserDataProcessor } from 'epics-hpc';

export class HpcDataProcessor extends UserDataProcessor {
  private nProcessed = 0;
  private lastTime = 0;

  override process(object: PvObject): PvObject {
    this.nProcessed++;
    this.lastTime = Date.now() / 1000;
    this.updateOutputChannel(object);
    return object;
  }

  override resetStats(): void {
    this.nProcessed = 0;
    this.lastTime = 0;
  }

  override getStats(): Record<string, number> {
    return { nProcessed: this.nProcessed, lastTime: this.lastTime };
  }

  override getStatsPvaTypes(): Record<string, string> {
    return { nProcessed: 'uint', lastTime: 'double' };
  }
}
