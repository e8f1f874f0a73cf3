/**
 * The framework's error type: mistakes and refusals a user can do something about.
 * Every room may import this file; it imports nothing.
 */

/** A stable, searchable name of a cause, such as `HPC_BAD_ARGUMENT` or `HPC_PROCESSOR_LOAD`. */
export type UserErrorCode = `HPC_${string}`;

/** Extra facts of a {@link UserError}. */
export interface UserErrorOptions {
  /** Exit code of the command that fails with this error; 1 when not given. */
  readonly exitCode?: number;
  /** The error behind this one; shown only with EPICS_HPC_DEBUG=1. */
  readonly cause?: unknown;
}

/**
 * An error that is reported to the user as one line, without a stack trace: its message says what went wrong,
 * where, and what to do. Anything else that is thrown counts as a fault of the program.
 */
export class UserError extends Error {
  /** `UserError`. */
  override readonly name = 'UserError';
  /** Stable name of the cause. */
  readonly code: UserErrorCode;
  /** Exit code of the command that fails with this error; 1 if undefined. */
  readonly exitCode: number | undefined;

  constructor(code: UserErrorCode, message: string, options: UserErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.exitCode = options.exitCode;
  }
}
