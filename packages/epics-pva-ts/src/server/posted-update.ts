/**
 * PostedUpdate: one update on its way to any number of subscribers.
 *
 * It is encoded at most once for all who asked for every field, and straight into the connection for one alone; an
 * update received from elsewhere and passed on untouched is not encoded at all, its received bytes are sent. Holders
 * count, so that receive memory returns to its pool when the last socket has taken the bytes.
 */

import { AnyValue, UnionValue } from '../value/containers.ts';
import type { FieldNode, TypeDef } from '../value/type-def.ts';
import type { Value } from '../value/value.ts';
import type { BitSet } from '../wire/bit-set.ts';
import { WireWriter } from '../wire/writer.ts';

/** Arrays of at least this many bytes are sent by reference. */
const REFERENCE_FROM = 4096;

export class PostedUpdate {
  readonly value: Value;
  private holders = 1;
  private encoded: readonly Uint8Array[] | null = null;
  /** The received bytes, if they can be sent on; undefined until somebody asks. */
  private raw: Uint8Array | null | undefined = undefined;
  private readonly shared: boolean;
  private size: number | undefined;

  /**
   * Takes `value` over: a snapshot that nobody else changes.
   * @param shared more than one subscriber may get it
   */
  constructor(value: Value, shared = true) {
    this.value = value;
    this.shared = shared;
  }

  retain(): this {
    this.holders++;
    return this;
  }

  release(): void {
    if (--this.holders === 0) this.value.release();
    // The PV keeps its latest update for its value; the bytes have been sent.
    if (this.holders <= 1) this.encoded = null;
  }

  /** Bytes of its arrays, roughly what it keeps in memory; found out when somebody asks. */
  get bytes(): number {
    this.size ??= arrayBytes(this.value);
    return this.size;
  }

  private rawBytes(): Uint8Array | null {
    if (this.raw === undefined) this.raw = this.value.rawBytes(true);
    return this.raw;
  }

  /** Is the receive memory needed until the bytes of all fields are sent? */
  get borrowsMemory(): boolean {
    return this.rawBytes() !== null;
  }

  /** Mask and all fields, little endian, as chunks in order; the same ones for all. */
  chunks(): readonly Uint8Array[] {
    if (!this.encoded) {
      const raw = this.rawBytes();
      this.encoded = raw ? [raw] : encode(this.value);
    }
    return this.encoded;
  }

  /** Writes mask and fields: for one subscriber alone, and for who wants some fields, without a detour. */
  writeTo(w: WireWriter, selection: BitSet | undefined): void {
    if (selection || (!this.shared && !this.rawBytes())) this.value.encodePartial(w, selection);
    else for (const chunk of this.chunks()) w.bytesOrReference(chunk);
  }
}

/** Paths of the fields of a type that may hold arrays. */
const arrayPaths = new WeakMap<TypeDef, readonly string[]>();

function arrayBytes(value: Value): number {
  if (value.receivedBytes > 0) return value.receivedBytes;
  let paths = arrayPaths.get(value.type);
  if (!paths) {
    const mayHold = ({ type, isStruct }: FieldNode): boolean =>
      !isStruct && (type.isArray || type.kind === 'union' || type.kind === 'any');
    paths = value.type.nodes.filter(mayHold).map((n) => n.path);
    arrayPaths.set(value.type, paths);
  }
  let bytes = 0;
  for (const path of paths) {
    const field = value.get(path);
    const held = field instanceof UnionValue || field instanceof AnyValue ? field.value : field;
    if (ArrayBuffer.isView(held)) bytes += held.byteLength;
    // A reference and what little is behind it.
    else if (Array.isArray(held)) bytes += 64 * held.length;
  }
  return bytes;
}

/** Encoding is synchronous, so one writer serves all PVs. */
const writer = new WireWriter(true, 64 * 1024, REFERENCE_FROM);

function encode(value: Value): Uint8Array[] {
  try {
    value.encodePartial(writer);
  } catch (error) {
    // What was written of this update must not become the beginning of the next one.
    writer.finish();
    throw error;
  }
  return writer.finish();
}
