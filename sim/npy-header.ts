/**
 * The header of a NumPy `.npy` file, versions 1 to 3: bytes in, element type and shape out. No I/O: `npy-file.ts`
 * reads files. Source of the format: NumPy's documentation of `numpy.lib.format`.
 */
import { DATA_TYPES, type DataType, type DataTypeName, LITTLE_ENDIAN } from './data-type.ts';

/** The array that a `.npy` file holds. */
export interface NpyHeader {
  /** Position of the first element in the file, bytes. */
  readonly dataOffset: number;
  readonly dataType: DataType;
  /** The elements are of the other byte order than this machine's. */
  readonly swapped: boolean;
  readonly fortranOrder: boolean;
  /** NumPy's shape: slowest dimension first. */
  readonly shape: readonly number[];
}

/** Bytes from the start of a file that hold any header accepted here. NumPy itself stops at 10,000 by default. */
export const MAX_HEADER_BYTES = 65_536;

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY

const TYPES: Readonly<Record<string, DataTypeName>> = {
  b1: 'uint8',
  i1: 'int8',
  u1: 'uint8',
  i2: 'int16',
  u2: 'uint16',
  i4: 'int32',
  u4: 'uint32',
  i8: 'int64',
  u8: 'uint64',
  f4: 'float32',
  f8: 'float64',
};

/**
 * Reads the header at the start of a file.
 *
 * @param bytes the first MAX_HEADER_BYTES bytes of the file, or all of it if it is shorter
 * @throws Error with the reason, without the name of the file: not a .npy file, truncated, an unknown version, an
 *   element type that no image has (objects, text, records, complex numbers, float16)
 */
export function parseNpyHeader(bytes: Uint8Array): NpyHeader {
  if (bytes.length === 0) throw new Error('not a .npy file: it is empty');
  if (!MAGIC.every((byte, i) => i >= bytes.length || bytes[i] === byte)) {
    const zip = bytes[0] === 0x50 && bytes[1] === 0x4b;
    throw new Error(
      `not a .npy file${zip ? ' but an archive (.npz?): save each array with numpy.save' : ''}`,
    );
  }
  if (bytes.length < 12) throw new Error('truncated: it ends within the header');
  const major = bytes[6]!;
  if (major < 1 || major > 3)
    throw new Error(`.npy version ${major}.${bytes[7]} is not supported, only 1 to 3`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = major === 1 ? 10 : 12;
  const dataOffset = start + (major === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (dataOffset > MAX_HEADER_BYTES) throw new Error(`its header of ${dataOffset} bytes is too long`);
  if (dataOffset > bytes.length) throw new Error('truncated: it ends within the header');
  const encoding = major === 3 ? 'utf8' : 'latin1';
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, dataOffset - start).toString(encoding);
  return { dataOffset, ...parseElementType(text), ...parseLayout(text) };
}

function parseElementType(text: string): Pick<NpyHeader, 'dataType' | 'swapped'> {
  const match = /(['"])descr\1\s*:\s*(?:(['"])([\x20-\x7e]{0,40}?)\2|(\[))/.exec(text);
  if (match === null) throw new Error('its header has no element type (descr)');
  if (match[4] !== undefined) throw new Error('it holds records, not pixels: save one numeric field of them');
  const descr = match[3]!;
  if (/^\|?O/.test(descr))
    throw new Error('it holds Python objects, not pixels: save an array of a numeric dtype');
  const order = descr[0]!;
  const code = descr.slice(1);
  const known = Object.hasOwn(TYPES, code) && '<>|='.includes(order);
  if (!known) {
    const names = Object.keys(DATA_TYPES).join(', ');
    throw new Error(`element type '${descr}' is not supported: use bool, ${names}`);
  }
  const dataType = DATA_TYPES[TYPES[code]!];
  const foreign = order === (LITTLE_ENDIAN ? '>' : '<');
  return { dataType, swapped: foreign && dataType.bytesPerElement > 1 };
}

function parseLayout(text: string): Pick<NpyHeader, 'fortranOrder' | 'shape'> {
  const order = /(['"])fortran_order\1\s*:\s*(True|False)\b/.exec(text);
  if (order === null) throw new Error('its header does not say fortran_order');
  const shape = /(['"])shape\1\s*:\s*\(([^()]*)\)/.exec(text);
  if (shape === null) throw new Error('its header has no shape');
  return { fortranOrder: order[2] === 'True', shape: parseShape(shape[2]!) };
}

function parseShape(text: string): number[] {
  const sizes = text.split(',').map((size) => size.trim());
  // A tuple of one is written (5,) and an empty one ().
  if (sizes.at(-1) === '') sizes.pop();
  // Python 2 wrote long integers as 3L.
  if (!sizes.every((size) => /^\d+L?$/.test(size))) {
    const shown = text
      .replace(/[^\x20-\x7e]+/g, ' ')
      .slice(0, 40)
      .trim();
    throw new Error(`its header has a bad shape (${shown})`);
  }
  return sizes.map((size) => Number.parseInt(size, 10));
}
