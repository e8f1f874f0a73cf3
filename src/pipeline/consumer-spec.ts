/** Everything one consumer needs to know, as plain data: it travels to child processes. */
import type { LogLevel } from '../log.ts';
import type { ChannelNames } from './channel-names.ts';
import type { InputMode, OutputMode } from './user-code.ts';

export interface ConsumerSpec {
  readonly consumerId: number;
  readonly channels: ChannelNames;
  readonly inputMode: InputMode;
  readonly outputMode: OutputMode;
  readonly pvRequest: string;
  readonly receiverQueueSize: number;
  readonly serverQueueSize: number;
  readonly metadataChannels: readonly string[];
  readonly metadataQueueSize: number;
  readonly accumulateObjects: number;
  readonly accumulationTimeout: number;
  readonly objectIdField: string;
  readonly skipInitialUpdates: number;
  readonly objectIdOffset: number;
  readonly nSequentialUpdates: number;
  readonly fieldRequest: string;
  /** Compile the way of a frame while waiting for the first one: for streams that must not lose their first frames either. */
  readonly warmUp: boolean;
  /** Seconds for working off what is queued at the end. */
  readonly drainTimeout?: number | undefined;
  /** Longest time between two updates of the status channel, in seconds. */
  readonly statusPeriod?: number | undefined;
  readonly processorFile: string | undefined;
  readonly processorClass: string | undefined;
  /** See WorkersSpec. */
  readonly processorWorkers: number;
  readonly workerQueueSize: number;
  readonly processorArgs: Readonly<Record<string, unknown>>;
  readonly logLevel: LogLevel | undefined;
  readonly logFile: string | undefined;
}
