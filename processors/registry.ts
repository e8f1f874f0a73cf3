/** The ready-made processors, by the name `--processor-class` takes without a file. */
export const PROCESSORS: Readonly<Record<string, () => Promise<unknown>>> = {
  /** Passes every object through to the output channel. */
  UserDataProcessor: async () => (await import('../src/processor/user-data-processor.ts')).UserDataProcessor,
};
