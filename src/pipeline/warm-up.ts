/** The warm-up of a consumer: frames go through consumers of the same modes (warm-up.ts). */
import { createLogging } from '../log.ts';
import { type WarmUpOptions, warmUpAlong } from '../warm-up.ts';
import { type LaneOptions, openLane } from './warm-up-lane.ts';

export async function warmUp(options: Omit<LaneOptions, 'logger'> & WarmUpOptions): Promise<void> {
  const { inputMode, outputMode, receiverQueueSize } = options;
  const { logger } = createLogging({ name: 'warm-up', output: { write: () => {} } });
  await warmUpAlong((n) => openLane(n, { inputMode, outputMode, receiverQueueSize, logger }), options);
}
