/** DataConsumer: one input, one processor, one output, with status and control channels, all on one server. */
import type { Value } from 'epics-pva-ts';
import { UserError } from '../errors.ts';
import type { DataReceiver, OutcomeHandler } from '../input/data-receiver.ts';
import { MonitorReceiver } from '../input/monitor-receiver.ts';
import { batchObstacle } from '../input/object-worker.ts';
import { ServedReceiver } from '../input/served-receiver.ts';
import { type ConsumerStats, consumerStats } from './consumer-stats.ts';
import type { ObjectLatencies } from './figures/object-latency.ts';
import { ProcessingStage } from './processing-stage.ts';
import type { StageOptions } from './stage-input.ts';
import type { StageTotals } from './stage-totals.ts';
import { consumerStatusType } from './status-record.ts';

export interface DataConsumerOptions extends Omit<StageOptions, 'id' | 'idField'> {
  readonly consumerId: number;
  /** See request-string.ts. */
  readonly pvRequest: string;
  readonly receiverQueueSize: number;
  /** See ObjectWorkerOptions. */
  readonly accumulateObjects?: number | undefined;
  readonly accumulationTimeout?: number | undefined;
  /** A client asked for it with the control command `get_stats`. */
  readonly onGetStats?: (stats: ConsumerStats) => void;
}

export class DataConsumer {
  private readonly stage: ProcessingStage<ConsumerStats>;

  /** @throws UserError when the processor cannot be constructed or declares impossible statistics */
  constructor(options: DataConsumerOptions) {
    const { consumerId, channels, onGetStats } = options;
    const stage = new ProcessingStage<ConsumerStats>({ ...options, id: consumerId, idField: 'consumerId' });
    this.stage = stage;
    const receiver = makeReceiver(stage, options);
    let { receiverQueueSize, accumulateObjects = 0 } = options;
    const queued =
      receiverQueueSize >= 0 || 'this consumer was started without a receiver queue (--receiver-queue-size)';
    stage.connect({
      start: () => receiver.start(),
      pause: () => receiver.pause(),
      resume: () => receiver.resume(),
      stop: (drainMs) => receiver.stop(drainMs),
      settable: {
        skipInitialUpdates: true,
        objectIdOffset: true,
        nSequentialUpdates: true,
        receiverQueueSize: queued,
        accumulateObjects: queued,
        accumulationTimeout: queued,
      },
      check: (settings) => {
        const obstacle = batchObstacle(
          settings.accumulateObjects ?? accumulateObjects,
          settings.receiverQueueSize ?? receiverQueueSize,
        );
        if (obstacle)
          throw new UserError('HPC_BAD_ARGUMENT', `accumulateObjects: ${obstacle}; nothing was changed`);
      },
      configure: (settings) => {
        receiverQueueSize = settings.receiverQueueSize ?? receiverQueueSize;
        accumulateObjects = settings.accumulateObjects ?? accumulateObjects;
        receiver.configure(settings);
      },
      counters: () => {
        const { nReceived, nBytes, nRejected } = receiver.stats;
        // What a served channel refuses is refused by its queue.
        const refused = Math.max(nRejected, receiver.queueStats?.nRejected ?? 0);
        return { received: nReceived, receivedBytes: nBytes, rejected: refused };
      },
      get waiting() {
        return receiver.waiting;
      },
      get connected() {
        return receiver.connected;
      },
      rotate: () => {},
      resetStats: () => receiver.resetStats(),
      stats: (parts) =>
        consumerStats({
          ...parts,
          consumerId,
          inputChannel: channels.inputChannel,
          receiver: receiver.stats,
          queue: receiver.queueStats,
        }),
      totals: () => ({
        consumerId,
        receiverStats: receiver.totals,
        ...(receiver.queueTotals && { queueStats: receiver.queueTotals }),
      }),
      onGetStats: (stats) => onGetStats?.(stats),
      statusType: consumerStatusType,
    });
  }

  /** @throws UserError, PvaError when the server or the processor cannot start */
  start(): Promise<void> {
    return this.stage.start();
  }

  /** No stream has begun: it has processed one object at most, the input's present value. */
  get idle(): boolean {
    return this.stage.idle;
  }

  /** Gathers the statistics now. */
  stats(): ConsumerStats {
    return this.stage.stats();
  }

  /** What it did since the start, whatever was reset. */
  totals(): StageTotals {
    return this.stage.totals();
  }

  /** Gathers the statistics and publishes them on the status channel. */
  updateStatus(): ConsumerStats {
    return this.stage.updateStatus();
  }

  /** See ProcessingStage. */
  endReception(): void {
    this.stage.endReception();
  }

  /** Ends in good order; the final statistics. May be called once. */
  stop(): Promise<ConsumerStats> {
    return this.stage.stop();
  }

  /** The age of objects in the last seconds, to be added to that of other consumers. */
  latencies(): ObjectLatencies {
    return this.stage.latencies();
  }

  /** Closes everything at once. */
  close(): Promise<void> {
    return this.stage.close();
  }
}

function makeReceiver(stage: ProcessingStage<ConsumerStats>, options: DataConsumerOptions): DataReceiver {
  const { inputMode, channels, pvRequest } = options;
  const common = {
    ...options,
    handle: (object: Value, outcome?: OutcomeHandler) => stage.handle(object, outcome),
  };
  if (inputMode === 'pva')
    return new MonitorReceiver({
      ...common,
      // The very first one is the runner's to skip.
      nHeld: (connection) => (connection > 0 ? 1 : 0),
      handleHeld: (object) => stage.handleHeld(object),
      context: stage.context,
      channel: channels.inputChannel,
      pvRequest,
      onConnected: () => stage.inputChanged(),
      onDisconnected: (why) => stage.inputChanged(why),
    });
  const receiver = new ServedReceiver({
    ...common,
    mode: inputMode,
    initial: inputMode === 'pvas' ? stage.inputType() : undefined,
  });
  stage.serveInput(receiver.pv);
  return receiver;
}
