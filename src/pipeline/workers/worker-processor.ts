/**
 * WorkerProcessor: a pool of workers as the one processor of a stage: what the framework asks of a processor, asked of
 * all workers. Objects do not pass through here but through the pool.
 */
import { deserializeType, type TypeDef, type Value } from 'epics-pva-ts';
import { type PvObject, UserDataProcessor } from '../../processor/user-data-processor.ts';
import { decodeOutput } from './object-bytes.ts';
import { workerStatsType } from './worker-figures.ts';
import type { Constructed } from './worker-places.ts';
import type { WorkerPool } from './worker-pool.ts';

export class WorkerProcessor extends UserDataProcessor {
  readonly pool: WorkerPool;
  private readonly constructed: Constructed;
  private open: (output: Value | TypeDef | null) => void = () => {};

  /** @param constructed what `pool.open()` has resolved to */
  constructor(pool: WorkerPool, constructed: Constructed) {
    super();
    this.pool = pool;
    this.constructed = constructed;
  }

  /** Called with the type of the output, once it is known. */
  onOutput(open: (output: Value | TypeDef | null) => void): void {
    this.open = open;
  }

  override start(): Promise<void> {
    return this.pool.start({
      open: (output) => this.open(output),
      publish: (object) => this.updateOutputChannel(object),
      lost: (count, beforeReset) => this.onLoss?.(count, beforeReset),
    });
  }

  override configure(args: unknown): Promise<void> {
    return this.pool.configure(args);
  }

  override stop(): Promise<void> {
    return this.pool.stop();
  }

  override resetStats(): void {
    this.pool.resetStats();
  }

  override getStats(): Record<string, unknown> {
    return this.pool.stats;
  }

  /** Those of the processor, after `workerStats`. */
  override getStatsPvaTypes(): Record<string, TypeDef> {
    const { statsType } = this.constructed;
    const members = statsType ? deserializeType(statsType).members : [];
    return {
      workerStats: workerStatsType(this.pool.nWorkers),
      ...Object.fromEntries(members.map(({ name, type }) => [name, type])),
    };
  }

  override getInputPvObjectType(): PvObject | TypeDef | null {
    return decodeOutput(this.constructed.inputType);
  }
}
