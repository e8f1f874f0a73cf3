/**
 * Where an HDF5 dataset keeps its chunk index: from the address of the object header to the data layout message. No
 * more of the format is read here, the rest is h5wasm's. Source: HDF5 File Format Specification 3.0, II, IV.A.
 */
import { InputFile } from './input-file.ts';

/** What HDF5 writes for "no address". */
export const UNDEFINED_ADDRESS = 2n ** 64n - 1n;

/** An index, and what its lookup needs to know (File Format Specification IV.A.2.i, versions 3 and 4; 5 is 4 with wider sizes). */
export type ChunkLayout =
  | { readonly index: 'b-tree v1'; readonly address: bigint; readonly nDimensions: number }
  | { readonly index: 'single'; readonly address: bigint; readonly size: number; readonly filterMask: number }
  | { readonly index: 'fixed array'; readonly address: bigint }
  | { readonly index: 'extensible array'; readonly address: bigint }
  | { readonly index: 'b-tree v2'; readonly address: bigint; readonly nDimensions: number }
  | { readonly index: 'implicit'; readonly address: bigint };

/** Continuations of an object header that are followed. */
const MAX_BLOCKS = 1000;
const LAYOUT_MESSAGE = 0x0008;
const CONTINUATION_MESSAGE = 0x0010;
const CHUNKED = 2;

/** A file in HDF5's own terms: addresses count from its base address. */
export class Hdf5Bytes {
  private readonly file: InputFile;
  private readonly base: number;

  /** @throws Error with the reason, if the sizes of addresses are not those of any writer in use */
  constructor(path: string) {
    this.file = new InputFile(path);
    const start = superblockPosition(this.file);
    const superblock = this.file.read(start, 40);
    const version = superblock.readUInt8(8);
    const sizes = version < 2 ? superblock.subarray(13, 15) : superblock.subarray(9, 11);
    if (sizes[0] !== 8 || sizes[1] !== 8) throw new Error(`addresses of ${sizes[0]} bytes`);
    const at = version === 0 ? 24 : version === 1 ? 28 : 12;
    this.base = Number(superblock.readBigUInt64LE(at));
  }

  /** Position in the file of an address. */
  position(address: bigint): number {
    return this.base + Number(address);
  }

  /** Bytes at an address: `length` of them, or as many as the file has. */
  at(address: bigint, length: number): Buffer {
    return this.file.read(this.position(address), length);
  }

  get size(): number {
    return this.file.size;
  }

  readPixels(position: number, length: number): Buffer<ArrayBuffer> {
    return this.file.readPixels(position, length);
  }

  close(): void {
    this.file.close();
  }
}

function superblockPosition(file: InputFile): number {
  for (let at = 0; at < file.size; at = at === 0 ? 512 : at * 2)
    if (file.read(at, 8).toString('latin1') === '\x89HDF\r\n\x1a\n') return at;
  throw new Error('no superblock');
}

/**
 * The layout message of the dataset whose object header is at `address`.
 *
 * @throws Error with the reason: not chunked, or a version of the format that is not known
 */
export function readChunkLayout(file: Hdf5Bytes, address: bigint): ChunkLayout {
  const layout = findLayoutMessage(file, address);
  if (!layout) throw new Error('no data layout');
  const version = layout.readUInt8(0);
  if (version < 3 || version > 5) throw new Error(`data layout of version ${version}`);
  if (layout.readUInt8(1) !== CHUNKED) throw new Error('not stored in chunks');
  if (version === 3) {
    return { index: 'b-tree v1', nDimensions: layout.readUInt8(2), address: layout.readBigUInt64LE(3) };
  }
  const flags = layout.readUInt8(2);
  let at = 5 + layout.readUInt8(3) * layout.readUInt8(4);
  const index = layout.readUInt8(at++);
  switch (index) {
    case 1: {
      const filtered = (flags & 2) !== 0;
      if (!filtered) throw new Error('a chunk that is not compressed');
      const size = Number(layout.readBigUInt64LE(at));
      const filterMask = layout.readUInt32LE(at + 8);
      return { index: 'single', size, filterMask, address: layout.readBigUInt64LE(at + 12) };
    }
    case 2:
      return { index: 'implicit', address: layout.readBigUInt64LE(at) };
    case 3:
      return { index: 'fixed array', address: layout.readBigUInt64LE(at + 1) };
    case 4:
      return { index: 'extensible array', address: layout.readBigUInt64LE(at + 5) };
    case 5:
      // The last dimension of the layout is the size of an element.
      return {
        index: 'b-tree v2',
        nDimensions: layout.readUInt8(3) - 1,
        address: layout.readBigUInt64LE(at + 6),
      };
    default:
      throw new Error(`chunk index of type ${index}`);
  }
}

/** Walks the messages of an object header (version 1 or 2) and its continuations. */
function findLayoutMessage(file: Hdf5Bytes, address: bigint): Buffer | undefined {
  const start = file.at(address, 16 + 4 * 8);
  const second = start.toString('latin1', 0, 4) === 'OHDR';
  const blocks: { address: bigint; length: number }[] = [];
  // Only version 2 keeps the order of creation beside every message.
  let head = 8;
  if (second) {
    const flags = start.readUInt8(5);
    const at = 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0);
    const width = 1 << (flags & 3);
    head = flags & 4 ? 6 : 4;
    blocks.push({
      address: address + BigInt(at + width),
      length: Number(width === 8 ? start.readBigUInt64LE(at) : start.readUIntLE(at, width)),
    });
  } else {
    if (start.readUInt8(0) !== 1) throw new Error(`object header of version ${start.readUInt8(0)}`);
    blocks.push({ address: address + 16n, length: start.readUInt32LE(8) });
  }
  for (let n = 0; n < Math.min(blocks.length, MAX_BLOCKS); n++) {
    const block = file.at(blocks[n]!.address, blocks[n]!.length);
    for (let at = 0; at + head <= block.length; ) {
      const type = second ? block.readUInt8(at) : block.readUInt16LE(at);
      const size = block.readUInt16LE(second ? at + 1 : at + 2);
      const data = block.subarray(at + head, at + head + size);
      if (type === LAYOUT_MESSAGE) return data;
      if (type === CONTINUATION_MESSAGE) {
        const [to, length] = [data.readBigUInt64LE(0), Number(data.readBigUInt64LE(8))];
        // Version 2: a signature before the messages and a checksum behind them.
        blocks.push(second ? { address: to + 4n, length: length - 8 } : { address: to, length });
      }
      at += head + size;
    }
  }
  return undefined;
}
