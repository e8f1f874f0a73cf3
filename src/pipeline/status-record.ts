/**
 * The status channel of a consumer or collector: PvaPy's structures, field by field (dataConsumer.py,
 * dataCollector.py; pvapy-behaviour.md 4.1 and 4.2).
 */
import { SharedPV, struct, type TypeDef, type TypeSpec, typeOf, Value } from 'epics-pva-ts';
import { UserError } from '../errors.ts';
import { timeType } from './record-time.ts';

/**
 * Checks and converts what a processor's `getStatsPvaTypes` returns.
 * @throws UserError HPC_STATS_TYPE naming the figure
 */
export function userStatsType(types: Readonly<Record<string, unknown>>): TypeDef | undefined {
  const names = Object.keys(types);
  if (names.length === 0) return undefined;
  const members = names.map((name): [string, TypeSpec] => {
    try {
      return [name, typeOf(types[name] as TypeSpec)];
    } catch (error) {
      throw new UserError('HPC_STATS_TYPE', `getStatsPvaTypes: '${name}': ${(error as Error).message}`);
    }
  });
  try {
    return struct('', members);
  } catch (error) {
    throw new UserError('HPC_STATS_TYPE', `getStatsPvaTypes: ${(error as Error).message}`);
  }
}

/** Figures as they are published: those of the processor's own under `userStats`. */
export interface StageStats {
  readonly userStats?: Record<string, unknown>;
}

const QUEUE_STATS = struct('', { nReceived: 'uint', nRejected: 'uint', nDelivered: 'uint', nQueued: 'uint' });

const PROCESSOR_STATS = struct('', {
  runtime: 'double',
  startTime: 'double',
  endTime: 'double',
  receivingTime: 'double',
  firstObjectTime: 'double',
  lastObjectTime: 'double',
  firstObjectId: 'uint',
  lastObjectId: 'uint',
  nProcessed: 'uint',
  processedRate: 'double',
  nErrors: 'uint',
  errorRate: 'double',
  nMissed: 'uint',
  missedRate: 'double',
  nInFlight: 'uint',
  nLost: 'uint',
});

/** Over the last seconds; ours. */
const RATE_STATS = struct('', {
  window: 'double',
  receivedRate: 'double',
  receivedBytesPerSecond: 'double',
  rejectedRate: 'double',
  processedRate: 'double',
  missedRate: 'double',
  errorRate: 'double',
  publishedRate: 'double',
  publishedBytesPerSecond: 'double',
});

/** The age of objects over the last seconds; ours. */
const LATENCY_STATS = struct('', {
  window: 'double',
  nProcessed: 'uint',
  processedP50: 'double',
  processedP90: 'double',
  processedP99: 'double',
  processedMax: 'double',
  nPublished: 'uint',
  publishedP50: 'double',
  publishedP90: 'double',
  publishedP99: 'double',
  publishedMax: 'double',
  nAhead: 'uint',
});

/** What the process costs; ours. */
const RESOURCE_STATS = struct('', { cpuTime: 'double', residentBytes: 'ulong' });

/** What comes behind PvaPy's members, so that its clients find theirs where they look for them. */
const OWN_MEMBERS = {
  rateStats: RATE_STATS,
  latencyStats: LATENCY_STATS,
  state: 'string',
  stateMessage: 'string',
  resourceStats: RESOURCE_STATS,
} as const;

const RECEIVER_STATS = struct('', {
  nReceived: 'uint',
  receivedRate: 'double',
  nRejected: 'uint',
  rejectedRate: 'double',
  nErrors: 'uint',
  errorRate: 'double',
  nOverruns: 'uint',
  overrunRate: 'double',
  nBytes: 'ulong',
});

const PUBLISHER_STATS = struct('', {
  nPublished: 'uint',
  publishedRate: 'double',
  nErrors: 'uint',
  errorRate: 'double',
  nBytes: 'ulong',
});

/** One producer of a collector, or one metadata channel. */
const SOURCE_STATS = struct('', {
  producerId: 'uint',
  channel: 'string',
  receiverStats: struct('', {
    nReceived: 'uint',
    receivedRate: 'double',
    nRejected: 'uint',
    rejectedRate: 'double',
    nOverruns: 'uint',
    overrunRate: 'double',
  }),
  queueStats: QUEUE_STATS,
  // What follows is ours.
  connected: 'boolean',
  rateStats: struct('', {
    window: 'double',
    receivedRate: 'double',
    rejectedRate: 'double',
    overrunRate: 'double',
  }),
});

