/** The two bundles that are published, of the same compiled modules (decision 0004). */
const common = {
  input: 'dist/src/index.js',
  platform: 'node',
  // What one of the formats has not, as import.meta, must not be published in the other.
  onLog: (level, log, handle) => handle(level === 'warn' ? 'error' : level, log),
};

export default [
  { ...common, output: { format: 'esm', file: 'dist/index.js' } },
  { ...common, output: { format: 'cjs', file: 'cjs/dist/index.js', esModule: true } },
];
