/** For consumers that serve their input: says that it takes images, and passes them on. */
import { NTNDArray, type PvObject, UserDataProcessor } from 'epics-hpc';

export class ServedProcessor extends UserDataProcessor {
  override getInputPvObjectType(): PvObject {
    return NTNDArray.create({ uniqueId: 0 });
  }
}
