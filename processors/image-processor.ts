/**
 * AdImageProcessor: passes area detector images through, and is what the ready-made processors of images derive from, as
 * those of PvaPy do (pvapy-behaviour.md 3.1).
 *
 * Unlike UserDataProcessor it can serve its input (`--input-mode pvas` or `rpc`): it says that images arrive there.
 *
 *   hpc-consumer -ic stage1:1:output -im pvas -oc 'stage2:*:output' -pc AdImageProcessor
 */
import { NTNDArray, type TypeDef } from 'epics-pva-ts';
import { type PvObject, UserDataProcessor } from '../src/processor/user-data-processor.ts';

export class AdImageProcessor extends UserDataProcessor {
  /** An NTNDArray without pixels; a derived class may name another type (PvaPy's getInputPvObjectType). */
  override getInputPvObjectType(): PvObject | TypeDef | null {
    return NTNDArray.create({ uniqueId: 0 });
  }
}
