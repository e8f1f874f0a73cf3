/**
 * Plain forms of decoded things, complete enough that two different meanings never look the same.
 *
 * `Value.toJS` drops which union member is selected and which type an any holds; these keep both. They walk what
 * was decoded and share no code with the encoders.
 */
import { AnyValue, UnionValue } from '../../src/value/containers.ts';
import type { TypeDef } from '../../src/value/type-def.ts';
import { type PvData, Value } from '../../src/value/value.ts';

/** Unions: `{ member, value }`; any: `{ any: notation, value }`; structures: objects; the rest as it is. */
export function plain(v: PvData | undefined): unknown {
  if (v instanceof Value) return Object.fromEntries(v.type.members.map((m) => [m.name, field(v, m.name)]));
  if (v instanceof UnionValue) return { member: v.member, value: plain(v.value) };
  if (v instanceof AnyValue) return { any: v.type && notation(v.type), value: plain(v.value) };
  if (Array.isArray(v)) return (v as PvData[]).map(plain);
  return v;
}

/** A field; damaged bytes also name fields so that no path leads to them. */
function field(v: Value, name: string): unknown {
  const reachable = /^[\w-]+$/.test(name) && v.type.members.filter((m) => m.name === name).length === 1;
  return reachable ? plain(v.get(name)) : '(not reachable by path)';
}

/** A type in one line: `struct time_t { long secondsPastEpoch, int nanoseconds }`, `byte<16>`, `byte[4]`, `string(40)`. */
export function notation(type: TypeDef): string {
  const suffix = { none: '', variable: '[]', bounded: `<${type.bound}>`, fixed: `[${type.bound}]` }[
    type.array
  ];
  if (type.kind === 'string' && type.array === 'none' && type.bound > 0) return `string(${type.bound})`;
  if (type.kind !== 'struct' && type.kind !== 'union') return type.kind + suffix;
  const members = type.members.map((m) => `${notation(m.type)} ${m.name}`).join(', ');
  return `${type.kind}${suffix}${type.id ? ` ${type.id}` : ''} { ${members} }`;
}
