import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'packages/*/test/**/*.test.ts'],
    exclude: ['test/interop/**', '**/node_modules/**', '**/dist/**'],
    pool: 'forks',
    // Processes of tests leave nothing in the home of who runs them.
    env: { XDG_CACHE_HOME: fileURLToPath(new URL('node_modules/.cache', import.meta.url)) },
    // Tests of the commands wait more than they work.
    maxWorkers: 3,
    // A stall of the machine is no failure: what is polled for has this long, not vitest's second.
    expect: { poll: { timeout: 20_000 } },
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
