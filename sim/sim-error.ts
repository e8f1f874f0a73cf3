/**
 * The one error class of the simulator: what a user can put right (an option, an input file), as one line of text
 * and a stable code. Anything else that is thrown in `sim/` is a fault of the program.
 */

/** `BAD_OPTION`: a value given by the user cannot be used. `BAD_INPUT`: an input file cannot be used. */
export type SimErrorCode = 'BAD_OPTION' | 'BAD_INPUT';

/** An error a user can put right; `message` is one line: what, where, what to do. */
export class SimError extends Error {
  readonly code: SimErrorCode;

  constructor(code: SimErrorCode, message: string) {
    super(message);
    this.name = 'SimError';
    this.code = code;
  }
}
