/** The attributes of an NTNDArray: named values of any type that travel with a frame. */
import { AnyValue, UnionValue } from '../value/containers.ts';
import { type PvData, Value } from '../value/value.ts';

/** What beside name and value an attribute can carry. */
export interface AttributeOptions {
  /** What the attribute means, in words. */
  readonly descriptor?: string;
  /** 0 driver, 1 parameter, 2 EPICS PV, 3 function. */
  readonly sourceType?: number;
  /** Where the value comes from, e.g. the PV's name. */
  readonly source?: string;
}

/**
 * What a union, any or PvaPy's wrapping structure `{ value }` holds; other structures stay what they are.
 * PvaPy cannot put a bare number into an any, so its attributes and codec parameters are `{ int value }`.
 */
export function bareValue(v: PvData): PvData {
  if (v instanceof UnionValue || v instanceof AnyValue) return bareValue(v.value);
  if (v instanceof Value && v.type.members.length === 1 && v.has('value')) return bareValue(v.get('value'));
  return v;
}

function elements(array: Value): (Value | null)[] {
  const list = array.tryGet('attribute');
  return Array.isArray(list)
    ? (list as (Value | null)[]).filter((e) => e === null || e instanceof Value)
    : [];
}

function nameOf(attribute: Value | null): string | undefined {
  const name = attribute?.tryGet('name');
  return typeof name === 'string' ? name : undefined;
}

/** One attribute's value, or undefined if there is none of that name. */
export function readAttribute(array: Value, name: string): PvData | undefined {
  const found = elements(array).find((e) => nameOf(e) === name);
  const v = found?.tryGet('value');
  return v === undefined ? undefined : bareValue(v);
}

/** All attributes by name; the first of two with the same name counts. */
export function readAttributes(array: Value): Map<string, PvData> {
  const all = new Map<string, PvData>();
  for (const e of elements(array)) {
    const name = nameOf(e);
    const v = e?.tryGet('value');
    if (name !== undefined && v !== undefined && !all.has(name)) all.set(name, bareValue(v));
  }
  return all;
}

/** Adds an attribute or replaces the one of that name. @throws NoFieldError, NoConvertError */
export function writeAttribute(array: Value, name: string, value: unknown, options: AttributeOptions): void {
  const type = array.type.node('attribute').type.element;
  const list = elements(array).slice();
  const at = list.findIndex((e) => nameOf(e) === name);
  const attribute = list[at]?.clone() ?? Value.create(type, { name });
  attribute.set('value', value);
  for (const [field, v] of Object.entries(options))
    if (v !== undefined && attribute.has(field)) attribute.set(field, v);
  if (at < 0) list.push(attribute);
  else list[at] = attribute;
  array.set('attribute', list);
}
