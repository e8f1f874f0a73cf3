/**
 * The catalogue's types and values as ours, and back: what the tests of our client and server with real peers share.
 *
 * What may live here: the two directions of catalogue.ts's notation, through the public API of epics-pva-ts alone.
 */
import {
  AnyValue,
  struct,
  type TypeDef,
  type TypeSpec,
  typeOf,
  UnionValue,
  union,
  Value,
} from 'epics-pva-ts';
import type { PeerType, PeerValue } from './catalogue.ts';

const NAMES: Readonly<Record<string, string>> = {
  '?': 'boolean',
  b: 'byte',
  B: 'ubyte',
  h: 'short',
  H: 'ushort',
  i: 'int',
  I: 'uint',
  l: 'long',
  L: 'ulong',
  f: 'float',
  d: 'double',
  s: 'string',
  v: 'any',
};
const LETTERS = Object.fromEntries(Object.entries(NAMES).map(([letter, name]) => [name, letter]));

/** Our type of one written in the peers' notation. The id `structure` is the default id, as on the wire. */
export function typeDefOf(type: PeerType): TypeDef {
  const kind = typeof type === 'string' ? type : type[0];
  const isArray = kind.startsWith('a');
  if (typeof type === 'string') {
    return typeOf(`${NAMES[isArray ? type.slice(1) : type]}${isArray ? '[]' : ''}` as TypeSpec);
  }
  const [, id, specs] = type;
  const members = specs.map(([name, member]) => [name, typeDefOf(member)] as const);
  const element = (kind.endsWith('S') ? struct : union)(id === 'structure' ? '' : (id ?? ''), members);
  return isArray ? element.asArray() : element;
}

/** The peers' notation of one of our types. */
export function peerTypeOf(type: TypeDef): PeerType {
  const prefix = type.isArray ? 'a' : '';
  if (type.kind !== 'struct' && type.kind !== 'union') {
    return `${prefix}${LETTERS[type.kind]}`;
  }
  const kind = `${prefix}${type.kind === 'struct' ? 'S' : 'U'}`;
  return [kind, type.id || 'structure', type.members.map((m) => [m.name, peerTypeOf(m.type)])];
}

/** A structure of this type with the members given set; what is left out is not marked. */
export function structureOf(type: TypeDef, value: PeerValue): Value {
  return Value.create(type, inputOf(type, value) as Record<string, unknown>);
}

/** What a field of this type is assigned for a value in the peers' notation. */
export function inputOf(type: TypeDef, value: PeerValue): unknown {
  if (type.isArray) {
    return (value as PeerValue[]).map((element) => inputOf(type.element, element));
  }
  if (value === null) {
    return null;
  }
  switch (type.kind) {
    case 'struct':
      return Object.fromEntries(
        Object.entries(value as object).map(([name, member]) => [
          name,
          inputOf(type.member(name) ?? typeOf('any'), member),
        ]),
      );
    case 'union': {
      const { selected, value: member } = value as { selected: string; value: PeerValue };
      const index = type.members.findIndex(({ name }) => name === selected);
      return new UnionValue(type, index, dataOf(type.member(selected) ?? typeOf('any'), member));
    }
    case 'any': {
      const contents = value as { type: PeerType; value: PeerValue };
      const contentsType = typeDefOf(contents.type);
      return new AnyValue(contentsType, dataOf(contentsType, contents.value));
    }
    default:
      return value;
  }
}

/** What a field of this type holds for a value in the peers' notation: assignment makes it. */
function dataOf(type: TypeDef, value: PeerValue) {
  const holder = Value.create(struct('', { field: type }));
  return holder.set('field', inputOf(type, value)).get('field');
}

/** The peers' notation of a whole structure, or of anything a field of one holds. */
export function peerValueOf(type: TypeDef, data: unknown): PeerValue {
  if (type.isArray) {
    return Array.from(data as Iterable<unknown>, (element) => peerValueOf(type.element, element));
  }
  switch (type.kind) {
    case 'struct':
      return data === null
        ? null
        : Object.fromEntries(
            type.members.map((m) => [m.name, peerValueOf(m.type, (data as Value).get(m.name))]),
          );
    case 'union': {
      const { member, value } = (data ?? { member: null }) as UnionValue;
      return member === null
        ? null
        : { selected: member, value: peerValueOf(type.member(member) as TypeDef, value) };
    }
    case 'any': {
      const contents = data as AnyValue | null;
      return contents === null || contents.type === null
        ? null
        : { type: peerTypeOf(contents.type), value: peerValueOf(contents.type, contents.value) };
    }
    case 'float':
    case 'double':
      return Number.isFinite(data) && !Object.is(data, -0) ? (data as number) : floatText(data as number);
    case 'long':
    case 'ulong':
      return String(data);
    default:
      return data as PeerValue;
  }
}

function floatText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** A received structure in the peers' notation, with the members that came: as {@link PeerClient.get} gives it. */
export function gotValueOf(value: Value): { type: PeerType; value: PeerValue; changed: string[] } {
  return { type: peerTypeOf(value.type), value: peerValueOf(value.type, value), changed: changedOf(value) };
}

/** Paths of the fields that are marked, in alphabetical order, without the structures around them. */
export function changedOf(value: Value): string[] {
  return value.type.nodes
    .filter((node) => !node.isStruct && value.isMarked(node.path))
    .map((node) => node.path)
    .sort();
}
