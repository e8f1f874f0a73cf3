/** Where a Context tells what is not an error of one operation. Silent unless the user passes a function. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type Log = (level: LogLevel, message: string) => void;
export const noLog: Log = () => {};
