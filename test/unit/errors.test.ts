/** UserError: what commands and applications rely on when something is wrong that a user can put right. */
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';

describe('UserError', () => {
  it('is an Error with a stable code, and an exit code and cause if given', () => {
    const cause = new Error('ENOENT');
    const error = new UserError('HPC_LOG_FILE', 'cannot write x', { exitCode: 2, cause });
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe('UserError');
    expect(error.message).toBe('cannot write x');
    expect(error.code).toBe('HPC_LOG_FILE');
    expect(error.exitCode).toBe(2);
    expect(error.cause).toBe(cause);
  });

  it('has neither exit code nor cause by default', () => {
    const error = new UserError('HPC_BAD_ARGUMENT', 'no');
    expect(error.exitCode).toBeUndefined();
    expect('cause' in error).toBe(false);
  });
});
