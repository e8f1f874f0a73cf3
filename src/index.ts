/**
 * Every public name of epics-hpc: what processors are made of.
 *
 * @module epics-hpc
 */

export type { NumericArray, PvData, TimeStamp, TypeSpec } from 'epics-pva-ts';
export { NTNDArray, nowTimeStamp, SharedPV, struct, TypeDef, typeOf, UnionValue, Value } from 'epics-pva-ts';
export { type FrameImage, imageOf } from '../processors/frame-image.ts';
export type { UserErrorCode, UserErrorOptions } from './errors.ts';
export { UserError } from './errors.ts';
export type { Logger } from './log.ts';
export type {
  MetadataQueue,
  ProcessorConfig,
  ProcessorOutput,
  PvObject,
} from './processor/user-data-processor.ts';
export { UserDataProcessor } from './processor/user-data-processor.ts';
export { UserMpDataProcessor } from './processor/user-mp-data-processor.ts';
