/**
 * FieldDesc bytes <-> TypeDef, and the per-connection cache of types received.
 *
 * `FD id type` defines, `FE id` refers, `FC id tag type` is core-pva's tagged form, `FF` is null. The cache lives
 * as long as its TCP connection and serves one direction, so every FieldDesc must be decoded in the order of
 * arrival, wanted or not. We always send types inline, as PVXS does; a received definition replaces an older one.
 */
import { DecodeError } from '../errors.ts';
import {
  MAX_CACHED_FIELDS,
  MAX_CACHED_TYPE_BYTES,
  MAX_CACHED_TYPES,
  MAX_FIELD_NAME_BYTES,
  MAX_FIXED_ARRAY,
  MAX_RECENT_TYPE_BYTES,
  MAX_TYPE_DEFINITIONS,
  MAX_TYPE_DEPTH,
  MAX_TYPE_FIELDS,
} from '../limits.ts';
import { NULL_SIZE, type WireReader } from '../wire/reader.ts';
import { WireWriter } from '../wire/writer.ts';
import { RecentTypes } from './recent-types.ts';
import { BOUNDED_STRING_CODE, KIND_OF_CODE } from './type-code.ts';
import { type Member, TypeDef, type TypeSpec, typeOf } from './type-def.ts';

/** Limits on what a peer may describe. */
export interface TypeLimits {
  /** Levels of nesting. */
  readonly maxDepth: number;
  /** Fields in one type, counted through references. */
  readonly maxFields: number;
  /** Entries kept per connection (ids are 16-bit). */
  readonly maxCached: number;
  /** Fields of all entries together. */
  readonly maxCachedFields: number;
  /** Bytes of the descriptions of all entries together: names are kept as long as they came. */
  readonly maxCachedBytes: number;
  /** Length of a fixed array, which is made whole even when it does not come. */
  readonly maxFixed: number;
}

export const TYPE_LIMITS: TypeLimits = {
  maxDepth: MAX_TYPE_DEPTH,
  maxFields: MAX_TYPE_FIELDS,
  maxCached: MAX_CACHED_TYPES,
  maxCachedFields: MAX_CACHED_FIELDS,
  maxCachedBytes: MAX_CACHED_TYPE_BYTES,
  maxFixed: MAX_FIXED_ARRAY,
};

/** A type, and what it counts for in its cache. */
interface CachedType {
  readonly type: TypeDef;
  readonly fields: number;
  readonly bytes: number;
}

/** Types received on one connection in one direction, by id. */
export class TypeCache {
  private readonly types = new Map<number, CachedType>();
  /** What definitions replaced, while on trial. */
  private journal: [id: number, before: CachedType | undefined][] | null = null;
  readonly limits: TypeLimits;
  /** Those that came without an id. */
  recent: RecentTypes = new RecentTypes();
  /** The same, while on trial. */
  private readonly recentOnTrial = new RecentTypes();
  /** Fields of all entries together. */
  private fields = 0;
  /** Bytes of their descriptions. */
  private bytes = 0;
  /** Counts definitions and references: bytes that used the cache cannot be forwarded as they are. */
  uses = 0;

  constructor(limits: TypeLimits = TYPE_LIMITS) {
    this.limits = limits;
  }

  /** Keeps a type of so many fields, whose description takes so many bytes. @throws DecodeError when full */
  define(id: number, type: TypeDef, fields: number, bytes = 0): void {
    const before = this.types.get(id);
    const { maxCached, maxCachedFields, maxCachedBytes } = this.limits;
    this.fields += fields - (before?.fields ?? 0);
    this.bytes += bytes - (before?.bytes ?? 0);
    if (
      (!before && this.types.size >= maxCached) ||
      this.fields > maxCachedFields ||
      this.bytes > maxCachedBytes
    )
      throw new DecodeError('too many types defined on this connection');
    this.journal?.push([id, before]);
    this.types.set(id, { type, fields, bytes });
  }

  /**
   * Runs `scan` and then, if that used the cache, takes back what it defined. Types without an id are all new to it: they
   * will be when the field is read, and must cost then what they cost now. @returns whether it used the cache
   */
  trial(scan: () => void): boolean {
    const { uses, recent } = this;
    const journal: NonNullable<typeof this.journal> = [];
    this.journal = journal;
    this.recent = this.recentOnTrial.clear();
    scan();
    this.recent = recent;
    this.journal = null;
    if (this.uses === uses) return false;
    for (const [id, before] of journal.reverse()) {
      const now = this.types.get(id);
      this.fields += (before?.fields ?? 0) - (now?.fields ?? 0);
      this.bytes += (before?.bytes ?? 0) - (now?.bytes ?? 0);
      if (before) this.types.set(id, before);
      else this.types.delete(id);
    }
    return true;
  }

  get(id: number): CachedType {
    const entry = this.types.get(id);
    if (!entry)
      throw new DecodeError(`reference to type id ${id}, which was never defined on this connection`);
    return entry;
  }
}

/** Simple types are shared, not rebuilt. */
const simple = new Map<number, TypeDef>();
for (const kind of KIND_OF_CODE.values()) {
  if (kind === 'struct' || kind === 'union') continue;
  for (const spec of [kind, `${kind}[]`]) {
    const type = typeOf(spec as TypeSpec);
    simple.set(type.code, type);
  }
}

/** @returns null for the null type (`FF`). @throws DecodeError */
export function decodeType(r: WireReader, cache: TypeCache): TypeDef | null {
  // The overwhelmingly common case inside values: a plain scalar or array.
  const plain = simple.get(r.bytes[r.offset] as number);
  if (plain && r.offset < r.end) {
    r.offset++;
    return plain;
  }
  const known = cache.recent.find(r);
  if (known) return known;
  const { uses } = cache;
  const from = r.offset;
  const type = decode(r, cache, 0, { left: cache.limits.maxFields });
  // What an id refers to may be another type the next time.
  if (type && cache.uses === uses) cache.recent.keep(type, r, from);
  return type;
}

