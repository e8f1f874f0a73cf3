/**
 * The YAML description of raw binary files (`--config-file`), as PvaPy's simulator takes it: text in, checked numbers
 * out. Keys are PvaPy's, `between_frames` and `n_images` included, which PvaPy names but does not heed.
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { DATA_TYPES, type DataType, type DataTypeName, LITTLE_ENDIAN } from './data-type.ts';
import { bad, cannotRead } from './input-file.ts';

/** What the frames of raw binary files are. */
export interface RawConfig {
  /** Bytes before the first frame. */
  readonly headerOffset: number;
  /** Bytes between a frame and the next. */
  readonly betweenFrames: number;
  readonly width: number;
  readonly height: number;
  readonly dataType: DataType;
  readonly littleEndian: boolean;
  /** Frames a file holds; undefined: as many as fit. */
  readonly nImages: number | undefined;
  /** Files to stream, in this order, in place of all those found. */
  readonly orderedFiles: readonly string[] | undefined;
}

const bytes = z.int().min(0).nullish();
const pixels = z.int().min(1);

const SCHEMA = z.object({
  file_info: z.strictObject({
    header_offset: bytes,
    between_frames: bytes,
    width: pixels,
    height: pixels,
    n_images: pixels.nullish(),
    datatype: z.enum(Object.keys(DATA_TYPES) as [DataTypeName, ...DataTypeName[]]),
    endian: z.enum(['little', 'big', '<', '>', '=']).nullish(),
    ordered_files: z.array(z.string().min(1)).min(1).nullish(),
  }),
});

/** A configuration larger than this is none (bytes). */
const MAX_BYTES = 1 << 20;

/** @throws SimError BAD_INPUT: one line with the file, the path of the bad key and what it should be */
export function readRawConfig(path: string): RawConfig {
  let text: Buffer;
  try {
    text = readFileSync(path);
  } catch (error) {
    throw cannotRead(path, error);
  }
  if (text.length > MAX_BYTES) throw bad(path, `${text.length} bytes are too many for a description in YAML`);
  let content: unknown;
  try {
    content = parse(text.toString('utf8'));
  } catch (error) {
    throw bad(path, `not YAML: ${(error as Error).message.split('\n')[0]}`);
  }
  const checked = SCHEMA.safeParse(content);
  if (!checked.success) {
    const issue = checked.error.issues[0]!;
    throw bad(path, `${issue.path.join('.') || 'the file'}: ${issue.message}`);
  }
  const info = checked.data.file_info;
  return {
    headerOffset: info.header_offset ?? 0,
    betweenFrames: info.between_frames ?? 0,
    width: info.width,
    height: info.height,
    dataType: DATA_TYPES[info.datatype],
    littleEndian: info.endian === '=' ? LITTLE_ENDIAN : info.endian !== 'big' && info.endian !== '>',
    nImages: info.n_images ?? undefined,
    orderedFiles: info.ordered_files ?? undefined,
  };
}
