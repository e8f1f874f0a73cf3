/**
 * One way of a frame through a consumer, for the warm-up: what feeds it, receiver, processor, publisher.
 *
 * What may live here: what makes a lane as real as its consumer, and each lane another one.
 */
import { type Context, NTNDArray, type Server, SharedPV, struct, type TypeDef, Value } from 'epics-pva-ts';
import type { DataReceiver, ObjectHandler } from '../input/data-receiver.ts';
import { MonitorReceiver } from '../input/monitor-receiver.ts';
import { ServedReceiver } from '../input/served-receiver.ts';
import type { Logger } from '../log.ts';
import { ClientPublisher } from '../output/client-publisher.ts';
import { ProcessorRunner } from '../processor/processor-runner.ts';
import { type PvObject, UserDataProcessor } from '../processor/user-data-processor.ts';
import { StageOutput } from './stage-output.ts';
import type { InputMode, OutputMode } from './user-code.ts';

/** Pixels a side: received lazily and forwarded as bytes, as real frames are. */
const SIDE = 96;
/** Now and then one of a size for which receive memory is set aside (frame/receive-memory.ts). */
const LARGE_SIDE = 256;
const LARGE_EVERY = 16;

export interface LaneOptions {
  readonly inputMode: InputMode;
  readonly outputMode: OutputMode;
  readonly receiverQueueSize: number;
  readonly server: Server;
  /** A client of that server, on a connection of its own. */
  readonly connect: () => Context;
  readonly logger: Logger;
}

export interface Lane {
  /** A frame has come through. */
  readonly connected: boolean;
  /** Nothing can be sent now. */
  readonly saturated: boolean;
  /** Frames that have come out. */
  readonly published: number;
  send(): void;
  close(): Promise<void>;
}

/** @param n of the lane; lanes of different numbers differ in the types of frames and of processors */
export function openLane(n: number, options: LaneOptions): Lane {
  const frames = new Frames(n);
  const [runner, output] = passThrough(n, frames, options);
  const feed = feedOf(n, frames, options, (value, outcome) => {
    void runner.handle(value, outcome);
    return output.saturated;
  });
  feed.receiver.start();
  return {
    get connected() {
      return runner.stats.nProcessed > 0;
    },
    get saturated() {
      return feed.saturated;
    },
    get published() {
      return output.stats.nPublished;
    },
    send: () => feed.send(frames.next()),
    close: () => feed.receiver.stop(0),
  };
}

/** Frames with what real ones have: texts that are not empty, attributes, two sizes. */
class Frames {
  readonly #small: Value;
  readonly #large: Value;
  #count = 0;

  constructor(lane: number) {
    const type = lane === 0 ? NTNDArray.type : withLane(NTNDArray.type);
    this.#small = this.#frame(type, SIDE);
    this.#large = this.#frame(type, LARGE_SIDE);
  }

  get first(): Value {
    return this.#small;
  }

  /** The same two again and again, with an id of its own each time. */
  next(): Value {
    const frame = ++this.#count % LARGE_EVERY === 0 ? this.#large : this.#small;
    return frame.set('uniqueId', this.#count).mark();
  }

  #frame(type: TypeDef, side: number): Value {
    const attributes = { ColorMode: 0, Source: 'warm-up' };
    const frame = NTNDArray.create({
      type,
      pixels: new Uint8Array(side * side),
      dimensions: [side, side],
      descriptor: 'warm-up',
      attributes,
    });
    return frame.value.set('alarm.message', 'NO_ALARM').mark();
  }
}

/** As a detector that adds a field of its own. */
function withLane({ id, members }: TypeDef): TypeDef {
  return struct(id, {
    ...Object.fromEntries(members.map(({ name, type }) => [name, type])),
    lane: 'int',
  });
}

/** What users' processors are: classes that derive from the one that passes through. */
class Derived extends UserDataProcessor {
  override process(object: PvObject): PvObject {
    this.updateOutputChannel(object);
    return object;
  }
}

/** A processor that publishes what it is given, to a channel of its own or to one that somebody serves. */
function passThrough(
  n: number,
  frames: Frames,
  { server, connect, outputMode: mode, logger }: LaneOptions,
): [ProcessorRunner, StageOutput] {
  const channel = `output:${n}`;
  const processor = n === 0 ? new UserDataProcessor() : new Derived();
  if (mode !== 'pvas') server.addPV(channel, sink(frames));
  const output = new StageOutput({
    server,
    connect,
    logger,
    channel,
    mode,
    processor,
    onPublished: () => {},
  });
  output.start();
  const runner = new ProcessorRunner({
    processor,
    objectIdField: 'uniqueId',
    skipInitialUpdates: 0,
    objectIdOffset: 1,
    nSequentialUpdates: 1,
    firstObject: (object: PvObject) => output.open(object),
    logger,
  });
  return [runner, output];
}

/** Takes what is put into it or what it is called with. */
function sink(frames: Frames): SharedPV {
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
  readonly receiver: DataReceiver;
  readonly saturated: boolean;
  send(frame: Value): void;
}

function feedOf(
  n: number,
  frames: Frames,
  { server, connect, inputMode, receiverQueueSize, logger }: LaneOptions,
  handle: ObjectHandler,
): Feed {
  const channel = `input:${n}`;
  const common = { receiverQueueSize, handle, logger };
  if (inputMode === 'pva') {
    const input = SharedPV.readonly(frames.first);
    server.addPV(channel, input);
    const pvRequest = 'record[queueSize=100]field()';
    const receiver = new MonitorReceiver({ context: connect(), channel, pvRequest, ...common });
    return { receiver, send: (frame) => void input.post(frame), saturated: false };
  }
  const receiver = new ServedReceiver({ mode: inputMode, initial: frames.first, ...common });
  server.addPV(channel, receiver.pv);
  const mode = inputMode === 'pvas' ? 'pva' : 'rpc';
  const publisher = new ClientPublisher({ mode, context: connect(), channel, logger });
  publisher.publish(frames.first);
  return {
    receiver,
    send: (frame) => publisher.publish(frame),
    get saturated() {
      return publisher.saturated !== undefined;
    },
  };
}
