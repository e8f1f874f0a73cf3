/**
 * Macros of access security files: `$(NAME)`, `${NAME}`, `$(NAME=default)`, as EPICS base's macLib expands them.
 *
 * No I/O, no state. What cannot be expanded is an error, never left in the text: a rule for a group called
 * `$(GROUP)` would grant to nobody in silence.
 */
import { ConfigError } from '../errors.ts';

/** Names to values, or macLib's text `A=1,B="x, y"`. */
export type AccessMacros = string | Readonly<Record<string, string>>;

/** Macros may refer to others; deeper than this they refer to themselves. */
const DEEPEST_MACRO = 20;
/** Characters one line may expand to. */
const LONGEST_LINE = 1024 * 1024;

/** @throws ConfigError if a text is not `NAME=value[,NAME=value...]` */
export function macroTable(macros: AccessMacros = {}): ReadonlyMap<string, string> {
  if (typeof macros !== 'string') return new Map(Object.entries(macros));
  const table = new Map<string, string>();
  const definition = /\s*(\w+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^,"']*?))\s*(?:,|$)/y;
  while (macros.slice(definition.lastIndex).trim() !== '') {
    const { lastIndex } = definition;
    const m = definition.exec(macros);
    if (!m) throw new ConfigError(`macros '${macros}': NAME=value expected at position ${lastIndex}`);
    table.set(m[1] as string, m[2] ?? m[3] ?? m[4] ?? '');
  }
  return table;
}

/** Expands every macro of `text`; `fail` is told what is wrong and does not return. */
export function expandMacros(
  text: string,
  macros: ReadonlyMap<string, string>,
  fail: (what: string) => never,
  depth = 0,
): string {
  if (!text.includes('$')) return text;
  if (depth > DEEPEST_MACRO) fail('macros refer to each other without end');
  let out = '';
  let at = 0;
  for (;;) {
    const start = text.indexOf('$', at);
    const open = start < 0 ? '' : text.charAt(start + 1);
    if (start < 0) return out + text.slice(at);
    if (open !== '(' && open !== '{') {
      out += text.slice(at, start + 1);
      at = start + 1;
      continue;
    }
    const end = closing(text, start + 1);
    if (end < 0) fail(`'$${open}' without '${open === '(' ? ')' : '}'}'`);
    const inner = text.slice(start + 2, end);
    const equals = topLevelEquals(inner);
    const name = expandMacros(equals < 0 ? inner : inner.slice(0, equals), macros, fail, depth + 1).trim();
    const value = macros.get(name) ?? (equals < 0 ? undefined : inner.slice(equals + 1));
    if (value === undefined) fail(`macro '${name}' is not defined`);
    out += text.slice(at, start) + expandMacros(value, macros, fail, depth + 1);
    if (out.length > LONGEST_LINE) fail(`macros make a line longer than ${LONGEST_LINE} characters`);
    at = end + 1;
  }
}

/** Where the bracket at `from` is closed, macros within it skipped; -1 if nowhere. */
function closing(text: string, from: number): number {
  const wanted: string[] = [];
  for (let i = from; i < text.length; i++) {
    const c = text.charAt(i);
    if (i === from || (text.charAt(i - 1) === '$' && (c === '(' || c === '{')))
      wanted.push(c === '(' ? ')' : '}');
    else if (c === wanted.at(-1)) {
      wanted.pop();
      if (wanted.length === 0) return i;
    }
  }
  return -1;
}

/** The `=` between a macro's name and its default, not one of a macro within the name. */
function topLevelEquals(inner: string): number {
  for (let i = 0; i < inner.length; i++) {
    if (inner.charAt(i) === '=') return i;
    const next = inner.charAt(i + 1);
    if (inner.charAt(i) === '$' && (next === '(' || next === '{')) {
      const end = closing(inner, i + 1);
      if (end < 0) return -1;
      i = end;
    }
  }
  return -1;
}
