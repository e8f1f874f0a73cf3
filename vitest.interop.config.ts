import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/interop/**/*.test.ts'],
    pool: 'forks',
    // Processes of tests leave nothing in the home of who runs them.
    env: { XDG_CACHE_HOME: fileURLToPath(new URL('node_modules/.cache', import.meta.url)) },
    // Two files at a time: the peers are real processes that share two cores, and mostly wait for each other.
    maxWorkers: 2,
    // A stall of the machine is no failure: what is polled for has this long, not vitest's second.
    expect: { poll: { timeout: 20_000 } },
    testTimeout: 120_000,
    hookTimeout: 300_000,
  },
});
