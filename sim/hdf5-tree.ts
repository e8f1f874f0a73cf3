/**
 * The chunk index of HDF5 datasets that may grow in several dimensions: a version 2 B-tree with records of filtered
 * chunks. Source: HDF5 File Format Specification 3.0, III.A.2 and record type 11.
 */
import type { Hdf5Bytes } from './hdf5-layout.ts';

/** Record type of filtered chunks. */
const FILTERED_CHUNKS = 11;
/** Signature, version, type and checksum of a node. */
const NODE_OVERHEAD = 10;
const PREFIX = 6;

/** What a record says of its chunk. */
export interface ChunkRecord {
  readonly address: bigint;
  readonly size: number;
  readonly filterMask: number;
}

/** Bytes that hold numbers up to `limit`. */
function bytesFor(limit: number): number {
  return Math.floor(Math.log2(limit) / 8) + 1;
}

/**
 * Bytes of a pointer to a child, for nodes of each depth: address, records in the child and, from depth 2 on, records in
 * all that is below it. The widths follow from what nodes of this size can hold at most.
 */
function pointerSizes(nodeSize: number, recordSize: number, depth: number): number[] {
  const inLeaf = Math.floor((nodeSize - NODE_OVERHEAD) / recordSize);
  const sizes = [0];
  let below = inLeaf;
  for (let d = 1; d <= depth; d++) {
    const size = 8 + bytesFor(inLeaf) + (d > 1 ? bytesFor(below) : 0);
    sizes.push(size);
    const inNode = Math.floor((nodeSize - NODE_OVERHEAD - size) / (recordSize + size));
    below = (inNode + 1) * below + inNode;
  }
  return sizes;
}

/**
 * The record of the chunk with the scaled offsets (i, 0, 0, ...), undefined if there is none.
 *
 * @param nDimensions of the dataset
 * @throws Error if the tree is damaged
 */
export function findInTree(
  file: Hdf5Bytes,
  address: bigint,
  nDimensions: number,
  i: number,
): ChunkRecord | undefined {
  const header = file.at(address, 34);
  if (header.toString('latin1', 0, 4) !== 'BTHD' || header.readUInt8(5) !== FILTERED_CHUNKS)
    throw new Error('no B-tree of filtered chunks where its address says');
  const [nodeSize, recordSize] = [header.readUInt32LE(6), header.readUInt16LE(10)];
  const depth = header.readUInt16LE(12);
  const pointers = pointerSizes(nodeSize, recordSize, depth);
  const offsets = recordSize - 8 * nDimensions;
  let node = header.readBigUInt64LE(16);
  let count = header.readUInt16LE(24);
  for (let d = depth; d >= 0; d--) {
    const bytes = file.at(node, nodeSize);
    if (bytes.toString('latin1', 0, 4) !== (d > 0 ? 'BTIN' : 'BTLF'))
      throw new Error('no node of a B-tree where its address says');
    let n = 0;
    let order = -1;
    while (n < count && order < 0) {
      order = compare(bytes, PREFIX + n * recordSize + offsets, nDimensions, i);
      if (order < 0) n++;
    }
    if (n < count && order === 0) return record(bytes, PREFIX + n * recordSize, offsets);
    const child = PREFIX + count * recordSize + n * pointers[d]!;
    if (d === 0) return undefined;
    node = bytes.readBigUInt64LE(child);
    count = bytes.readUIntLE(child + 8, bytesFor(Math.floor((nodeSize - NODE_OVERHEAD) / recordSize)));
  }
  return undefined;
}

/** Below 0 if the offsets at `at` lie before (i, 0, 0, ...), 0 if they are these. */
function compare(bytes: Buffer, at: number, nDimensions: number, i: number): number {
  const first = Number(bytes.readBigUInt64LE(at));
  if (first !== i) return first - i;
  for (let d = 1; d < nDimensions; d++) if (bytes.readBigUInt64LE(at + 8 * d) !== 0n) return 1;
  return 0;
}

/** Address, size in what is left of the record, filter mask. */
function record(bytes: Buffer, at: number, offsets: number): ChunkRecord {
  return {
    address: bytes.readBigUInt64LE(at),
    size: bytes.readUIntLE(at + 8, Math.min(offsets - 12, 6)),
    filterMask: bytes.readUInt32LE(at + offsets - 4),
  };
}
