/**
 * A command's side of `hpc-pipeline` (pipeline-file/stage-messages.ts): it answers for its figures, a source waits for
 * the word to publish, and the command ends with the pipeline that started it. Started by anybody else, a command has
 * none of this.
 */
import { endWithParent } from '../pipeline/orphan-guard.ts';
import {
  type FromStage,
  type MemberFigures,
  STAGE_VARIABLE,
  type ToStage,
} from '../pipeline-file/stage-messages.ts';

type Members = () => readonly MemberFigures[] | Promise<readonly MemberFigures[]>;

class Supervised {
  /** The pipeline is ready for what a source publishes. */
  readonly go: Promise<void>;
  private readonly finishing = new AbortController();

  constructor() {
    this.go = new Promise((resolve) => {
      process.on('message', (m) => {
        const { type } = m as ToStage;
        if (type === 'go') resolve();
        else if (type === 'finish') this.finishing.abort();
      });
      this.finishing.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    endWithParent(() => process.exit(1));
  }

  /** Aborted when a source shall publish nothing more. */
  get finish(): AbortSignal {
    return this.finishing.signal;
  }

  /** Says that the stage has started, and answers for its figures from now on. */
  serve(members: Members): void {
    process.on('message', (m) => {
      const message = m as ToStage;
      if (message.type !== 'figures') return;
      const { requestId } = message;
      void Promise.resolve(members()).then((all) => tell({ type: 'figures', requestId, members: all }));
    });
    void tell({ type: 'started' });
  }

  /** A source that is no simulator shall receive nothing more, and stay. */
  onFinish(endReception: () => void): void {
    if (this.finish.aborted) endReception();
    else this.finish.addEventListener('abort', endReception, { once: true });
  }

  /** A source has published everything; resolves when it shall end. */
  async finished(signal: AbortSignal): Promise<void> {
    await tell({ type: 'finished' });
    await aborted(signal);
  }

  /** The last figures, before the process ends. */
  final(members: readonly MemberFigures[]): Promise<void> {
    return tell({ type: 'figures', requestId: undefined, members });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function tell(message: FromStage): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected && process.send) process.send(message, () => resolve());
    else resolve();
  });
}

function start(): Supervised | undefined {
  const started = process.env[STAGE_VARIABLE] !== undefined && process.send !== undefined;
  // Processes this one starts are none of the pipeline's.
  delete process.env[STAGE_VARIABLE];
  return started ? new Supervised() : undefined;
}

/** Undefined unless `hpc-pipeline` started this process. */
export const supervised: Supervised | undefined = start();

/** Publishes at once; in a pipeline when all who shall receive are there, until it says that it is enough. */
export async function publishWhenTold<T>(
  members: Members,
  signal: AbortSignal,
  publish: (stop: AbortSignal) => Promise<T>,
): Promise<T> {
  if (!supervised) return publish(signal);
  supervised.serve(members);
  await Promise.race([supervised.go, aborted(signal)]);
  return publish(AbortSignal.any([signal, supervised.finish]));
}
