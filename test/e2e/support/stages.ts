/**
 * Consumers and collectors in the test's own process, on real servers and clients, with a processor that waits as long
 * as the test wants; and a source of objects with ids of the test's choice.
 */
import {
  clientConfigFromEnv,
  Server,
  SharedPV,
  serverConfigFromEnv,
  struct,
  type TypeDef,
  Value,
} from 'epics-pva-ts';
import { createLogging } from '../../../src/log.ts';
import { DataCollector, type DataCollectorOptions } from '../../../src/pipeline/collector/data-collector.ts';
import { DataConsumer, type DataConsumerOptions } from '../../../src/pipeline/data-consumer.ts';
import { UserDataProcessor } from '../../../src/processor/user-data-processor.ts';
import { until, type World } from './world.ts';

export const OBJECT: TypeDef = struct('', { uniqueId: 'int' });

/** Channels of objects that hold an id and nothing else. */
export class Source {
  private readonly pvs: ReadonlyMap<string, SharedPV>;
  private readonly server: Server;

  private constructor(world: World, channels: readonly string[]) {
    this.server = new Server({ ...serverConfigFromEnv(world.env), tcpPort: 0 });
    this.pvs = new Map(channels.map((name) => [name, SharedPV.readonly(Value.create(OBJECT))]));
    for (const [name, pv] of this.pvs) this.server.addPV(name, pv);
  }

  static async start(world: World, ...channels: string[]): Promise<Source> {
    const source = new Source(world, channels);
    await source.server.start();
    world.own(source.server);
    return source;
  }

  private pv(channel: string): SharedPV {
    return this.pvs.get(channel) as SharedPV;
  }

  /** Waits until each channel has a monitor. */
  async connected(): Promise<void> {
    await until(() => {
      for (const [name, pv] of this.pvs)
        if (pv.subscriberCount !== 1) throw new Error(`${name} has ${pv.subscriberCount} monitors`);
    });
  }

  post(channel: string, ...ids: readonly number[]): void {
    for (const uniqueId of ids) this.pv(channel).post(Value.create(OBJECT, { uniqueId }));
  }
}

/** Notes ids, and publishes; while it is held, its objects wait. */
export class Gate extends UserDataProcessor {
  readonly ids: number[] = [];
  readonly configured: unknown[] = [];
  readonly config: unknown;
  private open: Promise<void> | undefined;
  private letGo: () => void = () => {};

  constructor(config: { made?: (gate: Gate) => void }) {
    super(config);
    this.config = config;
    config.made?.(this);
  }

  hold(): void {
    this.open = new Promise((resolve) => {
      this.letGo = resolve;
    });
  }

  release(): void {
    this.open = undefined;
    this.letGo();
  }

  override configure(args: unknown): void {
    this.configured.push(args);
  }

  override process(object: Value): void | Promise<void> {
    this.ids.push(Number(object.get('uniqueId')));
    if (this.open) return this.open.then(() => this.updateOutputChannel(object));
    this.updateOutputChannel(object);
  }
}

function common(world: World, name: string, made: (gate: Gate) => void) {
  return {
    channels: {
      inputChannel: 'in',
      outputChannel: 'out',
      statusChannel: `${name}:1:status`,
      controlChannel: `${name}:1:control`,
    },
    outputMode: 'pvas',
    metadataQueueSize: 100,
    serverQueueSize: 100,
    pvRequest: 'record[queueSize=100]field()',
    receiverQueueSize: -1,
    objectIdField: 'uniqueId',
    skipInitialUpdates: 1,
    objectIdOffset: 1,
    fieldRequest: '',
    processorClass: Gate,
    processorArgs: { made },
    drainTimeout: 0,
    logger: createLogging({ name: 'test', output: { write() {} } }).logger,
    server: { ...serverConfigFromEnv(world.env), tcpPort: 0 },
    client: clientConfigFromEnv(world.env),
    onStop: () => {},
  } as const;
}

interface Running<S> {
  readonly stage: S;
  readonly gate: Gate;
}

async function run<S extends DataConsumer | DataCollector>(
  world: World,
  make: (made: (gate: Gate) => void) => S,
): Promise<Running<S>> {
  let gate: Gate | undefined;
  const stage = make((made) => {
    gate = made;
  });
  world.own({ [Symbol.asyncDispose]: () => stage.close() });
  await stage.start();
  return { stage, gate: gate as Gate };
}

/** Consumer 1 of the channel `in`: `consumer:1:status`, `consumer:1:control`, `out`. */
export function consume(
  world: World,
  options: Partial<DataConsumerOptions> = {},
): Promise<Running<DataConsumer>> {
  return run(
    world,
    (made) =>
      new DataConsumer({
        ...common(world, 'consumer', made),
        consumerId: 1,
        inputMode: 'pva',
        nSequentialUpdates: 1,
        ...options,
      }),
  );
}

/** Collector 1 of the channels `in:1` and `in:2`: `collector:1:status`, `collector:1:control`, `out`. */
export function collect(
  world: World,
  options: Partial<DataCollectorOptions> = {},
): Promise<Running<DataCollector>> {
  return run(
    world,
    (made) =>
      new DataCollector({
        ...common(world, 'collector', made),
        collectorId: 1,
        producers: new Map([
          [1, 'in:1'],
          [2, 'in:2'],
        ]),
        cacheSize: 100,
        cacheLimit: 100,
        objectsPerId: 1,
        gapTimeout: 1000,
        ...options,
      }),
  );
}
