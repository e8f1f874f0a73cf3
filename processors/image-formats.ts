/**
 * Images as the bytes of a file: TIFF (one uncompressed strip, TIFF 6.0 baseline and its sample formats), NumPy's npy
 * 1.0, and PNG by the package fast-png. No I/O: bytes out, in parts, so that pixels need not be copied.
 */
import { bytesOf, type FrameImage } from './frame-image.ts';

/** Makes the bytes of a file, in parts. @throws Error in one line for an image the format cannot hold */
export type ImageEncoder = (image: FrameImage) => readonly Uint8Array[];

const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Element types by the name of their typed array: TIFF's SampleFormat and numpy's kind. */
const SAMPLES: Readonly<Record<string, readonly [tiff: number | undefined, npy: string]>> = {
  Uint8Array: [1, 'u1'],
  Int8Array: [2, 'i1'],
  Uint16Array: [1, 'u2'],
  Int16Array: [2, 'i2'],
  Uint32Array: [1, 'u4'],
  Int32Array: [2, 'i4'],
  BigUint64Array: [undefined, 'u8'],
  BigInt64Array: [undefined, 'i8'],
  Float32Array: [3, 'f4'],
  Float64Array: [3, 'f8'],
};

function sampleOf({ pixels }: FrameImage): readonly [tiff: number | undefined, npy: string] {
  return SAMPLES[pixels[Symbol.toStringTag]] ?? [undefined, ''];
}

function typeName({ pixels }: FrameImage): string {
  return pixels[Symbol.toStringTag].replace(/Array$|Big/g, '').toLowerCase();
}

/** TIFF field types. */
const SHORT = 3;
const LONG = 4;
const TIFF_MAX = 2 ** 32 - 1;

/** One page, one strip. 64-bit integers are refused: readers of TIFF do not know them. */
const encodeTiff: ImageEncoder = (image) => {
  const { width, height, channels, pixels } = image;
  const [sampleFormat] = sampleOf(image);
  if (sampleFormat === undefined)
    throw new Error(`TIFF cannot hold ${typeName(image)}: name the files .npy in outputFileNameFormat`);
  const entries: [tag: number, type: number, value: number | readonly number[]][] = [
    [256, LONG, width],
    [257, LONG, height],
    [258, SHORT, new Array(channels).fill(8 * pixels.BYTES_PER_ELEMENT)],
    [259, SHORT, 1], // not compressed
    [262, SHORT, channels === 3 ? 2 : 1], // RGB, or black is zero
    [273, LONG, 0], // the strip's place, set below
    [277, SHORT, channels],
    [278, LONG, height],
    [279, LONG, pixels.byteLength],
    [284, SHORT, 1], // colours side by side
    [339, SHORT, new Array(channels).fill(sampleFormat)],
  ];
  const ifd = 8;
  let extra = ifd + 2 + entries.length * 12 + 4;
  // Three SHORTs do not fit an entry; readers like pixels of 8 bytes to be aligned.
  const dataOffset = Math.ceil((extra + entries.length * 6) / 16) * 16;
  if (dataOffset + pixels.byteLength > TIFF_MAX)
    throw new Error('TIFF ends at 4 GiB: name the files .npy in outputFileNameFormat');
  const head = new DataView(new ArrayBuffer(dataOffset));
  const le = LITTLE_ENDIAN;
  head.setUint16(0, le ? 0x4949 : 0x4d4d, false);
  head.setUint16(2, 42, le);
  head.setUint32(4, ifd, le);
  head.setUint16(ifd, entries.length, le);
  for (const [i, [tag, type, value]] of entries.entries()) {
    const at = ifd + 2 + i * 12;
    const values = typeof value === 'number' ? [tag === 273 ? dataOffset : value] : value;
    head.setUint16(at, tag, le);
    head.setUint16(at + 2, type, le);
    head.setUint32(at + 4, values.length, le);
    let to = at + 8;
    if (values.length > 2) {
      head.setUint32(to, extra, le);
      to = extra;
      extra += 2 * values.length;
    }
    for (const [k, v] of values.entries())
      if (type === LONG) head.setUint32(to + 4 * k, v, le);
      else head.setUint16(to + 2 * k, v, le);
  }
  return [new Uint8Array(head.buffer), bytesOf(image)];
};

/** Shape `(ny, nx)`, or `(ny, nx, 3)` with colours. */
const encodeNpy: ImageEncoder = (image) => {
  const { width, height, channels } = image;
  const order = image.pixels.BYTES_PER_ELEMENT === 1 ? '|' : LITTLE_ENDIAN ? '<' : '>';
  const shape = [height, width, ...(channels === 3 ? [3] : [])].join(', ');
  const dictionary = `{'descr': '${order}${sampleOf(image)[1]}', 'fortran_order': False, 'shape': (${shape}), }`;
  // The pixels begin at a multiple of 64 bytes, the line feed before them is part of the header.
  const length = Math.ceil((10 + dictionary.length + 1) / 64) * 64 - 10;
  const magic = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, length & 0xff, length >> 8]);
  return [Buffer.concat([magic, Buffer.from(`${dictionary.padEnd(length - 1)}\n`)]), bytesOf(image)];
};

async function pngEncoder(): Promise<ImageEncoder> {
  const { encode } = await import('fast-png');
  return (image) => {
    const { width, height, channels, pixels } = image;
    if (!(pixels instanceof Uint8Array || pixels instanceof Uint16Array))
      throw new Error(
        `PNG holds uint8 and uint16, not ${typeName(image)}: name the files .tiff or .npy in outputFileNameFormat`,
      );
    return [
      encode({ width, height, channels, data: pixels, depth: pixels.BYTES_PER_ELEMENT === 1 ? 8 : 16 }),
    ];
  };
}

const FORMATS: Readonly<Record<string, () => Promise<ImageEncoder>>> = {
  '.tiff': async () => encodeTiff,
  '.tif': async () => encodeTiff,
  '.png': pngEncoder,
  '.npy': async () => encodeNpy,
};

/** The format of a file's ending, loaded on use. @throws Error in one line for an ending that is not known */
export function imageFormat(extension: string): () => Promise<ImageEncoder> {
  const found = Object.hasOwn(FORMATS, extension) ? FORMATS[extension] : undefined;
  if (found) return found;
  throw new Error(
    `argument outputFileNameFormat: the ending '${extension}' is not one of ${Object.keys(FORMATS).join(', ')}`,
  );
}
