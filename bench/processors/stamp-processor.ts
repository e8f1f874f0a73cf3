/** Gives every frame the present time as its time stamp and passes it on: the next stage knows when this one published. */
import { type NTNDArray, UserDataProcessor } from 'epics-hpc';

export class StampProcessor extends UserDataProcessor {
  override process(frame: NTNDArray): NTNDArray {
    const now = performance.timeOrigin + performance.now();
    const secondsPastEpoch = Math.floor(now / 1000);
    frame.structure.set('timeStamp.secondsPastEpoch', BigInt(secondsPastEpoch));
    frame.structure.set('timeStamp.nanoseconds', Math.floor((now - 1000 * secondsPastEpoch) * 1e6));
    this.updateOutputChannel(frame);
    return frame;
  }
}
