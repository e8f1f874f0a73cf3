/**
 * PostedUpdate: one update on its way to any number of subscribers.
 *
 * It is encoded at most once for all who asked for every field; an update received from elsewhere and passed on
 * untouched is not encoded at all, its received bytes are sent. Holders count, so that receive memory returns to
 * its pool when the last socket has taken the bytes.
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
  private raw: boolean;
  private size: number | undefined;

  /** Takes `value` over: a snapshot that nobody else changes. */
  constructor(value: Value) {
    this.value = value;
    this.raw = false;
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

  /** Is the receive memory needed until the bytes are sent? */
  get borrowsMemory(): boolean {
    return this.raw;
  }

  /** Mask and fields, little endian, as chunks in order. */
  chunks(selection: BitSet | undefined): readonly Uint8Array[] {
    if (selection) return encode(this.value, selection);
    if (!this.encoded) {
      const raw = this.value.rawBytes(true);
      this.raw = raw !== null;
      this.encoded = raw ? [raw] : encode(this.value, undefined);
    }
    return this.encoded;
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

function encode(value: Value, selection: BitSet | undefined): Uint8Array[] {
  try {
    value.encodePartial(writer, selection);
  } catch (error) {
    // What was written of this update must not become the beginning of the next one.
    writer.finish();
    throw error;
  }
  return writer.finish();
}
