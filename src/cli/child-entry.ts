/** The processes that commands start beside their own. */

/** What to fork: it is beside the bundles, and commands run from there (rolldown.config.mjs). */
export function childEntry(name: 'consumer-child' | 'demo-simulator' | 'processor-worker-child'): URL {
  return new URL(`./${name}-entry.cjs`, import.meta.url);
}
