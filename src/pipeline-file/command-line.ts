/** A planned stage as the command that does the same without `hpc-pipeline`: arguments, and text for a shell. */
import type { PlannedStage } from './plan.ts';

/** One word as a POSIX shell reads it. */
export function shellQuoted(word: string): string {
  return /^[\w./:,=+@%-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

export interface ShellLineOptions {
  /** Folder the command runs in; undefined: where the shell is. */
  readonly directory: string | undefined;
  readonly environment: Readonly<Record<string, string>>;
  /** The program and what stands before the options. */
  readonly program: readonly string[];
}

/** The stage as one line for a POSIX shell, with its folder and its environment. */
export function shellLine(
  stage: PlannedStage,
  { directory, environment, program }: ShellLineOptions,
): string {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${shellQuoted(value)}`);
  const words = [...program, ...stage.options.argv()].map(shellQuoted);
  const line = [...variables, ...words].join(' ');
  return directory === undefined ? line : `cd ${shellQuoted(directory)} && ${line}`;
}
