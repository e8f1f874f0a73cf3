/** The version of this suite, from its package.json. */
import { readFileSync } from 'node:fs';

function read(): string {
  // From dist/src as well as from src: the nearest package.json upwards is this package's.
  for (const up of ['../package.json', '../../package.json']) {
    try {
      return (JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as { version: string }).version;
    } catch {
      // Not here: look further up.
    }
  }
  return 'unknown';
}

export const VERSION: string = read();
