/** The arguments of Hdf5WriterProcessor. */
import { type Arguments, numberArgument } from './arguments.ts';
import { type FileNameFormat, fileNameFormat } from './file-name-format.ts';
import { outputFolder } from './whole-file.ts';

/** The arguments, checked. */
export interface Hdf5Settings {
  /** Absolute path; it is there. */
  readonly folder: string;
  readonly format: FileNameFormat;
  readonly nImagesPerFile: number;
  readonly datasetName: string;
  /** 0: not compressed; 1 to 9: gzip. */
  readonly gzip: number;
  /** Images that are flushed together. */
  readonly flushImages: number;
  /** Longest time an image waits to be flushed, in s. */
  readonly flushSeconds: number;
}

/** Names that stand beside the images in the file. */
const TAKEN = ['entry', 'uniqueId', 'timeStamp', 'dataTimeStamp'];
const whole = { least: 1, whole: true } as const;

/**
 * Reads the arguments; what is not given is as in `present`, or the default.
 * @throws Error in one line, and no folder was made unless all else makes sense
 */
export function hdf5Settings(args: Arguments, present?: Hdf5Settings): Hdf5Settings {
  const settings = {
    format:
      args['outputFileNameFormat'] === undefined && present
        ? present.format
        : fileNameFormat(args['outputFileNameFormat'] ?? '{outputFileId:06}.{processorId}.hdf'),
    nImagesPerFile: numberArgument(args, 'nImagesPerFile', {
      ...whole,
      default: present?.nImagesPerFile ?? 1000,
    }),
    datasetName: datasetName(args['datasetName'] ?? present?.datasetName ?? 'images'),
    gzip: compression(args, present?.gzip ?? 0),
    flushImages: numberArgument(args, 'flushImages', { ...whole, default: present?.flushImages ?? 100 }),
    flushSeconds: numberArgument(args, 'flushSeconds', { least: 0.01, default: present?.flushSeconds ?? 1 }),
  };
  const given = args['outputDirectory'];
  const folder = given === undefined && present ? present.folder : outputFolder(given ?? '.');
  return { folder, ...settings };
}

function datasetName(given: unknown): string {
  if (typeof given === 'string' && /^[^/.][^/]*$/.test(given) && !TAKEN.includes(given)) return given;
  throw new Error(
    `argument datasetName: ${JSON.stringify(given)} is not a name for the images: no path, and none of ${TAKEN.join(', ')}`,
  );
}

function compression(args: Arguments, present: number): number {
  const given = args['compression'] ?? (present > 0 ? 'gzip' : 'none');
  if (given !== 'none' && given !== 'gzip')
    throw new Error(`argument compression: ${JSON.stringify(given)} is not one of none, gzip`);
  const level = numberArgument(args, 'compressionLevel', { ...whole, default: present || 1 });
  if (level > 9) throw new Error(`argument compressionLevel: ${level} is not a whole number from 1 to 9`);
  return given === 'none' ? 0 : level;
}
