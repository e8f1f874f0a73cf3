/** Computes for `ms` milliseconds on each frame, and passes it on. */
import { type NTNDArray, UserMpDataProcessor } from 'epics-hpc';

export class BusyProcessor extends UserMpDataProcessor {
  private readonly ms: number;
  private sum = 0;

  constructor(config: { readonly ms: number }) {
    super(config);
    this.ms = config.ms;
  }

  override process(frame: NTNDArray): void {
    const end = performance.now() + this.ms;
    const pixels = frame.pixels as Uint8Array;
    for (let i = 0; performance.now() < end; i++) this.sum += pixels[i % pixels.length] ?? 0;
    this.updateOutputChannel(frame);
  }
}
