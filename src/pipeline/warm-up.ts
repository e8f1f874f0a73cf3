/**
 * Runs the way of a frame for a moment while the consumer waits for its first one, so that it is compiled by then.
 *
 * Measured: in the first third of a second the JavaScript engine's compiler takes as much of the processor as the
 * frames do, and at 10,000 frames/s queues overflow then and never again. Small frames go from a server that only
 * this process knows through receiver, pass-through processor and publisher.
 */
import { Context, NTNDArray, Server, SharedPV, type Value } from 'epics-pva-ts';
import { MonitorReceiver } from '../input/monitor-receiver.ts';
import type { Logger } from '../log.ts';
import { ServerPublisher } from '../output/server-publisher.ts';
import { ProcessorRunner } from '../processor/processor-runner.ts';
import { type PvObject, UserDataProcessor } from '../processor/user-data-processor.ts';

const FRAMES = 6000;
const BURST = 16;
/** Large enough to be received lazily and forwarded as bytes, as real frames are. */
const PIXELS = 9216;
/** All in all: on a machine that is too busy it would not help. */
const MAX_MS = 300;

/**
 * Takes about 0.3 s, in slices of less than a millisecond between which the consumer connects. Never fails: it is only
 * a matter of speed.
 *
 * @param idle asked between the slices: once frames come, they are what the path is compiled with
 */
export async function warmUp(logger: Logger, receiverQueueSize: number, idle: () => boolean): Promise<void> {
  const silent = { ...logger, info: () => {}, warning: () => {}, error: () => {}, debug: () => {} } as Logger;
  const frame = NTNDArray.create({ pixels: new Uint8Array(PIXELS), dimensions: [96, 96], uniqueId: 0 });
  const input = SharedPV.readonly(frame.value.clone());
  const output = SharedPV.readonly();
  const server = Server.isolated();
  let context: Context | undefined;
  let receiver: MonitorReceiver | undefined;
  try {
    await server.addPV('input', input).addPV('output', output).start();
    context = new Context(server.clientConfig());
    const publisher = new ServerPublisher(output, silent);
    const processor = new UserDataProcessor();
    processor.dataPublisher = { publish: (object) => publisher.publish((object as NTNDArray).value) };
    const runner = new ProcessorRunner({
      processor,
      objectIdField: 'uniqueId',
      skipInitialUpdates: 0,
      objectIdOffset: 1,
      nSequentialUpdates: 1,
      firstObject: (object: PvObject) => publisher.open((object as NTNDArray).value),
      logger: silent,
    });
    const handle = (value: Value): void | Promise<void> => runner.handle(value);
    const pvRequest = 'record[queueSize=100]field()';
    receiver = new MonitorReceiver({
      context,
      channel: 'input',
      pvRequest,
      receiverQueueSize,
      handle,
      logger: silent,
    });
    receiver.start();
    await publish(input, frame, () => runner.stats.nProcessed > 0, idle);
  } catch {
    // No port, no memory: the real consumer will say so.
  } finally {
    await receiver?.stop(0);
    await Promise.all([context?.close(), server.close()]);
  }
}

/** Posts frames once the subscription is there. */
async function publish(
  pv: SharedPV,
  frame: NTNDArray,
  connected: () => boolean,
  idle: () => boolean,
): Promise<void> {
  const end = performance.now() + MAX_MS;
  for (let i = 1; i <= FRAMES && performance.now() < end && idle(); ) {
    if (connected())
      for (const last = i + BURST; i < last; i++) pv.post(frame.set('uniqueId', i).value.mark());
    await new Promise((resolve) => setImmediate(resolve));
  }
}
