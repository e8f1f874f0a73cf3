/**
 * What a consumer and its processor workers tell each other (structured clone over Node's IPC channel, beside the
 * messages of worker-farm, which carry `owner: 'farm'`).
 *
 * A worker gets its {@link WorkerSpec} first, as the argument of worker-farm's only call, answers with `constructed`
 * or `failed`, and listens from then on.
 */
import type { UserErrorCode } from '../../errors.ts';
import type { LogLevel } from '../../log.ts';
import type { ConstructOptions } from '../user-code.ts';

/** Everything a worker needs to know, as plain data. */
export interface WorkerSpec extends Omit<ConstructOptions, 'processorClass'> {
  /** Number of the worker, from 1; a worker that replaces a dead one has its number. */
  readonly workerId: number;
  readonly nWorkers: number;
  /** In front of its log lines. */
  readonly name: string;
  readonly processorFile: string | undefined;
  readonly processorClass: string | undefined;
  readonly logLevel: LogLevel | undefined;
  readonly logFile: string | undefined;
}

/** A structure on its way; `type` only when it is another one than that of the object before. */
export interface ObjectBytes {
  readonly type?: Uint8Array;
  readonly value: readonly Uint8Array[];
}

/** What the output channel is: a type, a first value, or `null` for none. */
export type OutputBytes = { readonly type: Uint8Array } | { readonly first: ObjectBytes } | null;

/** An error as it travels. */
export interface ErrorText {
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
}

export type ToWorker =
  /** Objects will come now: the processor's `start()`. `configure`: commands since the consumer began; `epoch`: resets. */
  | { readonly type: 'start'; readonly configure: readonly unknown[]; readonly epoch: number }
  /** `process`, or only prepare the output for objects like this one. */
  | { readonly type: 'process' | 'prepare'; readonly object: ObjectBytes }
  | { readonly type: 'configure'; readonly requestId: number; readonly args: unknown }
  | { readonly type: 'reset_stats'; readonly epoch: number }
  | { readonly type: 'stop' };

export type FromWorker =
  | {
      readonly type: 'constructed';
      /** The structure of what `getStatsPvaTypes` declares, if anything. */
      readonly statsType: Uint8Array | undefined;
      /** As from `getInputPvObjectType`. */
      readonly inputType: OutputBytes;
    }
  /** It cannot start, for a reason that another worker would not mend: one line for the user. */
  | {
      readonly type: 'failed';
      readonly line: string;
      readonly code: UserErrorCode;
      readonly exitCode: number;
    }
  | { readonly type: 'started' }
  /** What came of the object. `output` comes with the first one that could be prepared. */
  | {
      readonly type: 'result';
      readonly output?: OutputBytes | undefined;
      readonly published: readonly ObjectBytes[];
      readonly error?: ErrorText | undefined;
    }
  /** Published while no object was being processed. */
  | { readonly type: 'published'; readonly object: ObjectBytes }
  /** `reportLoss`, after so many resets. */
  | { readonly type: 'lost'; readonly epoch: number; readonly count: number }
  | { readonly type: 'configured'; readonly requestId: number; readonly error?: ErrorText | undefined }
  /** What `getStats` returns, after so many resets. */
  | { readonly type: 'stats'; readonly epoch: number; readonly stats: Readonly<Record<string, unknown>> }
  | { readonly type: 'stopped' };
