/**
 * The ready-made processors as classes, for users who derive their own from one: `epics-hpc/processors` in a processor
 * file. Apart from `epics-hpc`, so that commands with a ready-made processor load that one only. Those that bring libraries
 * with them (HDF5, msgpack) are not among them: every processor file would wait for those.
 *
 * @module epics-hpc/processors
 */
export { AdImageProcessor } from './image-processor.ts';
export { ImageStatisticsProcessor } from './image-statistics-processor.ts';
export { MetadataProcessor } from './metadata-processor.ts';
export { MovingAverageProcessor } from './moving-average-processor.ts';
export { OutputFileProcessor } from './output-file-processor.ts';
export { RotateProcessor } from './rotate-processor.ts';
export { SplitTilesProcessor } from './split-tiles-processor.ts';
export { StitchTilesProcessor } from './stitch-tiles-processor.ts';
