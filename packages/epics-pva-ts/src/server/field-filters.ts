/**
 * FieldFilters: what the field options of a pvRequest make of the values one client gets: `value[array=0:9]`,
 * `value[deadband=abs:0.5]`, `timeStamp[timestamp=current]`, `alarm[ignore=true]`.
 *
 * Rules as pvDatabaseCPP (src/copy). Each operation has filters of its own, and none at all without such options, so
 * others pay nothing. Options it does not know change nothing.
 */
import { nowTimeStamp, writeTimeStamp } from '../nt/time-stamp.ts';
import type { FieldSection, PvRequest } from '../value/pv-request.ts';
import { isNumericKind } from '../value/type-code.ts';
import type { FieldNode, TypeDef } from '../value/type-def.ts';
import type { Value } from '../value/value.ts';
import { BitSet } from '../wire/bit-set.ts';
import { ArraySlice } from './array-slice.ts';

/** Tells a client only of changes that are large enough, compared with what it was told last. */
interface Deadband {
  readonly node: FieldNode;
  readonly absolute: boolean;
  readonly width: number;
  last: number | undefined;
}

/** A last value as small as this has no percentage: then every change counts (pvDeadbandPlugin.cpp). */
const TINY = 1e-20;

export class FieldFilters {
  private readonly slices: { readonly node: FieldNode; readonly slice: ArraySlice }[] = [];
  private readonly deadbands: Deadband[] = [];
  private readonly clocks: FieldNode[] = [];
  private readonly ignored = new BitSet();
  /** Fields whose change makes an event; undefined: any. */
  private relevant: BitSet | undefined;
  /** Changes of ignored fields alone: they come with the next event. */
  private held: Value | null = null;
  private isFirst = true;
  /** Options that mean nothing for their field: as warnings for the client. */
  readonly warnings: string[] = [];

  private constructor() {}

  /** The filters a client asks for; null if it asks for none, as nearly all. */
  static of(request: PvRequest, type: TypeDef, section: FieldSection = 'field'): FieldFilters | null {
    const asked = request.optionFields(section);
    if (asked.length === 0) return null;
    const filters = new FieldFilters();
    for (const path of asked) {
      const node = type.find(path);
      if (!node) continue;
      for (const [name, text] of request.fieldOptions(path, section)) filters.add(node, name, text);
    }
    return filters.isEmpty && filters.warnings.length === 0 ? null : filters;
  }

  private get isEmpty(): boolean {
    const { slices, deadbands, clocks, ignored } = this;
    return slices.length + deadbands.length + clocks.length === 0 && ignored.isEmpty();
  }

  private add(node: FieldNode, name: string, text: string): void {
    const { type, path } = node;
    const refuse = (why: string): void =>
      void this.warnings.push(`${path}[${name}=${text}] is ignored: ${why}`);
    if (name === 'array') {
      const slice = ArraySlice.parse(text);
      if (!slice) refuse('it is not start[:end] or start:increment:end with an increment above 0');
      else if (!mayHoldArray(type)) refuse(`${type.displayId} has no elements to choose from`);
      else this.slices.push({ node, slice });
    } else if (name === 'deadband') {
      const [kind, width] = text.split(':');
      const usable = (kind === 'abs' || kind === 'rel') && Number(width) > 0;
      if (!usable) refuse('it is not abs:WIDTH or rel:PERCENT');
      else if (type.isArray || !isNumericKind(type.kind)) refuse(`${type.displayId} is no number`);
      else this.deadbands.push({ node, absolute: kind === 'abs', width: Number(width), last: undefined });
    } else if (name === 'timestamp') {
      // As pvData's PVTimeStamp, which takes nothing else: nothing that is posted may fail because of it.
      if (
        type.member('secondsPastEpoch')?.displayId !== 'long' ||
        type.member('nanoseconds')?.displayId !== 'int'
      )
        refuse('it is no time stamp');
      else if (text === 'current') this.clocks.push(node);
      else if (text !== 'copy') refuse('it is not current or copy');
    } else if (name === 'ignore' && text !== 'false') this.ignored.setRange(node.index, node.end);
  }

  /** A monitor starts (again): its first update is complete. */
  begin(): void {
    this.held = null;
    this.isFirst = true;
    for (const band of this.deadbands) band.last = undefined;
  }

  /** What a get of `present` gives: slices and time stamps, complete. */
  present(present: Value): Value {
    return this.changed(present.snapshot());
  }

  /** What a monitor tells of `posted`, of which `selection` was asked for; undefined if it is not worth an update. */
  update(posted: Value, selection: BitSet | undefined): Value | undefined {
    const value = this.changed(posted.snapshot());
    for (const band of this.deadbands)
      if (value.isMarked(band.node.path) && !isReported(band, value.numberAt(band.node)))
        value.unmark(band.node.path);
    if (!this.isFirst && !value.markedFields().intersects(this.relevantOf(value.type, selection))) {
      this.hold(value);
      return undefined;
    }
    this.isFirst = false;
    const { held } = this;
    this.held = null;
    if (!held) return value;
    held.merge(value);
    value.release();
    return held;
  }

  /** What a put of `given` makes of `present`: slices go where they belong, `timestamp=current` is the time now. */
  put(given: Value, present: Value): Value {
    const value = given.clone();
    for (const { node, slice } of this.slices)
      if (value.isMarked(node.path))
        value.set(node.path, slice.into(present.get(node.path), value.get(node.path)));
    this.stamp(value);
    return value;
  }

  /** Does a put need what is there? */
  get putsSlices(): boolean {
    return this.slices.length > 0;
  }

  private changed(value: Value): Value {
    for (const { node, slice } of this.slices)
      if (value.isMarked(node.path)) value.setNode(node, slice.of(value.get(node.path)));
    this.stamp(value);
    return value;
  }

  private stamp(value: Value): void {
    for (const { path } of this.clocks) if (value.isMarked(path)) writeTimeStamp(value, path, nowTimeStamp());
  }

  private hold(value: Value): void {
    if (this.ignored.isEmpty() || !value.markedFields().intersects(this.ignored)) {
      value.release();
      return;
    }
    // A copy keeps no receive memory, however long it is until the next event.
    this.held = this.held ? this.held.merge(value) : value.clone();
    value.release();
  }

  private relevantOf(type: TypeDef, selection: BitSet | undefined): BitSet {
    if (!this.relevant) {
      this.relevant = new BitSet();
      for (const { index, end, isStruct } of type.nodes) {
        const isLeaf = !isStruct || end === index + 1;
        if (isLeaf && (selection?.get(index) ?? true) && !this.ignored.get(index)) this.relevant.set(index);
      }
    }
    return this.relevant;
  }
}

function mayHoldArray(type: TypeDef): boolean {
  if (!type.isArray) return type.kind === 'union' || type.kind === 'any';
  // A fixed array has the length it has.
  return type.array !== 'fixed' && type.kind !== 'struct' && type.kind !== 'union' && type.kind !== 'any';
}

/** Is `now` far enough from what was reported last? Then it is what was reported last. */
function isReported(band: Deadband, now: number): boolean {
  const { last, absolute, width } = band;
  if (last !== undefined) {
    const size = Math.abs(last);
    const distance = Math.abs(now - last);
    if (absolute ? distance < width : size > TINY && (distance / size) * 100 < width) return false;
  }
  band.last = now;
  return true;
}
