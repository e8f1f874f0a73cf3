/**
 * RecentTypes: types whose descriptions came lately on a connection, found again by the bytes of their description.
 *
 * A call's argument brings its type with every call, and PVXS and this library send no ids for it. The same bytes are
 * the same TypeDef, with all that has been compiled for it; 60 fields are not built anew for every image.
 */
import { MAX_RECENT_TYPE_BYTES, MAX_RECENT_TYPES } from '../limits.ts';
import type { WireReader } from '../wire/reader.ts';
import type { TypeDef } from './type-def.ts';

interface RecentType {
  readonly type: TypeDef;
  readonly description: Buffer;
  readonly littleEndian: boolean;
}

export class RecentTypes {
  private readonly types: RecentType[] = [];
  /** The next place to be used again. */
  private oldest = 0;

  /** The type described next, if that description is known; it is read then. */
  find(r: WireReader): TypeDef | undefined {
    for (const { type, description, littleEndian } of this.types) {
      const end = r.offset + description.length;
      if (end > r.end || littleEndian !== r.littleEndian) continue;
      if (r.bytes[end - 1] !== description[description.length - 1]) continue;
      if (description.compare(r.bytes, r.offset, end) !== 0) continue;
      r.offset = end;
      return type;
    }
    return undefined;
  }

  /** Forgets them all. */
  clear(): this {
    this.types.length = 0;
    this.oldest = 0;
    return this;
  }

  /** Keeps a type that was just read, whose description begins at `from` and refers to no type id. */
  keep(type: TypeDef, r: WireReader, from: number): void {
    if (r.offset - from > MAX_RECENT_TYPE_BYTES) return;
    const { littleEndian } = r;
    this.types[this.oldest] = {
      type,
      description: Buffer.from(r.bytes.subarray(from, r.offset)),
      littleEndian,
    };
    this.oldest = (this.oldest + 1) % MAX_RECENT_TYPES;
  }
}
