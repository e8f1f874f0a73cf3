/**
 * Runs the way of a frame for a moment while the consumer waits for its first one, so that it is compiled by then.
 *
 * Measured: in the first third of a second the JavaScript engine's compiler takes as much of the processor as the
 * frames do, and at 10,000 frames/s queues overflow then and never again. Small frames go from a server that only
 * this process knows through receiver, pass-through processor and publisher, in the consumer's own modes.
 */
import { Context, NTNDArray, Server, SharedPV, struct, Value } from 'epics-pva-ts';
import type { DataReceiver, ObjectHandler } from '../input/data-receiver.ts';
import { MonitorReceiver } from '../input/monitor-receiver.ts';
import { ServedReceiver } from '../input/served-receiver.ts';
import type { Logger } from '../log.ts';
import { ClientPublisher } from '../output/client-publisher.ts';
import { ProcessorRunner } from '../processor/processor-runner.ts';
import { type PvObject, UserDataProcessor } from '../processor/user-data-processor.ts';
import { StageOutput } from './stage-output.ts';
import type { InputMode, OutputMode } from './user-code.ts';

const INPUT = 'input';
const OUTPUT = 'output';
const FRAMES = 6000;
const BURST = 16;
/** Large enough to be received lazily and forwarded as bytes, as real frames are. */
const PIXELS = 9216;
/** All in all: on a machine that is too busy it would not help. */
const MAX_MS = 300;

export interface WarmUpOptions {
  readonly inputMode: InputMode;
  readonly outputMode: OutputMode;
  readonly receiverQueueSize: number;
  readonly logger: Logger;
  /** Asked between the slices: once frames come, they are what the path is compiled with. */
  readonly idle: () => boolean;
}

/** What the frames run through. */
interface Path {
  readonly server: Server;
  readonly context: Context;
  readonly logger: Logger;
}

/**
 * Takes about 0.3 s, in slices of less than a millisecond between which the consumer connects. Never fails: it is only
 * a matter of speed.
 */
export async function warmUp(options: WarmUpOptions): Promise<void> {
  const nothing = (): void => {};
  const silent = { info: nothing, warning: nothing, error: nothing, debug: nothing };
  const logger = { ...options.logger, ...silent } as Logger;
  const server = Server.isolated();
  let context: Context | undefined;
  let receiver: DataReceiver | undefined;
  try {
    await server.start();
    context = new Context(server.clientConfig());
    const path = { server, context, logger };
    const runner = passThrough(path, options);
    const feed = feedOf(path, options, (value, outcome) => runner.handle(value, outcome));
    receiver = feed.receiver;
    receiver.start();
    await run(feed, () => runner.stats.nProcessed > 0, options.idle);
  } catch {
    // No port, no memory: the real consumer will say so.
  } finally {
    await receiver?.stop(0);
    await Promise.all([context?.close(), server.close()]);
  }
}

/** A processor that publishes what it is given, to a channel of its own or to one that somebody serves. */
function passThrough({ server, context, logger }: Path, { outputMode }: WarmUpOptions): ProcessorRunner {
  const processor = new UserDataProcessor();
  if (outputMode !== 'pvas') server.addPV(OUTPUT, sink());
  const onPublished = (): void => {};
  const mode = outputMode;
  const output = new StageOutput({ channel: OUTPUT, mode, processor, server, context, onPublished, logger });
  output.start();
  return new ProcessorRunner({
    processor,
    objectIdField: 'uniqueId',
    skipInitialUpdates: 0,
    objectIdOffset: 1,
    nSequentialUpdates: 1,
    firstObject: (object: PvObject) => output.open(object),
    logger,
  });
}

/** Takes what is put into it or what it is called with. */
function sink(): SharedPV {
  const done = Value.create(struct('', { status: 'int' }));
  const pv = new SharedPV({
    onPut: (_pv, value) => value.release(),
    onRpc: (_pv, argument) => {
      argument?.release();
      return done;
    },
  });
  pv.open(frameOf(0));
  return pv;
}

const frameOf = (uniqueId: number): Value =>
  NTNDArray.create({ pixels: new Uint8Array(PIXELS), dimensions: [96, 96], uniqueId }).value.mark();

/** How the frames come in. */
interface Feed {
  readonly receiver: DataReceiver;
  send(frame: Value): void;
  /** Resolves when more can be sent; undefined: now. */
  readonly saturated: Promise<void> | undefined;
}

function feedOf(path: Path, { inputMode, receiverQueueSize }: WarmUpOptions, handle: ObjectHandler): Feed {
  const { server, context, logger } = path;
  const common = { receiverQueueSize, handle, logger };
  if (inputMode === 'pva') {
    const input = SharedPV.readonly(frameOf(0));
    server.addPV(INPUT, input);
    const pvRequest = 'record[queueSize=100]field()';
    const receiver = new MonitorReceiver({ context, channel: INPUT, pvRequest, ...common });
    return { receiver, send: (frame) => void input.post(frame), saturated: undefined };
  }
  const receiver = new ServedReceiver({ mode: inputMode, initial: frameOf(0), ...common });
  server.addPV(INPUT, receiver.pv);
  const mode = inputMode === 'pvas' ? 'pva' : 'rpc';
  const publisher = new ClientPublisher({ mode, context, channel: INPUT, logger });
  publisher.publish(frameOf(0));
  return {
    receiver,
    send: (frame) => publisher.publish(frame),
    get saturated() {
      return publisher.saturated;
    },
  };
}

/** Sends frames once the way is open. */
async function run(feed: Feed, connected: () => boolean, idle: () => boolean): Promise<void> {
  const end = performance.now() + MAX_MS;
  const frame = frameOf(0);
  for (let i = 1; i <= FRAMES && performance.now() < end && idle(); ) {
    if (connected())
      for (const last = i + BURST; i < last; i++) {
        feed.send(frame.set('uniqueId', i).mark());
        if (feed.saturated) await feed.saturated;
      }
    await new Promise((resolve) => setImmediate(resolve));
  }
}
