/**
 * One way of a frame through a consumer, for the warm-up: what feeds it, a consumer, and who takes what it publishes.
 *
 * What may live here: what makes a lane as real as its consumer, and each lane another one.
 */
import { Context, Server, SharedPV, struct, Value } from 'epics-pva-ts';
import type { Logger } from '../log.ts';
import { ClientPublisher } from '../output/client-publisher.ts';
import type { ProcessorClass } from '../processor/load-processor.ts';
import { type PvObject, UserDataProcessor } from '../processor/user-data-processor.ts';
import type { Lane } from '../warm-up.ts';
import { WarmUpFrames } from '../warm-up-frames.ts';
import { DataConsumer } from './data-consumer.ts';
import type { InputMode, OutputMode } from './user-code.ts';

/** What a lane's channels are called. */
const INPUT = 'input';
const OUTPUT = 'output';

export interface LaneOptions {
  readonly inputMode: InputMode;
  readonly outputMode: OutputMode;
  readonly receiverQueueSize: number;
  readonly logger: Logger;
}

/**
 * @param n of the lane; lanes of different numbers differ in the types of frames and of processors
 * @throws PvaError when there is no port
 */
export async function openLane(n: number, options: LaneOptions): Promise<Lane> {
  const frames = new WarmUpFrames(n);
  const { inputMode, outputMode } = options;
  const peer = Server.isolated();
  const served = Server.isolated();
  const clients: Context[] = [];
  await peer.start();
  if (outputMode !== 'pvas') peer.addPV(OUTPUT, sink(frames));
  const consumer = new DataConsumer({
    ...options,
    ...SETTINGS,
    channels: {
      inputChannel: INPUT,
      outputChannel: OUTPUT,
      statusChannel: undefined,
      controlChannel: undefined,
    },
    processorClass: processorClass(n, frames),
    server: served,
    client: peer.clientConfig(),
  });
  const close = async (): Promise<void> => {
    await Promise.allSettled(clients.map((client) => client.close()));
    await Promise.allSettled([consumer.close(), peer.close()]);
  };
  const input = inputMode === 'pva' ? monitored(peer, frames) : undefined;
  try {
    await consumer.start();
  } catch (error) {
    await close();
    throw error;
  }
  const feed = input ?? requested(inputMode as 'pvas' | 'rpc', served, options.logger, clients);
  feed.send(frames.first);
  return {
    get saturated() {
      return feed.saturated;
    },
    get published() {
      return consumer.totals().publisherStats?.nPublished ?? 0;
    },
    send: () => feed.send(frames.next()),
    close,
  };
}

/** A consumer that takes each frame and passes it on. */
const SETTINGS = {
  consumerId: 1,
  pvRequest: 'record[queueSize=100]field()',
  fieldRequest: '',
  objectIdField: 'uniqueId',
  skipInitialUpdates: 0,
  objectIdOffset: 1,
  nSequentialUpdates: 1,
  metadataQueueSize: 0,
  serverQueueSize: 0,
  processorArgs: {},
  onStop: (): void => {},
} as const;

/** Objects of so many kinds V8 takes for objects of any kind. */
const ANY_KIND = 6;

/**
 * A processor that publishes what it is given: as the base class does it, or as users' classes do. It becomes an object
 * of another kind a few times: what runs it has to be compiled for any, since the user's class is none that was there.
 */
function processorClass(n: number, frames: WarmUpFrames): ProcessorClass {
  class PassThrough extends UserDataProcessor {
    #count = 0;
    override getInputPvObjectType(): PvObject {
      return frames.first;
    }
    override process(object: PvObject): ReturnType<UserDataProcessor['process']> {
      if (++this.#count <= ANY_KIND) Reflect.set(this, `kind${this.#count}`, true);
      return super.process(object);
    }
  }
  if (n === 0) return PassThrough;
  return class extends PassThrough {
    override process(object: PvObject): ReturnType<UserDataProcessor['process']> {
      super.process(object);
      return object;
    }
  };
}

/** Takes what is put into it or what it is called with. */
function sink(frames: WarmUpFrames): SharedPV {
  const done = Value.create(struct('', { status: 'int' }));
  const pv = new SharedPV({
    onPut: (_pv, value) => value.release(),
    onRpc: (_pv, argument) => {
      argument?.release();
      return done;
    },
  });
  pv.open(frames.first);
  return pv;
}

/** How the frames come in. */
interface Feed {
  readonly saturated: boolean;
  send(frame: Value): void;
}

function monitored(peer: Server, frames: WarmUpFrames): Feed {
  const input = SharedPV.readonly(frames.first);
  peer.addPV(INPUT, input);
  return { send: (frame) => void input.post(frame), saturated: false };
}

function requested(inputMode: 'pvas' | 'rpc', served: Server, logger: Logger, clients: Context[]): Feed {
  const mode = inputMode === 'pvas' ? 'pva' : 'rpc';
  const context = new Context(served.clientConfig());
  clients.push(context);
  const publisher = new ClientPublisher({ mode, context, channel: INPUT, logger });
  return {
    send: (frame) => publisher.publish(frame),
    get saturated() {
      return publisher.saturated !== undefined;
    },
  };
}
