/**
 * The json format of pvget since EPICS base 7.0.6.1: JSON5 on one line.
 *
 * Keys are bare where they can be, unions and any are their bare value or null, doubles carry 17 digits and always a
 * decimal point or exponent. One fault of pvget is not reproduced: ulong above 2^63 - 1, which it prints negative.
 */
import type { BitSet } from '../wire/bit-set.ts';
import { AnyValue, UnionValue } from './containers.ts';
import { formatG } from './format-number.ts';
import type { TypeDef } from './type-def.ts';
import { type PvData, Value } from './value.ts';

const ESCAPES: Readonly<Record<string, string>> = {
  '\r': '\\r',
  '\n': '\\n',
  '\\': '\\\\',
  '"': '\\"',
  '\f': '\\f',
  '\b': '\\b',
  '\t': '\\t',
  '\v': '\\v',
  '\0': '\\0',
};

function stringText(s: string): string {
  const escaped = (c: string): string =>
    ESCAPES[c] ?? `\\x${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to escape
  return `"${s.replace(/[\x00-\x1f\\"]/g, escaped)}"`;
}

function keyText(name: string): string {
  return /^[A-Za-z_$][A-Za-z0-9_$]*$/.test(name) ? name : stringText(name);
}

function doubleText(x: number): string {
  if (Number.isNaN(x)) return 'NaN';
  if (!Number.isFinite(x)) return x < 0 ? '-Infinity' : '+Infinity';
  const text = formatG(x, 17);
  return /^[0-9-]+$/.test(text) ? `${text}.0` : text;
}

/** `at` is the field's number in the printed structure; -1 inside arrays, unions and any, which have no mask. */
function fieldText(type: TypeDef | null, v: PvData, show: BitSet | null, at: number): string {
  if (type === null || v === null) return 'null';
  if (type.isArray) {
    const elements = Array.from(v as unknown as ArrayLike<PvData>, (e) =>
      fieldText(type.element, e, null, -1),
    );
    return `[${elements.join(',')}]`;
  }
  if (v instanceof Value) return structText(v, show, at);
  if (v instanceof AnyValue) return fieldText(v.type, v.value, null, -1);
  if (v instanceof UnionValue) return fieldText(v.type.members[v.index]?.type ?? null, v.value, null, -1);
  if (type.kind === 'string') return stringText(v as string);
  if (type.kind === 'float') return doubleText(Math.fround(v as number));
  return type.kind === 'double' ? doubleText(v as number) : String(v);
}

function structText(value: Value, show: BitSet | null, at: number): string {
  const parts: string[] = [];
  let index = at + 1;
  for (const m of value.type.members) {
    if (!show || show.get(index))
      parts.push(`${keyText(m.name)}:${fieldText(m.type, value.get(m.name), show, index)}`);
    index += m.type.kind === 'struct' && !m.type.isArray ? m.type.nodes.length : 1;
  }
  return `{${parts.join(',')}}`;
}

/** The json text of a structure, ending with a newline; `show` (as expandMask() returns it) limits it to some fields. */
export function formatJson(value: Value, show: BitSet | null): string {
  if (show && !show.get(0)) return '\n';
  return `${structText(value, show, 0)}\n`;
}
