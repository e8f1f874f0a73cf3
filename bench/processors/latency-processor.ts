/**
 * Measures the time from a frame's time stamp to the processor, and passes the frame on. Prints a line with the first
 * frame, and one at stop. The image that a channel holds before the first frame, with id 0, is not measured.
 */
import { type NTNDArray, UserDataProcessor } from 'epics-hpc';

export class LatencyProcessor extends UserDataProcessor {
  private readonly latencies: number[] = [];

  override process(frame: NTNDArray): NTNDArray {
    if (frame.uniqueId === 0) return frame;
    const now = performance.timeOrigin + performance.now();
    if (this.latencies.length === 0) process.stdout.write(`FIRST ${now.toFixed(0)}\n`);
    const { secondsPastEpoch, nanoseconds } = frame.timeStamp;
    this.latencies.push(now - (Number(secondsPastEpoch) * 1000 + nanoseconds / 1e6));
    this.updateOutputChannel(frame);
    return frame;
  }

  override stop(): void {
    const ordered = Float64Array.from(this.latencies).sort();
    if (ordered.length === 0) return;
    const at = (share: number): number =>
      1000 * (ordered[Math.floor(share * (ordered.length - 1))] as number);
    process.stdout.write(
      `LATENCY ${JSON.stringify({ frames: ordered.length, p50: at(0.5), p99: at(0.99) })}\n`,
    );
  }
}
