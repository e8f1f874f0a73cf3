/**
 * From what the user names (a file, a directory, a description of raw files) to one source of frames: finds the files,
 * tells their formats apart and loads the reader of a format when a file needs it.
 */
import { readdirSync, statSync } from 'node:fs';
import { dirname, extname, join, resolve } from 'node:path';
import { FileFrames, type SkippedFile } from './file-frames.ts';
import type { FrameFile } from './frame-file.ts';
import type { ColorMode } from './frame-source.ts';
import { bad, cannotRead, InputFile, plural } from './input-file.ts';
import { NpyFile } from './npy-file.ts';
import type { RawConfig } from './raw-config.ts';
import { SimError } from './sim-error.ts';

export interface InputOptions {
  /** Single files. What their names do not say is told from their first bytes. */
  files?: readonly string[];
  /** All input files of this directory, not those of directories in it. */
  directory?: string | undefined;
  /** At most so many frames, counted over all files; 0 or less: all. Default 0. */
  nFrames?: number;
  /** Layout in which colour frames are published. Default that of the files. */
  colorMode?: ColorMode;
  /** Path of the dataset in HDF5 files. */
  hdfDataset?: string | undefined;
  /** Stream compressed chunks of HDF5 files as they are stored. */
  hdfAsStored?: boolean;
  /** YAML file that describes raw binary files. */
  configFile?: string | undefined;
}

type Format = 'npy' | 'hdf5' | 'tiff' | 'raw';

const FORMATS: Readonly<Record<string, Format>> = {
  '.npy': 'npy',
  '.h5': 'hdf5',
  '.hdf': 'hdf5',
  '.hdf5': 'hdf5',
  '.tif': 'tiff',
  '.tiff': 'tiff',
};
const EXTENSIONS = Object.keys(FORMATS).join(', ');
const UNKNOWN = `not ${EXTENSIONS}`;
const NPZ = '.npz is an archive: save each array with numpy.save';

/**
 * Opens the input files in the order of their names, only as many as `nFrames` needs.
 *
 * @throws SimError BAD_INPUT with the path and the reason for a file that cannot be streamed, and for a directory
 *   without input files; BAD_OPTION if neither a file nor a directory is given or an option is missing
 */
export async function openInput(options: InputOptions): Promise<FileFrames> {
  const { configFile } = options;
  const config =
    configFile === undefined ? undefined : (await import('./raw-config.ts')).readRawConfig(configFile);
  const { found, skipped } = findFiles(options, config);
  const limit = options.nFrames !== undefined && options.nFrames > 0 ? options.nFrames : Infinity;
  const files: FrameFile[] = [];
  let nFrames = 0;
  for (const { path, format } of found) {
    if (nFrames >= limit) break;
    const file = await open(path, format, options, config);
    files.push(file);
    nFrames += file.nFrames;
  }
  return new FileFrames({ files, skipped, nFrames: options.nFrames ?? 0, colorMode: options.colorMode });
}

interface Found {
  readonly path: string;
  readonly format: Format;
}

function findFiles(
  options: InputOptions,
  config: RawConfig | undefined,
): { found: Found[]; skipped: SkippedFile[] } {
  const { directory, configFile = '' } = options;
  if (config?.orderedFiles) {
    const base = directory ?? dirname(configFile);
    const paths = config.orderedFiles.map((name) => resolve(base, name));
    return { found: paths.map((path) => ({ path, format: formatOf(path) ?? 'raw' })), skipped: [] };
  }
  const found = (options.files ?? []).map((path) => ({
    path,
    format: formatOf(path) ?? (config ? 'raw' : formatOfContent(path)),
  }));
  const skipped: SkippedFile[] = [];
  if (directory !== undefined) {
    for (const name of listFiles(directory)) {
      const path = join(directory, name);
      const format = formatOf(name) ?? (config && resolve(path) !== resolve(configFile) ? 'raw' : undefined);
      if (format) found.push({ path, format });
      else skipped.push({ name, reason: reasonOf(name, path, configFile) });
    }
    if (found.length === 0) throw bad(directory, `there is no input file in this directory${hint(skipped)}`);
  }
  if (found.length === 0) throw new SimError('BAD_OPTION', 'no input file or directory was given');
  return {
    found: found.sort((a, b) => compare(a.path, b.path)),
    skipped: skipped.sort((a, b) => compare(a.name, b.name)),
  };
}

function reasonOf(name: string, path: string, configFile: string): string {
  if (configFile !== '' && resolve(path) === resolve(configFile)) return 'the configuration';
  return extname(name).toLowerCase() === '.npz' ? NPZ : UNKNOWN;
}

function hint(skipped: readonly SkippedFile[]): string {
  if (skipped.length === 0) return ': it is empty';
  return `: ${plural(skipped.length, 'file')} skipped (${skipped[0]!.reason}); raw binary files need --config-file`;
}

/** By bytes, as Python sorts: the same order on every machine. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function listFiles(directory: string): string[] {
  try {
    return readdirSync(directory).filter(
      (name) => statSync(join(directory, name), { throwIfNoEntry: false })?.isFile() === true,
    );
  } catch (error) {
    throw cannotRead(directory, error);
  }
}

function formatOf(path: string): Format | undefined {
  return FORMATS[extname(path).toLowerCase()];
}

/** The format of a file whose name does not say it. @throws SimError BAD_INPUT */
function formatOfContent(path: string): Format {
  const file = new InputFile(path);
  const start = file.read(0, 8).toString('latin1');
  file.close();
  if (start.startsWith('\x93NUMPY')) return 'npy';
  if (start === '\x89HDF\r\n\x1a\n') return 'hdf5';
  if (/^(II[*+]\0|MM\0[*+])/.test(start)) return 'tiff';
  if (extname(path).toLowerCase() === '.npz') throw bad(path, NPZ);
  throw bad(path, `unknown format: ${EXTENSIONS} are known, raw binary files need --config-file`);
}

async function open(
  path: string,
  format: Format,
  options: InputOptions,
  config: RawConfig | undefined,
): Promise<FrameFile> {
  switch (format) {
    case 'npy':
      return new NpyFile(path);
    case 'hdf5': {
      const { hdfDataset, hdfAsStored = false } = options;
      return (await import('./hdf5-file.ts')).Hdf5File.open(path, hdfDataset, hdfAsStored);
    }
    case 'tiff':
      return new (await import('./tiff-file.ts')).TiffFile(path);
    case 'raw':
      return new (await import('./raw-file.ts')).RawFile(path, config!);
  }
}
