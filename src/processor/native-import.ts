/**
 * Which files jiti may leave to Node's own `import()` (rolldown.config.mjs). What Node loads gets another copy of
 * `epics-hpc` than the one that is running, if it finds one: then an NTNDArray of the processor is none for the consumer.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Of the user's own files none; of packages those that do not name the suite. For all others jiti's way is right. */
export async function nativeImport(id: string): Promise<unknown> {
  if (namesSuite(id)) throw new Error(`${id} gets the running suite`);
  return import(id);
}

function namesSuite(id: string): boolean {
  const path = id.startsWith('file:') ? fileURLToPath(id) : id;
  if (!/[\\/].*\.[cm]?js$/.test(path)) return false;
  if (!/[\\/]node_modules[\\/]/.test(path)) return true;
  try {
    return /['"]epics-(?:hpc|pva-ts)\b/.test(readFileSync(path, 'utf8'));
  } catch {
    return false;
  }
}
