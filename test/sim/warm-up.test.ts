/** The warm-up of the simulator: real simulators publish to real subscribers, and it stands back when it is told to. */
import { describe, expect, it } from 'vitest';
import { AdSimServer, type AdSimServerOptions } from '../../sim/ad-sim-server.ts';
import { parseDataType } from '../../sim/data-type.ts';
import { warmUp } from '../../sim/warm-up.ts';

/** Frames that each simulator has published, in the order in which they were made. */
async function published(signal: AbortSignal): Promise<number[]> {
  const made: AdSimServer[] = [];
  const simulator = (options: AdSimServerOptions): AdSimServer => {
    const sim = new AdSimServer(options);
    made.push(sim);
    return sim;
  };
  await warmUp({ dataType: parseDataType('uint16'), simulator, signal, connectMs: 20_000 });
  return made.map(({ progress }) => progress.nPublished);
}

describe('the warm-up', () => {
  it('publishes two streams twice: for a moment, and for longer', async () => {
    const [small, large, smallAgain, largeAgain, ...others] = await published(new AbortController().signal);
    expect(others).toEqual([]);
    expect(small).toBeGreaterThan(0);
    expect(large).toBeGreaterThan(0);
    expect(smallAgain).toBeGreaterThan(small as number);
    expect(largeAgain).toBeGreaterThan(large as number);
  });

  it('publishes nothing when the simulator is to end', async () => {
    expect(await published(AbortSignal.abort())).toEqual([0, 0, 0, 0]);
  });
});
