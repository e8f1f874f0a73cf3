/** The options of a benchmark. */
import { type ParseArgsConfig, parseArgs } from 'node:util';

/** @param command as its user typed it. An option there is not ends the process with one line and exit code 2. */
export function benchOptions<O extends NonNullable<ParseArgsConfig['options']>>(
  command: string,
  options: O,
): ReturnType<typeof parseArgs<{ options: O }>>['values'] {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    const known = Object.keys(options).map((name) => `--${name}`);
    console.error(`${command}: ${(error as Error).message}; it takes ${known.join(', ')}`);
    process.exit(2);
  }
}
