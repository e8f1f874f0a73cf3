/**
 * The raw format of pvget: every field on a line of its own, `typeid name value`, indented by four blanks a level.
 *
 * alarm_t, time_t and enum_t carry a summary behind their name, but only where their fields are addressable: inside
 * arrays of structures, unions and any pvData prints none. Source: pva-protocol.md 9.1, pvDataCPP's output.
 */
import type { BitSet } from '../wire/bit-set.ts';
import { AnyValue, UnionValue } from './containers.ts';
import { alarmText, enumParts, timeText } from './format-meta.ts';
import { isPlain, plainText, quoteIfNeeded } from './format-text.ts';
import type { FieldNode, TypeDef } from './type-def.ts';
import { type PvData, Value } from './value.ts';

const INDENT = '    ';
const BOLD = '\x1b[1m';
const PLAIN = '\x1b[0m';

/** `(2) Two`, `(5) <undefined>`; "" for a structure without index and choices. */
export function enumText(v: Value): string {
  const parts = enumParts(v);
  if (!parts) return '';
  const label = parts.choices[parts.index];
  return `(${parts.index}) ${label === undefined ? '<undefined>' : quoteIfNeeded(label)}`;
}

const SUMMARY: Readonly<Record<string, (v: Value) => string>> = {
  alarm_t: alarmText,
  time_t: timeText,
  enum_t: enumText,
};

/** Where the lines go, and how many elements of an array are printed (0: all). */
interface Output {
  readonly lines: string[];
  readonly limit: number;
}

/** A field and all it holds, without summaries. */
function dump(type: TypeDef, name: string, v: PvData, depth: number, out: Output): void {
  const pad = INDENT.repeat(depth);
  if (isPlain(type)) {
    out.lines.push(`${pad}${type.displayId} ${name} ${plainText(type, v, out.limit)}\n`);
    return;
  }
  out.lines.push(`${pad}${type.displayId} ${name}\n`);
  if (Array.isArray(v)) for (const e of v as PvData[]) dumpOrNone(type.element, e, depth + 1, out);
  else if (v instanceof Value)
    for (const m of type.members) dump(m.type, m.name, v.get(m.name), depth + 1, out);
  else if (v instanceof AnyValue) dumpOrNone(v.type, v.value, depth + 1, out);
  else if (v instanceof UnionValue)
    dumpOrNone(v.type.members[v.index]?.type ?? null, v.value, depth + 1, out);
}

function dumpOrNone(type: TypeDef | null, v: PvData, depth: number, out: Output): void {
  if (type === null || v === null) out.lines.push(`${INDENT.repeat(depth)}(none)\n`);
  else dump(type, '', v, depth, out);
}

/**
 * The raw text of a structure, ending with a newline. `show` limits it to some fields (structures around them
 * included; nothing to show gives ""); lines of fields in `highlight` are bold. Both masks as expandMask() returns
 * them. `limit` as in plainText().
 */
export function formatRaw(value: Value, show: BitSet | null, highlight: BitSet | null, limit = 0): string {
  const nodes = value.type.nodes;
  const out: Output = { lines: [], limit };
  const depths: number[] = [];
  for (const node of nodes) {
    const depth = node.parent < 0 ? 0 : (depths[node.parent] as number) + 1;
    depths.push(depth);
    if (show && !show.get(node.index)) continue;
    const bold = highlight?.get(node.index) === true;
    if (bold) out.lines.push(BOLD);
    printNode(value, node, depth, out);
    if (bold) out.lines.push(PLAIN);
  }
  return out.lines.join('');
}

function printNode(value: Value, node: FieldNode, depth: number, out: Output): void {
  if (!node.isStruct) {
    dump(node.type, node.name, value.get(node.path), depth, out);
    return;
  }
  const { id } = node.type;
  const summary = SUMMARY[id];
  const text = summary ? ` ${summary(value.get(node.path) as Value)}` : '';
  out.lines.push(`${INDENT.repeat(depth)}${node.type.displayId} ${node.name}${text}\n`);
}
