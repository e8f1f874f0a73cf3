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
  /** Variables of the shell that the command must not see. */
  readonly unset: readonly string[];
  /** The program and what stands before the options. */
  readonly program: readonly string[];
}

/** The stage as one line for a POSIX shell, with its folder and its environment. */
export function shellLine(
  stage: PlannedStage,
  { directory, environment, unset, program }: ShellLineOptions,
): string {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${shellQuoted(value)}`);
  const words = [...program, ...stage.options.argv()].map(shellQuoted);
  const clean = unset.length === 0 ? [] : ['env', ...unset.map((name) => `-u ${name}`)];
  const line = [...clean, ...variables, ...words].join(' ');
  return directory === undefined ? line : `cd ${shellQuoted(directory)} && ${line}`;
}
