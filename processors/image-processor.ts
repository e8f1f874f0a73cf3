/**
 * AdImageProcessor: passes area detector images through, by the name PvaPy gives the base of its image processors.
 *
 * Unlike UserDataProcessor it can serve its input (`--input-mode pvas` or `rpc`): it says that images arrive there.
 *
 *   hpc-consumer -ic stage1:1:output -im pvas -oc 'stage2:*:output' -pc AdImageProcessor
 */
import { NTNDArray } from 'epics-pva-ts';
import { UserDataProcessor } from '../src/processor/user-data-processor.ts';

export class AdImageProcessor extends UserDataProcessor {
  override getInputPvObjectType(): NTNDArray {
    return NTNDArray.create({ uniqueId: 0 });
  }
}
