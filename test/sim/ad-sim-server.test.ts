/** The end of a simulator's runtime: what was due is sent, whoever kept it waiting, but not for ever. */
import { Server } from 'epics-pva-ts';
import { expect, it } from 'vitest';
import { AdSimServer } from '../../sim/ad-sim-server.ts';
import { parseDataType } from '../../sim/data-type.ts';
import { FrameCache } from '../../sim/frame-cache.ts';
import { frameShape, parseColorMode } from '../../sim/frame-source.ts';
import { GeneratedFrames } from '../../sim/generated-frames.ts';

/** Frames that a simulator publishes. @param meanwhile called when it has begun */
async function published(fps: number, runtime: number, meanwhile = () => {}): Promise<number> {
  const shape = frameShape(4, 4, parseColorMode(0));
  const source = new GeneratedFrames({ shape, dataType: parseDataType('uint8'), nFrames: 2, cacheSize: 2 });
  const cache = new FrameCache({ source, cacheSize: 2 });
  const server = Server.isolated();
  const sim = new AdSimServer({ channelName: 'image', source, cache, fps, runtime, startDelay: 0, server });
  const publishing = sim.publish(new AbortController().signal);
  meanwhile();
  expect(await publishing).toBe('runtime');
  await sim.close();
  return sim.progress.nPublished;
}

it('every frame due is sent, however long the process was kept waiting as the runtime ended', async () => {
  const never = new Int32Array(new SharedArrayBuffer(4));
  expect(await published(100, 0.3, () => void Atomics.wait(never, 0, 0, 2000))).toBe(30);
});

it('a rate that is out of reach does not go on for ever', async () => {
  expect(await published(10_000_000, 0.5)).toBeLessThan(5_000_000);
});