/** pvapy-behaviour.md 4.1. */
export function consumerStatusType(userStats: TypeDef | undefined, nMetadata = 0): TypeDef {
  return struct('', {
    consumerId: 'uint',
    inputChannel: 'string',
    objectId: 'uint',
    objectTime: 'double',
    objectTimestamp: timeType,
    receiverStats: RECEIVER_STATS,
    publisherStats: PUBLISHER_STATS,
    queueStats: QUEUE_STATS,
    processorStats: PROCESSOR_STATS,
    ...(userStats && { userStats }),
    ...metadataMembers(nMetadata),
    ...OWN_MEMBERS,
  });
}

/**
 * pvapy-behaviour.md 4.2; ours has more figures at the end of `collectorStats`, and `publisherStats`, which PvaPy's
 * collector lacks.
 */
export function collectorStatusType(
  producerIds: readonly number[],
  userStats: TypeDef | undefined,
  nMetadata = 0,
): TypeDef {
  return struct('', {
    collectorId: 'uint',
    objectId: 'uint',
    objectTime: 'double',
    objectTimestamp: timeType,
    collectorStats: struct('', {
      nCollected: 'uint',
      collectedRate: 'double',
      nRejected: 'uint',
      rejectedRate: 'double',
      nMissed: 'uint',
      missedRate: 'double',
      nCached: 'uint',
      maxCached: 'uint',
      nIncomplete: 'uint',
      nRestarts: 'uint',
      meanAddedLatency: 'double',
      maxAddedLatency: 'double',
      addedLatencyP50: 'double',
      addedLatencyP90: 'double',
      addedLatencyP99: 'double',
      nConnected: 'uint',
    }),
    processorStats: PROCESSOR_STATS,
    publisherStats: PUBLISHER_STATS,
    ...(userStats && { userStats }),
    ...Object.fromEntries(producerIds.map((id) => [`producerStats_${id}`, SOURCE_STATS])),
    ...metadataMembers(nMetadata),
    ...OWN_MEMBERS,
  });
}

function metadataMembers(count: number): Record<string, TypeDef> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`metadataStats_${i + 1}`, SOURCE_STATS]),
  );
}

export interface StatusRecordOptions {
  readonly type: TypeDef;
  /** The member `userStats` of the type, if it has one. */
  readonly userType: TypeDef | undefined;
  /** What is known before the first snapshot. */
  readonly ids: Readonly<Record<string, unknown>>;
  readonly warn: (message: string) => void;
}

export class StatusRecord {
  readonly pv: SharedPV;
  private readonly options: StatusRecordOptions;
  private warned = false;

  constructor(options: StatusRecordOptions) {
    this.options = options;
    this.pv = SharedPV.readonly(Value.create(options.type, { ...options.ids }));
  }

  /** Publishes a snapshot; every field is marked, as in PvaPy. */
  update(stats: StageStats): void {
    const { type, userType, warn } = this.options;
    const { userStats, ...framework } = stats;
    const value = Value.create(type, wrapped(framework) as Record<string, unknown>);
    for (const { name } of userType?.members ?? []) {
      try {
        if (userStats?.[name] !== undefined) value.set(`userStats.${name}`, userStats[name]);
      } catch (error) {
        // A figure of the wrong type is the user's mistake: said once, the other figures still go out.
        if (!this.warned) warn(`getStats: '${name}': ${(error as Error).message}`);
        this.warned = true;
      }
    }
    this.pv.post(value.mark());
  }
}

/**
 * Counters are 32-bit on this channel and begin again at 0, as in PvaPy; bytes have 64. So are ids, which are negative
 * in the second half of their signed 32 bits.
 */
function wrapped(stats: unknown, name = ''): unknown {
  if (typeof stats === 'number') {
    const fits = stats >= 0 && stats <= 0xffffffff;
    return fits || !COUNTER.test(name) ? stats : ((stats % 2 ** 32) + 2 ** 32) % 2 ** 32;
  }
  if (typeof stats !== 'object' || stats === null) return stats;
  return Object.fromEntries(Object.entries(stats).map(([k, v]) => [k, wrapped(v, k)]));
}

const COUNTER = /^(n(?!Bytes$)[A-Z]|objectId$|.*ObjectId$)/;

/** Of several consumers together: sums over all, the lives of those that were restarted included. */
export function systemStatusType(): TypeDef {
  return struct('', {
    objectId: 'uint',
    objectTime: 'double',
    objectTimestamp: timeType,
    nConsumers: 'uint',
    nAlive: 'uint',
    nRestarts: 'uint',
    nLostInRestarts: 'uint',
    unreportedTime: 'double',
    receiverStats: RECEIVER_STATS,
    publisherStats: PUBLISHER_STATS,
    queueStats: QUEUE_STATS,
    processorStats: PROCESSOR_STATS,
    ...OWN_MEMBERS,
  });
}
