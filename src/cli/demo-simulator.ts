/** The simulator process of `npm start`: publishes once its consumers are there, serves until told to stop. */
import { AdSimServer } from '../../sim/ad-sim-server.ts';
import { parseDataType } from '../../sim/data-type.ts';
import { FrameCache } from '../../sim/frame-cache.ts';
import { frameShape, parseColorMode } from '../../sim/frame-source.ts';
import { GeneratedFrames } from '../../sim/generated-frames.ts';
import { endWithParent } from '../pipeline/orphan-guard.ts';
import { delay } from './delay.ts';
import type { DemoSimulatorOptions, FromSimulator, ToSimulator } from './demo-messages.ts';

const abort = new AbortController();
const PROGRESS_MS = 200;
/** Consumers that are not there by then are not waited for. */
const SUBSCRIBE_SECONDS = 10;

function tell(message: FromSimulator): void {
  if (process.connected) process.send?.(message);
}

async function run(o: DemoSimulatorOptions): Promise<void> {
  const source = new GeneratedFrames({
    shape: frameShape(o.nx, o.ny, parseColorMode(0)),
    dataType: parseDataType('uint8'),
    nFrames: 100,
    cacheSize: 100,
  });
  const cache = new FrameCache({ source, cacheSize: 100 });
  cache.fill();
  const { channelName, fps, runtime } = o;
  const server = new AdSimServer({ channelName, source, cache, fps, runtime, startDelay: 0 });
  await server.start();
  for (
    let t = 0;
    t < SUBSCRIBE_SECONDS && server.subscriberCount < o.subscribers && !abort.signal.aborted;
    t += 0.05
  )
    await delay(0.05, abort.signal);
  const timer = setInterval(
    () => tell({ type: 'progress', published: server.progress.nPublished }),
    PROGRESS_MS,
  );
  await server.publish(abort.signal);
  clearInterval(timer);
  tell({ type: 'done', published: server.progress.nPublished });
}

let asked = false;
process.on('message', (m) => {
  const message = m as ToSimulator;
  if (message.type === 'start')
    void run(message.options).catch((error: Error) => tell({ type: 'failed', line: error.message }));
  // The first stop ends publishing, the second the process: what was published is still being read in between.
  else if (asked) process.exit(0);
  else {
    asked = true;
    abort.abort();
  }
});
// They reach the whole group, by a terminal or a supervisor: the parent decides.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
endWithParent(() => process.exit(1));
