/** What is said of key files that others can read. */
import type { Logger } from '../src/log.ts';
import type { SecretKey } from './key-file.ts';

/** One warning for each key file that others than its owner have rights to. */
export function warnOfOpenFiles(keys: readonly SecretKey[], logger: Logger): void {
  for (const { file, open } of keys)
    if (open !== undefined)
      logger.warning(`key file '${file}' is open to others (mode ${open.toString(8)}): chmod 600 '${file}'`);
}
