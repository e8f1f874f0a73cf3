/**
 * How parsing a command line ends without a run: help, version or a usage error. Thrown by the parsers, turned into
 * output and an exit code by `run-main.ts`, so that no parser ever touches the process.
 */

/** What to print and the exit code, when a command line asks for something other than a run. */
export class CommandExit extends Error {
  override readonly name = 'CommandExit';
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;

  constructor(exitCode: number, output: { readonly stdout?: string; readonly stderr?: string }) {
    super((output.stderr ?? output.stdout ?? '').trimEnd());
    this.exitCode = exitCode;
    this.stdout = output.stdout ?? '';
    this.stderr = output.stderr ?? '';
  }
}
