/**
 * Runs the publishing path for a moment before the first frame is due, so that it is compiled by then.
 *
 * At 10,000 frames/s and more, code that the JavaScript engine still interprets is too slow by half: consumers whose
 * queues hold a few milliseconds would lose frames in the first third of a second and none afterwards. Small frames
 * go to a subscriber in this process, through a server of its own that only loopback reaches.
 */
import { Context, Server, SharedPV } from 'epics-pva-ts';
import { parseDataType } from './data-type.ts';
import { frameShape, parseColorMode } from './frame-source.ts';
import { GeneratedFrames } from './generated-frames.ts';
import { ImageRecord } from './image-record.ts';

const FRAMES = 6000;
/** Large enough to be sent by reference, as real frames are. */
const SIZE = 96;
const BURST = 16;
/** Connecting takes a few milliseconds; without a connection there is nothing to warm up. */
const CONNECT_MS = 1000;

/** Takes about 0.2 s; resolves early when `signal` aborts. Never fails: it is only a matter of speed. */
export async function warmUp(signal: AbortSignal): Promise<void> {
  const source = new GeneratedFrames({
    shape: frameShape(SIZE, SIZE, parseColorMode(0)),
    dataType: parseDataType('uint8'),
    nFrames: 1,
    cacheSize: 1,
  });
  const record = new ImageRecord(source);
  const frame = { data: source.frame(0), index: 0 };
  const pv = SharedPV.readonly(record.empty());
  const server = Server.isolated();
  let context: Context | undefined;
  try {
    await server.addPV('warm-up', pv).start();
    context = new Context(server.clientConfig());
    const connected = subscribe(context);
    if (!(await connected)) return;
    for (let i = 1; i <= FRAMES && !signal.aborted; i++) {
      pv.post(record.of(frame, i));
      if (i % BURST === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  } catch {
    // No port, no memory: the real server will say so.
  } finally {
    await Promise.all([context?.close(), server.close()]);
  }
}

/** Resolves to whether the first update came in time. */
function subscribe(context: Context): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), CONNECT_MS);
    context.monitor(
      'warm-up',
      { pvRequest: 'record[queueSize=100]field()' },
      {
        update: (value) => {
          clearTimeout(timer);
          resolve(true);
          value.release();
        },
      },
    );
  });
}
