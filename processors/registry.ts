/** The ready-made processors, by the name `--processor-class` takes without a file. */
export const PROCESSORS: Readonly<Record<string, () => Promise<unknown>>> = {
  /** Passes every object through to the output channel. */
  UserDataProcessor: async () => (await import('../src/processor/user-data-processor.ts')).UserDataProcessor,
  RotateProcessor: async () => (await import('./rotate-processor.ts')).RotateProcessor,
  MovingAverageProcessor: async () => (await import('./moving-average-processor.ts')).MovingAverageProcessor,
  ImageStatisticsProcessor: async () =>
    (await import('./image-statistics-processor.ts')).ImageStatisticsProcessor,
  MetadataProcessor: async () => (await import('./metadata-processor.ts')).MetadataProcessor,
  SplitTilesProcessor: async () => (await import('./split-tiles-processor.ts')).SplitTilesProcessor,
  EncryptProcessor: async () => (await import('./encrypt-processor.ts')).EncryptProcessor,
  DecryptProcessor: async () => (await import('./decrypt-processor.ts')).DecryptProcessor,
  StitchTilesProcessor: async () => (await import('./stitch-tiles-processor.ts')).StitchTilesProcessor,
  OutputFileProcessor: async () => (await import('./output-file-processor.ts')).OutputFileProcessor,
  /** Brings the HDF5 library with it, when it starts. */
  Hdf5WriterProcessor: async () => (await import('./hdf5-writer-processor.ts')).Hdf5WriterProcessor,
  /** PvaPy's names. */
  AdImageProcessor: async () => (await import('./image-processor.ts')).AdImageProcessor,
  DataEncryptor: async () => (await import('./ad-image-encryption.ts')).DataEncryptor,
  DataDecryptor: async () => (await import('./ad-image-encryption.ts')).DataDecryptor,
  AdImageDataEncryptor: async () => (await import('./ad-image-encryption.ts')).AdImageDataEncryptor,
  AdImageDataDecryptor: async () => (await import('./ad-image-encryption.ts')).AdImageDataDecryptor,
  AdOutputFileProcessor: async () => (await import('./output-file-processor.ts')).AdOutputFileProcessor,
  Hdf5AdImageWriter: async () => (await import('./hdf5-writer-processor.ts')).Hdf5AdImageWriter,
};
