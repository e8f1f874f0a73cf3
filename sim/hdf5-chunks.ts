/**
 * Finds the stored chunk of a frame in an HDF5 file, which h5wasm has no call for (H5Dread_chunk): looks it up in the
 * dataset's chunk index. Source: HDF5 File Format Specification 3.0, III.A, VII.B, VII.C.
 */
import { type ChunkLayout, Hdf5Bytes, readChunkLayout, UNDEFINED_ADDRESS } from './hdf5-layout.ts';
import { findInTree } from './hdf5-tree.ts';

/** Where a chunk is stored. */
export interface StoredChunk {
  /** Position in the file, bytes. */
  readonly position: number;
  /** Bytes as stored. */
  readonly size: number;
  /** Bit i: filter i of the dataset was left out for this chunk. */
  readonly filterMask: number;
}

/** Levels of a B-tree; more make a loop. */
const MAX_LEVELS = 32;

/** The chunks of a dataset that has one for every frame. */
export class ChunkIndex {
  private readonly file: Hdf5Bytes;
  private readonly layout: ChunkLayout;
  /** Chunks from a frame's number to the next one's in arrays: more than 1 if the image may still grow. */
  private readonly stride: number;

  /**
   * @param objectHeader address of the dataset's object header
   * @param stride chunks that the largest possible image would have
   * @throws Error with the reason, without the name of the file, if the index is of a kind that is not read here
   */
  constructor(path: string, objectHeader: bigint, stride: number) {
    this.file = new Hdf5Bytes(path);
    this.layout = readChunkLayout(this.file, objectHeader);
    this.stride = stride;
    const { index } = this.layout;
    if (index === 'implicit') throw new Error('an index of chunks that are not compressed');
    this.close();
  }

  /** The chunk of frame `i`, undefined if none was written. @throws Error if the index is damaged */
  find(i: number): StoredChunk | undefined {
    const { layout } = this;
    if (layout.address === UNDEFINED_ADDRESS) return undefined;
    switch (layout.index) {
      case 'b-tree v1':
        return this.inTree(layout.address, layout.nDimensions, i);
      case 'b-tree v2': {
        const found = findInTree(this.file, layout.address, layout.nDimensions, i);
        return found && { ...found, position: this.file.position(found.address) };
      }
      case 'fixed array':
        return this.element(fixedArrayElement(this.file, layout.address, i * this.stride));
      case 'extensible array':
        return this.element(extensibleArrayElement(this.file, layout.address, i * this.stride));
      case 'single': {
        const { size, filterMask } = layout;
        return i === 0 ? { position: this.file.position(layout.address), size, filterMask } : undefined;
      }
    }
    return undefined;
  }

  /** The stored bytes. @throws Error if they are not all there */
  read({ position, size }: StoredChunk): Buffer<ArrayBuffer> {
    if (position + size > this.file.size) throw new Error('a chunk lies beyond the end of the file');
    return this.file.readPixels(position, size);
  }

  close(): void {
    this.file.close();
  }

  /** Keys are [size, filter mask, offset in each dimension]; a child holds what lies from its key to the next. */
  private inTree(root: bigint, nDimensions: number, i: number): StoredChunk | undefined {
    const keySize = 8 + 8 * nDimensions;
    let address = root;
    for (let n = 0; n < MAX_LEVELS; n++) {
      const head = this.file.at(address, 24);
      signature(head, 'TREE');
      const [level, used] = [head.readUInt8(5), head.readUInt16LE(6)];
      const node = this.file.at(address + 24n, used * (keySize + 8) + keySize);
      let entry = -1;
      while (entry + 1 < used && !isAfter(node, (entry + 1) * (keySize + 8) + 8, nDimensions, i)) entry++;
      if (entry < 0) return undefined;
      const at = entry * (keySize + 8);
      address = node.readBigUInt64LE(at + keySize);
      if (level > 0) continue;
      if (node.readBigUInt64LE(at + 8) !== BigInt(i)) return undefined;
      const [size, filterMask] = [node.readUInt32LE(at), node.readUInt32LE(at + 4)];
      return { position: this.file.position(address), size, filterMask };
    }
    throw new Error('a B-tree with a loop');
  }

  /** An element for a filtered chunk: address, size, filter mask; the size takes what the others leave. */
  private element(bytes: Buffer | undefined): StoredChunk | undefined {
    const address = bytes?.readBigUInt64LE(0);
    if (bytes === undefined || address === undefined || address === UNDEFINED_ADDRESS) return undefined;
    const width = Math.min(bytes.length - 12, 6);
    return {
      position: this.file.position(address),
      size: bytes.readUIntLE(8, width),
      filterMask: bytes.readUInt32LE(bytes.length - 4),
    };
  }
}

/** Whether the offsets of a key lie behind those of frame `i`, (i, 0, 0, ...). */
function isAfter(node: Buffer, at: number, nDimensions: number, i: number): boolean {
  const first = Number(node.readBigUInt64LE(at));
  if (first !== i) return first > i;
  for (let d = 1; d < nDimensions; d++) if (node.readBigUInt64LE(at + 8 * d) !== 0n) return true;
  return false;
}

