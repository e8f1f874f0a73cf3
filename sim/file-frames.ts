/**
 * The frames of one or more input files as one source, whatever their formats. Which files there are is
 * `input-files.ts`'s; how one is read is its format's.
 */
import { type LayOut, layOutOf } from './colour-layout.ts';
import type { DataType, TypedArray } from './data-type.ts';
import type { FrameFile } from './frame-file.ts';
import {
  COLOR_MODES,
  type ColorMode,
  checkFrameNumber,
  colorModeName,
  type FrameShape,
  type FrameSource,
  frameShape,
} from './frame-source.ts';
import { bad, plural } from './input-file.ts';
import { SimError } from './sim-error.ts';

/** A file that was found but is not streamed. */
export interface SkippedFile {
  readonly name: string;
  readonly reason: string;
}

export interface FileFramesOptions {
  /** In the order in which their frames come. */
  files: readonly FrameFile[];
  skipped?: readonly SkippedFile[];
  /** At most so many frames, counted over all files; 0 or less: all. Default 0. */
  nFrames?: number;
  /** Layout in which colour frames are published; MONO and undefined: as the files have them, RGB1. */
  colorMode?: ColorMode | undefined;
}

/** A file and the number that its first frame has in the source. */
interface Part {
  readonly file: FrameFile;
  readonly firstFrame: number;
  /** Frames taken from this file. */
  readonly nFrames: number;
}

/** Files that `description()` names one by one. */
const MAX_LISTED = 10;
/** Names in the line of one reason. */
const MAX_NAMES = 3;

/**
 * Frames of files, one file after the other. Every frame is read by its position when it is asked for; one file is open
 * at a time. PvaPy differs: it cuts the list of files, not of frames, by `-nf`, and that before it is sorted.
 */
export class FileFrames implements FrameSource {
  readonly dataType: DataType;
  readonly shape: FrameShape;
  readonly nFrames: number;
  readonly codec: string | undefined;
  private readonly parts: readonly Part[];
  private readonly skipped: readonly SkippedFile[];
  private readonly layOut: LayOut | undefined;
  private current: Part;

  /**
   * @throws SimError BAD_INPUT, with the name of the file whose frames have another shape, type or codec than those of
   *   the first file; BAD_OPTION for a colour layout that compressed frames cannot be given, or without a file
   */
  constructor(options: FileFramesOptions) {
    const limit = options.nFrames !== undefined && options.nFrames > 0 ? options.nFrames : Infinity;
    const parts: Part[] = [];
    let nFrames = 0;
    for (const file of options.files) {
      if (nFrames >= limit) break;
      checkAlike(file, parts[0]?.file ?? file);
      const part = { file, firstFrame: nFrames, nFrames: Math.min(file.nFrames, limit - nFrames) };
      parts.push(part);
      nFrames += part.nFrames;
    }
    const first = parts[0];
    if (first === undefined) throw new SimError('BAD_OPTION', 'no input file or directory was given');
    this.parts = parts;
    this.current = first;
    this.skipped = options.skipped ?? [];
    this.nFrames = nFrames;
    const { dataType, shape, codec } = first.file;
    this.dataType = dataType;
    this.codec = codec;
    const mode =
      shape.colorMode === COLOR_MODES.MONO ? shape.colorMode : options.colorMode || shape.colorMode;
    this.shape = frameShape(shape.nx, shape.ny, mode);
    this.layOut = mode === shape.colorMode ? undefined : layOutOf(mode);
    if (this.layOut && codec !== undefined)
      throw new SimError(
        'BAD_OPTION',
        `frames that are streamed as stored (${codec}) stay RGB1: leave the color mode ${mode} out`,
      );
  }

  frame(i: number): TypedArray {
    checkFrameNumber(i, this.nFrames);
    const { file, firstFrame } = this.partOf(i);
    const frame = file.read(i - firstFrame);
    return this.layOut ? this.layOut(frame, this.shape.nx, this.shape.ny) : frame;
  }

  description(): string[] {
    const lines = this.parts.slice(0, MAX_LISTED).map(({ file, nFrames }) => {
      const { nx, ny, colorMode } = file.shape;
      const color = colorMode === COLOR_MODES.MONO ? '' : ` ${colorModeName(colorMode)}`;
      const what = `${plural(nFrames, 'frame')} of ${nx}x${ny}${color} ${file.dataType.name}`;
      const codec = file.codec === undefined ? '' : `, ${file.codec} as stored`;
      return `Loaded input file ${file.path} (${what}${codec}${file.note ? `; ${file.note}` : ''})`;
    });
    const more = this.parts.slice(MAX_LISTED);
    if (more.length > 0) {
      const n = more.reduce((sum, { nFrames }) => sum + nFrames, 0);
      lines.push(`Loaded ${plural(more.length, 'more input file')} (${plural(n, 'frame')})`);
    }
    if (this.layOut) lines.push(`Publishing color mode: ${colorModeName(this.shape.colorMode)}`);
    return [...lines, ...skippedLines(this.skipped)];
  }

  close(): void {
    this.current.file.close();
  }

  /** The file of frame `i`; frames are mostly asked for in order. */
  private partOf(i: number): Part {
    const { firstFrame, nFrames } = this.current;
    if (i >= firstFrame && i < firstFrame + nFrames) return this.current;
    let low = 0;
    let high = this.parts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.parts[middle]!.firstFrame <= i) low = middle;
      else high = middle - 1;
    }
    this.close();
    this.current = this.parts[low]!;
    return this.current;
  }
}

/** One line for each reason. */
function skippedLines(skipped: readonly SkippedFile[]): string[] {
  const byReason = new Map<string, string[]>();
  for (const { name, reason } of skipped) {
    const names = byReason.get(reason);
    if (names) names.push(name);
    else byReason.set(reason, [name]);
  }
  return [...byReason].map(([reason, names]) => {
    const listed = names.slice(0, MAX_NAMES).join(', ') + (names.length > MAX_NAMES ? ', ...' : '');
    return `Skipped ${plural(names.length, 'file')} (${reason}): ${listed}`;
  });
}

function checkAlike(file: FrameFile, first: FrameFile): void {
  const [mine, others] = [file, first].map(
    ({ shape, dataType, codec }) =>
      `[${shape.dimensions.join(', ')}] ${dataType.name}${codec === undefined ? '' : ` ${codec}`}`,
  );
  if (mine !== others) {
    throw bad(file.path, `its frames are ${mine}, but those of ${first.path} are ${others}: stream one kind`);
  }
}
