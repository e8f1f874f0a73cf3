/**
 * An ad-sim-server that serves its channels and publishes when the test says so, as one that `hpc-pipeline` starts: a
 * test waits for all who shall receive, instead of guessing how long they take to connect.
 */
import type { Child } from '../../../bench/peers/child.ts';
import { STAGE_VARIABLE, type ToStage } from '../../../src/pipeline-file/stage-messages.ts';
import { type World, withOptions } from './world.ts';

export interface HeldSimulator {
  readonly child: Child;
  /** Has it publish now. It serves on until it is ended, however long its `-shd`. */
  go(): void;
}

/** Starts a command line of ad-sim-server, whose start delay becomes 0 unless `startDelay` (s) says otherwise. */
export async function holdSimulator(
  world: World,
  line: string,
  { env = {}, startDelay = 0 }: { readonly env?: NodeJS.ProcessEnv; readonly startDelay?: number } = {},
): Promise<HeldSimulator> {
  const child = await world.start(
    withOptions(line, { '-std': startDelay }),
    { ...env, [STAGE_VARIABLE]: 'simulator' },
    { ipc: true },
  );
  const go: ToStage = { type: 'go' };
  return { child, go: () => child.send(go) };
}