function signature(bytes: Buffer, expected: string): void {
  if (bytes.toString('latin1', 0, 4) !== expected) throw new Error(`no ${expected} where its address says`);
}

/** Client 1 stores elements of filtered chunks. */
function filteredElementSize(header: Buffer): number {
  const size = header.readUInt8(6);
  if (header.readUInt8(5) !== 1 || size < 13) throw new Error('an index of chunks that are not compressed');
  return size;
}

/**
 * Element `i` of the elements behind the prefix of a data block: in pages, each with a checksum behind it, if there are
 * more than a page holds. A page that was never written is all zeros, as are its bits in the bitmap: no address is 0.
 */
function blockElement(
  file: Hdf5Bytes,
  elements: bigint,
  i: number,
  size: number,
  pageElements: number | undefined,
): Buffer | undefined {
  const page = pageElements === undefined ? 0 : Math.floor(i / pageElements);
  const bytes = file.at(elements + BigInt(i * size + page * 4), size);
  return bytes.every((byte) => byte === 0) ? undefined : bytes;
}

function fixedArrayElement(file: Hdf5Bytes, address: bigint, i: number): Buffer | undefined {
  const header = file.at(address, 24);
  signature(header, 'FAHD');
  const size = filteredElementSize(header);
  const pageElements = 2 ** header.readUInt8(7);
  const count = Number(header.readBigUInt64LE(8));
  const block = header.readBigUInt64LE(16);
  if (i >= count || block === UNDEFINED_ADDRESS) return undefined;
  signature(file.at(block, 4), 'FADB');
  const prefix = 14n;
  if (count <= pageElements) return blockElement(file, block + prefix, i, size, undefined);
  const bitmap = Math.ceil(Math.ceil(count / pageElements) / 8);
  // A checksum behind the bitmap.
  return blockElement(file, block + prefix + BigInt(bitmap + 4), i, size, pageElements);
}

/**
 * The first elements are in the index block, then come data blocks whose number and size grow; those of the first super
 * blocks have their addresses in the index block too, later ones in super blocks of their own.
 */
function extensibleArrayElement(file: Hdf5Bytes, address: bigint, i: number): Buffer | undefined {
  const header = file.at(address, 68);
  signature(header, 'EAHD');
  const size = filteredElementSize(header);
  const [maxBits, inIndex, smallest, pointers, pageBits] = header.subarray(7, 12) as unknown as number[];
  const indexBlock = header.readBigUInt64LE(60);
  if (i >= Number(header.readBigUInt64LE(44)) || indexBlock === UNDEFINED_ADDRESS) return undefined;
  signature(file.at(indexBlock, 4), 'EAIB');
  const prefix = 14;
  if (i < inIndex!) return blockElement(file, indexBlock + BigInt(prefix), i, size, undefined);

  const rest = i - inIndex!;
  const superBlock = Math.floor(Math.log2(Math.floor(rest / smallest!) + 1));
  const blockElements = 2 ** Math.floor((superBlock + 1) / 2) * smallest!;
  const inSuperBlock = rest - (2 ** superBlock - 1) * smallest!;
  const blockNumber = Math.floor(inSuperBlock / blockElements);
  const offsetBytes = Math.ceil(maxBits! / 8);
  const paged = blockElements > 2 ** pageBits!;
  const addresses = indexBlock + BigInt(prefix + inIndex! * size);
  const nDirect = 2 * Math.log2(pointers!);
  let blockAddress: bigint;
  if (superBlock < nDirect) {
    blockAddress = file
      .at(addresses + BigInt(8 * (blocksBefore(superBlock) + blockNumber)), 8)
      .readBigUInt64LE(0);
  } else {
    const at = addresses + BigInt(8 * (2 * (pointers! - 1) + superBlock - nDirect));
    const superAddress = file.at(at, 8).readBigUInt64LE(0);
    if (superAddress === UNDEFINED_ADDRESS) return undefined;
    signature(file.at(superAddress, 4), 'EASB');
    const nBlocks = 2 ** Math.floor(superBlock / 2);
    const bitmaps = paged ? nBlocks * Math.ceil(blockElements / 2 ** pageBits! / 8) : 0;
    const first = superAddress + BigInt(prefix + offsetBytes + bitmaps);
    blockAddress = file.at(first + BigInt(8 * blockNumber), 8).readBigUInt64LE(0);
  }
  if (blockAddress === UNDEFINED_ADDRESS) return undefined;
  signature(file.at(blockAddress, 4), 'EADB');
  const elements = blockAddress + BigInt(prefix + offsetBytes + (paged ? 4 : 0));
  return blockElement(file, elements, inSuperBlock % blockElements, size, paged ? 2 ** pageBits! : undefined);
}

/** Data blocks of the super blocks before this one: super block u has 2^floor(u / 2). */
function blocksBefore(superBlock: number): number {
  let n = 0;
  for (let u = 0; u < superBlock; u++) n += 2 ** Math.floor(u / 2);
  return n;
}