function decode(
  r: WireReader,
  cache: TypeCache,
  depth: number,
  budget: { left: number },
  wraps = 0,
): TypeDef | null {
  if (depth > cache.limits.maxDepth)
    throw new DecodeError(`type nested deeper than ${cache.limits.maxDepth} levels`);
  const at = r.offset;
  const code = r.u8();
  if (code === 0xff) return null;
  if (code === 0xfe) {
    cache.uses++;
    const { type, fields } = cache.get(r.u16());
    if (depth + type.depth > cache.limits.maxDepth)
      throw new DecodeError(`type nested deeper than ${cache.limits.maxDepth} levels`);
    spend(budget, fields);
    return type;
  }
  if (code === 0xfd || code === 0xfc) {
    cache.uses++;
    const id = r.u16();
    if (code === 0xfc) r.i32();
    const before = budget.left;
    if (wraps >= MAX_TYPE_DEFINITIONS)
      throw new DecodeError(`more than ${MAX_TYPE_DEFINITIONS} definitions of one type`);
    const type = decode(r, cache, depth, budget, wraps + 1);
    if (type) cache.define(id, type, before - budget.left, r.offset - at);
    return type;
  }
  spend(budget, 1);
  const plain = simple.get(code);
  if (plain) return plain;
  if (code === BOUNDED_STRING_CODE) return new TypeDef('string', 'none', bound(r));
  const kind = KIND_OF_CODE.get(code & ~0x18);
  const form = (code >> 3) & 3;
  if (kind === undefined) throw new DecodeError(`unknown type code 0x${code.toString(16)} at offset ${at}`);
  if (kind !== 'struct' && kind !== 'union') {
    if (form < 2 || kind === 'any')
      throw new DecodeError(`unknown type code 0x${code.toString(16)} at offset ${at}`);
    const length = bound(r);
    if (form === 3 && length > cache.limits.maxFixed)
      throw new DecodeError(`fixed array of ${length} elements; the limit is ${cache.limits.maxFixed}`);
    return new TypeDef(kind, form === 2 ? 'bounded' : 'fixed', length);
  }
  if (form > 1) throw new DecodeError(`bounded or fixed array of ${kind} at offset ${at}`);
  if (form === 1) {
    const element = decode(r, cache, depth + 1, budget);
    if (!element || element.kind !== kind || element.isArray)
      throw new DecodeError(`array of ${kind} at offset ${at} with another element type`);
    return element.asArray();
  }
  const id = identifier(r);
  const n = r.count(2);
  const members: Member[] = [];
  const names = new Set<string>();
  for (let i = 0; i < n; i++) {
    const at = r.offset;
    const name = identifier(r);
    // Fields are found by dotted paths. pvDataCPP makes no such types either.
    if (name === '' || name.includes('.') || names.has(name))
      throw new DecodeError(
        `field name '${name.slice(0, 40)}' is empty, dotted or there twice, at offset ${at}`,
      );
    names.add(name);
    const type = decode(r, cache, depth + 1, budget);
    if (!type) throw new DecodeError(`member '${name}' without a type at offset ${r.offset - 1}`);
    members.push({ name, type });
  }
  // pvDataCPP: a union without members is the variant union.
  if (kind === 'union' && n === 0) return typeOf('any');
  return new TypeDef(kind, 'none', 0, id === 'structure' || id === 'union' ? '' : id, members);
}

/** A type id or the name of a member. */
function identifier(r: WireReader): string {
  const at = r.offset;
  const text = r.string();
  if (r.offset - at > MAX_FIELD_NAME_BYTES)
    throw new DecodeError(`type id or field name of more than ${MAX_FIELD_NAME_BYTES} bytes at offset ${at}`);
  return text;
}

function bound(r: WireReader): number {
  const n = r.size();
  if (n === NULL_SIZE) throw new DecodeError(`null bound at offset ${r.offset - 1}`);
  return n;
}

function spend(budget: { left: number }, n: number): void {
  budget.left -= n;
  if (budget.left < 0) throw new DecodeError('type with too many fields');
}

/** Descriptions in little and in big endian, as they were sent. */
const descriptions = [new WeakMap<TypeDef, Buffer>(), new WeakMap<TypeDef, Buffer>()] as const;

/** Writes a type inline. `null` writes the null type. */
export function encodeType(w: WireWriter, type: TypeDef | null): void {
  if (type === null) w.u8(0xff);
  else if (type.members.length === 0) describe(w, type);
  else w.bytes(description(type, w.littleEndian));
}

function description(type: TypeDef, littleEndian: boolean): Buffer {
  const kept = descriptions[littleEndian ? 0 : 1];
  const known = kept.get(type);
  if (known) return known;
  const w = new WireWriter(littleEndian);
  describe(w, type);
  const bytes = Buffer.from(w.finishBytes());
  if (bytes.length <= MAX_RECENT_TYPE_BYTES) kept.set(type, bytes);
  return bytes;
}

function describe(w: WireWriter, type: TypeDef): void {
  w.u8(type.code);
  if (type.array === 'bounded' || type.array === 'fixed' || type.code === BOUNDED_STRING_CODE)
    w.size(type.bound);
  if (type.kind !== 'struct' && type.kind !== 'union') return;
  if (type.isArray) {
    describe(w, type.element);
    return;
  }
  w.string(type.id);
  w.size(type.members.length);
  for (const m of type.members) {
    w.string(m.name);
    describe(w, m.type);
  }
}
