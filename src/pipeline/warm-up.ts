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
  /** Asked between the slices: once frames come, they are what the path is compiled with. Told how many have come out. */
  readonly idle: (published: number) => boolean;
  /** Longest time for it, in ms; default 300. */
  readonly maxMs?: number;
}

/** What the frames run through. */
interface Path {
  readonly server: Server;
  /** A client of that server, on a connection of its own. */
  readonly connect: () => Context;
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
  const contexts: Context[] = [];
  let receiver: DataReceiver | undefined;
  try {
    await server.start();
    const connect = (): Context => {
      const context = new Context(server.clientConfig());
      contexts.push(context);
      return context;
    };
    const path = { server, connect, logger };
    const [runner, output] = passThrough(path, options);
    const feed = feedOf(path, options, (value, outcome) => {
      void runner.handle(value, outcome);
      return output.saturated;
    });
    receiver = feed.receiver;
    receiver.start();
    const connected = (): boolean => runner.stats.nProcessed > 0;
    await run(feed, connected, () => options.idle(output.stats.nPublished), options.maxMs ?? MAX_MS);
  } catch {
    // No port, no memory: the real consumer will say so.
  } finally {
    await receiver?.stop(0);
    await Promise.all([...contexts.map((context) => context.close()), server.close()]);
  }
}

/** A processor that publishes what it is given, to a channel of its own or to one that somebody serves. */
function passThrough(path: Path, { outputMode: mode }: WarmUpOptions): [ProcessorRunner, StageOutput] {
  const processor = new UserDataProcessor();
  if (mode !== 'pvas') path.server.addPV(OUTPUT, sink());
  const output = new StageOutput({ ...path, channel: OUTPUT, mode, processor, onPublished: () => {} });
  output.start();
  const runner = new ProcessorRunner({
    processor,
    objectIdField: 'uniqueId',
    skipInitialUpdates: 0,
    objectIdOffset: 1,
    nSequentialUpdates: 1,
    firstObject: (object: PvObject) => output.open(object),
    logger: path.logger,
  });
  return [runner, output];
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
  /** Nothing can be sent now. */
  readonly saturated: boolean;
}

function feedOf(path: Path, { inputMode, receiverQueueSize }: WarmUpOptions, handle: ObjectHandler): Feed {
  const { server, connect, logger } = path;
  const common = { receiverQueueSize, handle, logger };
  if (inputMode === 'pva') {
    const input = SharedPV.readonly(frameOf(0));
    server.addPV(INPUT, input);
    const pvRequest = 'record[queueSize=100]field()';
    const receiver = new MonitorReceiver({ context: connect(), channel: INPUT, pvRequest, ...common });
    return { receiver, send: (frame) => void input.post(frame), saturated: false };
  }
  const receiver = new ServedReceiver({ mode: inputMode, initial: frameOf(0), ...common });
  server.addPV(INPUT, receiver.pv);
  const mode = inputMode === 'pvas' ? 'pva' : 'rpc';
  const publisher = new ClientPublisher({ mode, context: connect(), channel: INPUT, logger });
  publisher.publish(frameOf(0));
  return {
    receiver,
    send: (frame) => publisher.publish(frame),
    get saturated() {
      return publisher.saturated !== undefined;
    },
  };
}

/** Sends frames once the way is open. */
async function run(feed: Feed, connected: () => boolean, idle: () => boolean, maxMs: number): Promise<void> {
  const end = performance.now() + maxMs;
  const frame = frameOf(0);
  for (let i = 1; i <= FRAMES && performance.now() < end && idle(); ) {
    if (connected())
      for (const last = i + BURST; i < last && !feed.saturated; i++)
        feed.send(frame.set('uniqueId', i).mark());
    await new Promise((resolve) => setImmediate(resolve));
  }
}
