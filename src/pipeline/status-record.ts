/**
 * The status channel of a consumer: PvaPy's structure, field by field (dataConsumer.py; pvapy-behaviour.md 4.1).
 */
import { SharedPV, struct, type TypeDef, type TypeSpec, typeOf, Value } from 'epics-pva-ts';
import { UserError } from '../errors.ts';
import type { ConsumerStats } from './consumer-stats.ts';
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

export function consumerStatusType(userStats: TypeDef | undefined): TypeDef {
  return struct('', {
    consumerId: 'uint',
    inputChannel: 'string',
    objectId: 'uint',
    objectTime: 'double',
    objectTimestamp: timeType,
    receiverStats: struct('', {
      nReceived: 'uint',
      receivedRate: 'double',
      nRejected: 'uint',
      rejectedRate: 'double',
      nErrors: 'uint',
      errorRate: 'double',
      nOverruns: 'uint',
      overrunRate: 'double',
    }),
    publisherStats: struct('', {
      nPublished: 'uint',
      publishedRate: 'double',
      nErrors: 'uint',
      errorRate: 'double',
    }),
    queueStats: struct('', { nReceived: 'uint', nRejected: 'uint', nDelivered: 'uint', nQueued: 'uint' }),
    processorStats: struct('', {
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
    }),
    ...(userStats && { userStats }),
  });
}

export class StatusRecord {
  readonly pv: SharedPV;
  private readonly type: TypeDef;
  private readonly userType: TypeDef | undefined;
  private readonly warn: (message: string) => void;
  private warned = false;

  constructor(consumerId: number, userStats: TypeDef | undefined, warn: (message: string) => void) {
    this.userType = userStats;
    this.type = consumerStatusType(userStats);
    this.warn = warn;
    this.pv = SharedPV.readonly(Value.create(this.type, { consumerId }));
  }

  /** Publishes a snapshot; every field is marked, as in PvaPy. */
  update(stats: ConsumerStats): void {
    const { userStats, ...framework } = stats;
    const value = Value.create(this.type, wrapped(framework) as Record<string, unknown>);
    for (const { name } of this.userType?.members ?? []) {
      try {
        if (userStats?.[name] !== undefined) value.set(`userStats.${name}`, userStats[name]);
      } catch (error) {
        // A figure of the wrong type is the user's mistake: said once, the other figures still go out.
        if (!this.warned) this.warn(`getStats: '${name}': ${(error as Error).message}`);
        this.warned = true;
      }
    }
    this.pv.post(value.mark());
  }
}

/** Counters are 32-bit on this channel and begin again at 0, as in PvaPy. */
function wrapped(stats: unknown): unknown {
  if (typeof stats === 'number')
    return Number.isInteger(stats) && stats > 0xffffffff ? stats % 2 ** 32 : stats;
  if (typeof stats !== 'object' || stats === null) return stats;
  return Object.fromEntries(Object.entries(stats).map(([k, v]) => [k, wrapped(v)]));
}
