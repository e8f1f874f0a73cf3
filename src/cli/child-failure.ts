/** How a child process ends that cannot go on, told to its parent or, if nobody caught the error, on standard error. */
import { UserError, type UserErrorCode } from '../errors.ts';
import { endingOf } from './run-main.ts';

const debug = process.env['EPICS_HPC_DEBUG'] === '1';

/** The one line of the error for the parent, which puts its own name in front; `code` is that of unexpected ones. */
export function failureOf(
  error: unknown,
  code: UserErrorCode,
): { readonly line: string; readonly code: UserErrorCode; readonly exitCode: number } {
  const { exitCode, stderr } = endingOf('', error, debug);
  const line = stderr
    .trim()
    .replace(/^: (error: )?/, '')
    .replace(/ \(HPC_[A-Z_]+\)$/, '');
  return { line, code: error instanceof UserError ? error.code : code, exitCode };
}

/**
 * An error that nobody catches, such as a rejection in the processor that nothing waits for, is written and ends this
 * process: the parent replaces it.
 *
 * @param program in front of the line, as it is then
 */
export function endOnUncaught(program: () => string): void {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      const { exitCode, stderr } = endingOf(program(), error, debug);
      process.stderr.write(stderr, () => process.exit(exitCode));
    });
  }
}
