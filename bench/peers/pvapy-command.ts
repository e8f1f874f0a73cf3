/** What PvaPy's commands have in common as peers: where they are, how their options are written, how long they take to start. */
import type { Child } from './child.ts';
import type { Peers } from './python-env.ts';

/** Where the commands `pvapy-...` are; ours have the same options and output, under a `bin` of their own. */
export type Commands = Pick<Peers, 'bin'>;

/** Time for start-up: importing numpy and generating frames. */
export const START_TIMEOUT_MS = 60_000;

/** Options and their values as arguments, without those that have no value. */
export function commandLine(args: readonly [string, string | number | undefined][]): string[] {
  return args.flatMap(([option, value]) => (value === undefined ? [] : [option, String(value)]));
}

/** A peer that does not become ready is ended before the error goes on. */
export async function orStop(child: Child, ready: Promise<unknown>): Promise<void> {
  try {
    await ready;
  } catch (error) {
    await child.stop({ graceMs: 1_000 });
    throw error;
  }
}
