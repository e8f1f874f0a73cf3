/**
 * RawBody: the undecoded bytes of a large update ("frames stay bytes").
 *
 * Arrival only scans the message for where each field begins; a field is decoded when somebody asks for it, and an
 * untouched update is forwarded as the same bytes. The offsets are trusted because the scan has read every one.
 */
import { LocalProtocolError } from '../errors.ts';
import type { MemoryBlock } from '../wire/memory-block.ts';
import { WireReader } from '../wire/reader.ts';
import type { WireWriter } from '../wire/writer.ts';
import { DecodeContext } from './decode-context.ts';
import { codecOf } from './field-codec.ts';
import { isNumericKind } from './type-code.ts';
import type { FieldNode } from './type-def.ts';
import type { PvData } from './value.ts';

/** Updates and requests of at least this many bytes are decoded only when asked for. */
export const LAZY_FROM = 4096;

/** Lazy reads are synchronous and do not nest, so one reader and one context serve them all. */
const reader = new WireReader();
const context = new DecodeContext();

export class RawBody {
  readonly bytes: Buffer;
  /** Offset of the mask that begins the update. */
  readonly start: number;
  /** Offset behind the last field. */
  readonly end: number;
  readonly littleEndian: boolean;
  /** Where each field begins, by field number; undefined for fields that did not come. */
  readonly offsets: readonly (number | undefined)[];
  private readonly viewFrom: number;
  private block: MemoryBlock | null;
  private released = false;

  constructor(
    bytes: Buffer,
    start: number,
    end: number,
    littleEndian: boolean,
    offsets: readonly (number | undefined)[],
    viewFrom: number,
    block: MemoryBlock | null,
  ) {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.littleEndian = littleEndian;
    this.offsets = offsets;
    this.viewFrom = viewFrom;
    this.block = block;
    block?.retain();
  }

  get isReleased(): boolean {
    return this.released;
  }

  /** Another holder of the same bytes; of released ones there is nothing more to hold. */
  share(): RawBody {
    if (this.released) return this;
    return new RawBody(
      this.bytes,
      this.start,
      this.end,
      this.littleEndian,
      this.offsets,
      this.viewFrom,
      this.block,
    );
  }

  /** Gives up the bytes; reading an undecoded field afterwards throws. */
  release(): void {
    if (this.released) return;
    this.released = true;
    this.block?.release();
    this.block = null;
  }

  private alive(): void {
    if (this.released)
      throw new LocalProtocolError('this update was released; keep what you need before that');
  }

  has(node: FieldNode): boolean {
    return this.offsets[node.index] !== undefined;
  }

  decode(node: FieldNode): PvData {
    this.alive();
    this.begin();
    context.viewFrom = this.viewFrom;
    context.block = this.block;
    return codecOf(node.type).decode(this.at(node), context);
  }

  /** The number in a field, without a bigint for one of 64 bits; NaN if it holds none. */
  number(node: FieldNode): number {
    const { kind, isArray } = node.type;
    if (isArray || !isNumericKind(kind)) return Number.NaN;
    if (kind !== 'long' && kind !== 'ulong') return this.decode(node) as number;
    this.alive();
    const at = this.offsets[node.index] as number;
    const { bytes, littleEndian } = this;
    const low = littleEndian ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at + 4);
    const highAt = littleEndian ? at + 4 : at;
    if (kind === 'ulong')
      return (littleEndian ? bytes.readUInt32LE(highAt) : bytes.readUInt32BE(highAt)) * 2 ** 32 + low;
    return (littleEndian ? bytes.readInt32LE(highAt) : bytes.readInt32BE(highAt)) * 2 ** 32 + low;
  }

  /** Copies a field's bytes to a message in the same byte order. */
  copyField(node: FieldNode, w: WireWriter): void {
    this.alive();
    const r = this.at(node);
    const start = r.offset;
    this.begin();
    context.block = null;
    codecOf(node.type).skip(r, context);
    if (this.block && r.offset - start >= w.referenceFrom) w.refersTo(this.block);
    w.bytesOrReference(this.bytes.subarray(start, r.offset));
  }

  /** As the scan began it: the scan has found that the whole message costs no more than one may. */
  private begin(): void {
    context.begin(this.end - this.start);
    context.types.recent.clear();
  }

  private at(node: FieldNode): WireReader {
    return reader.reset(this.bytes, this.littleEndian, this.offsets[node.index] as number, this.end);
  }
}
