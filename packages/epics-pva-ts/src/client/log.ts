/** Where a Context tells what is not an error of one operation. Silent unless the user passes a function. */

/** How important a message to a {@link Log} is. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
/** Called with one line about what is not an error of one operation. */
export type Log = (level: LogLevel, message: string) => void;
/** The default: nothing is told. */
export const noLog: Log = () => {};
