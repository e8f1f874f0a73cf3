import { defineConfig } from 'vitest/config';

/** Branches of the rooms that read what strangers send: below this `npm run coverage` fails. */
const LEAST = { branches: 95 };

export default defineConfig({
  test: {
    include: ['packages/epics-pva-ts/test/**/*.test.ts'],
    // What measures memory says nothing about branches; what runs a README needs a build.
    exclude: [
      '**/test/hostile/server-floods.test.ts',
      '**/test/docs/readme.test.ts',
      '**/node_modules/**',
      '**/dist/**',
    ],
    pool: 'forks',
    maxWorkers: 2,
    // A stall of the machine is no failure: what is polled for has this long, not vitest's second.
    expect: { poll: { timeout: 20_000 } },
    testTimeout: 60_000,
    hookTimeout: 30_000,
    coverage: {
      enabled: true,
      provider: 'v8',
      include: ['packages/epics-pva-ts/src/**'],
      reporter: ['text', 'json'],
      reportsDirectory: 'coverage',
      thresholds: {
        'packages/epics-pva-ts/src/wire/**': LEAST,
        'packages/epics-pva-ts/src/frame/**': LEAST,
        'packages/epics-pva-ts/src/value/**': LEAST,
        'packages/epics-pva-ts/src/message/**': LEAST,
        'packages/epics-pva-ts/src/connection/**': LEAST,
      },
    },
  },
});
