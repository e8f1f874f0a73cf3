/**
 * pvRequest: which fields an operation wants and with which options.
 *
 * Text follows pvDataCPP's createRequest, a superset of PVXS's: `record[queueSize=4]field(value,alarm.status)`,
 * braces `alarm{severity,status}`, field options `value[array=0:9]` and `_[distributor=updates:2]`. A text with no
 * keyword is a field list; blanks mean nothing.
 */
import { PvRequestError } from '../errors.ts';
import { BitSet } from '../wire/bit-set.ts';
import { type FieldNode, struct, type TypeDef, type TypeSpec } from './type-def.ts';
import { type PvData, Value } from './value.ts';

/** A request under construction: names to sub-trees, options to text. */
interface Tree {
  readonly fields: Map<string, Tree>;
  readonly options: Map<string, string>;
}

const newTree = (): Tree => ({ fields: new Map(), options: new Map() });

const SECTIONS = ['record', 'field', 'getField', 'putField'] as const;

/**
 * Makes the request structure every operation's INIT carries.
 * @throws PvRequestError with the position of what cannot be understood
 */
export function parsePvRequest(text: string): Value {
  const s = text.replace(/\s+/g, '');
  const sections = new Map<string, Tree>();
  const parser = new Parser(s);
  const hasKeyword = /(^|[\])])(record\[|(field|getField|putField)\()/.test(s);
  if (s !== '' && !hasKeyword) {
    const tree = newTree();
    parser.list(tree, '');
    sections.set('field', tree);
  } else {
    while (!parser.atEnd()) {
      const name = parser.name();
      const tree = sections.get(name) ?? newTree();
      if (name === 'record') {
        parser.expect('[');
        parser.options(tree, ']');
      } else if (name === 'field' || name === 'getField' || name === 'putField') {
        parser.expect('(');
        parser.list(tree, ')');
      } else parser.fail(`'${name}' is not record[...], field(...), getField(...) or putField(...)`);
      sections.set(name, tree);
    }
  }
  const members: [string, TypeSpec][] = [];
  const values: Record<string, unknown> = {};
  for (const name of SECTIONS) {
    const tree = sections.get(name);
    if (!tree) continue;
    const { type, value } = build(tree);
    members.push([name, type]);
    values[name] = value;
  }
  return Value.create(struct('', members), values);
}

class Parser {
  private readonly s: string;
  private pos = 0;

  constructor(s: string) {
    this.s = s;
  }

  atEnd(): boolean {
    return this.pos >= this.s.length;
  }

  fail(why: string): never {
    throw new PvRequestError(`pvRequest '${this.s}', position ${this.pos}: ${why}`);
  }

  expect(c: string): void {
    if (this.s[this.pos] !== c) this.fail(`'${c}' expected${this.atEnd() ? ', but the text ends' : ''}`);
    this.pos++;
  }

  private accept(c: string): boolean {
    if (this.s[this.pos] !== c) return false;
    this.pos++;
    return true;
  }

  name(): string {
    const m = /^[A-Za-z_][A-Za-z0-9_]*/.exec(this.s.slice(this.pos));
    if (!m) this.fail('a name expected');
    this.pos += m[0].length;
    return m[0];
  }

  /** Items separated by commas up to `close` ("" = end of text); empty items are allowed as in PVXS (`field(,)`). */
  list(into: Tree, close: string): void {
    for (;;) {
      if (close === '' ? this.atEnd() : this.accept(close)) return;
      if (this.accept(',')) continue;
      this.item(into);
      if (close === '' ? this.atEnd() : this.s[this.pos] === close) continue;
      this.expect(',');
    }
  }

  private item(into: Tree): void {
    let at = into;
    do {
      const name = this.name();
      const next = at.fields.get(name) ?? newTree();
      at.fields.set(name, next);
      at = next;
    } while (this.accept('.'));
    if (this.accept('[')) this.options(at, ']');
    if (this.accept('{')) this.list(at, '}');
  }

  options(into: Tree, close: string): void {
    for (;;) {
      if (this.accept(close)) return;
      if (this.accept(',')) continue;
      const key = this.name();
      this.expect('=');
      const m = /^[^,\]]+/.exec(this.s.slice(this.pos));
      if (!m) this.fail(`a value expected for '${key}'`);
      this.pos += m[0].length;
      into.options.set(key, m[0]);
      if (this.s[this.pos] !== close) this.expect(',');
    }
  }
}

function build(tree: Tree): { type: TypeDef; value: Record<string, unknown> } {
  const members: [string, TypeSpec][] = [];
  const value: Record<string, unknown> = {};
  if (tree.options.size > 0) {
    members.push([
      '_options',
      struct(
        '',
        [...tree.options.keys()].map((k) => [k, 'string'] as const),
      ),
    ]);
    value['_options'] = Object.fromEntries(tree.options);
  }
  for (const [name, sub] of tree.fields) {
    const inner = build(sub);
    members.push([name, inner.type]);
    value[name] = inner.value;
  }
  return { type: struct('', members), value };
}

/** Which field list: `putField` and `getField` of PUT_GET fall back to `field` when they are not there. */
export type FieldSection = 'field' | 'putField' | 'getField';

/**
 * A request as a server reads it; never throws on what a client may have written. It lives as long as its operation, so
 * it keeps the type and the options: whatever else a client puts into the structure means nothing.
 */
export class PvRequest {
  private readonly type: TypeDef | null;
  /** What the options say, in the order of {@link optionPlaces}; null if there are none, as in nearly all. */
  private readonly options: readonly PvData[] | null;

  /** `null` is the null request some clients send: everything, no options. */
  constructor(value: Value | null) {
    this.type = value?.type ?? null;
    this.options = value && optionsOf(value);
  }

  private optionAt(path: string): string | undefined {
    if (!this.type || !this.options) return undefined;
    const place = optionPlaces(this.type).get(path);
    return place === undefined ? undefined : scalarText(this.options[place]);
  }

  private present(section: FieldSection): FieldSection {
    return this.type?.member(section) ? section : 'field';
  }

  /** Are there any `record[...]` options? */
  get hasOptions(): boolean {
    return this.type?.member('record') !== undefined;
  }

  /** `record._options.<name>` as text; options come as strings, booleans or integers. */
  option(name: string): string | undefined {
    return this.optionAt(`record._options.${name}`);
  }

  /** Options of a field, e.g. `fieldOptions('_')` for `_[distributor=...]`; empty if none. */
  fieldOptions(path: string, section: FieldSection = 'field'): Map<string, string> {
    const options = new Map<string, string>();
    const at = `${this.present(section)}.${path}._options`;
    const node = this.type?.find(at);
    for (const m of node?.type.members ?? []) {
      const text = this.optionAt(`${at}.${m.name}`);
      if (text !== undefined) options.set(m.name, text);
    }
    return options;
  }

  /** Paths of the fields that have options, in the order of the request; the options are {@link fieldOptions}. */
  optionFields(section: FieldSection = 'field'): string[] {
    const paths: string[] = [];
    const field = this.type?.member(this.present(section));
    if (field) collectOptionFields(field, '', paths);
    return paths;
  }

  /**
   * The fields of `type` that were asked for, by number; undefined means all of them. A selected structure
   * selects all it holds; names the type does not have are returned in `unknown`. Structure arrays, unions and any
   * are selected as a whole, also by a name inside them: that cannot be addressed (PVXS).
   * @throws PvRequestError when fields were asked for and none of them exists
   */
  select(type: TypeDef, section: FieldSection = 'field'): { mask: BitSet | undefined; unknown: string[] } {
    const field = this.type?.member(this.present(section));
    const unknown: string[] = [];
    if (!field || field.members.length === 0) return { mask: undefined, unknown };
    if (field.member('_') && !type.member('_')) return { mask: undefined, unknown };
    const mask = new BitSet();
    selectInto(field, type, '', mask, unknown);
    if (mask.isEmpty())
      throw new PvRequestError(`none of the requested fields exists: ${unknown.join(', ')}`);
    return { mask, unknown };
  }
}

function collectOptionFields(request: TypeDef, prefix: string, into: string[]): void {
  for (const { name, type } of request.members) {
    if (name === '_options') {
      if (prefix) into.push(prefix);
    } else if (type.members.length > 0) collectOptionFields(type, prefix ? `${prefix}.${name}` : name, into);
  }
}

function selectInto(request: TypeDef, type: TypeDef, prefix: string, mask: BitSet, unknown: string[]): void {
  for (const m of request.members) {
    if (m.name === '_options') continue;
    const path = prefix ? `${prefix}.${m.name}` : m.name;
    const node = type.find(path);
    if (!node) unknown.push(path);
    else if (m.type.members.some((x) => x.name !== '_options') && node.isStruct)
      selectInto(m.type, type, path, mask, unknown);
    else mask.setRange(node.index, node.end);
  }
}

/** The paths of scalars in structures named `_options`, and which number each has among them; kept with the type. */
const places = new WeakMap<TypeDef, ReadonlyMap<string, number>>();

function optionPlaces(type: TypeDef): ReadonlyMap<string, number> {
  let known = places.get(type);
  if (!known) {
    const { nodes } = type;
    const isOption = ({ parent, isStruct, type: { isArray, kind } }: FieldNode): boolean =>
      nodes[parent]?.name === '_options' && !isStruct && !isArray && kind !== 'union' && kind !== 'any';
    known = new Map(nodes.filter(isOption).map(({ path }, i) => [path, i]));
    places.set(type, known);
  }
  return known;
}

function optionsOf(value: Value): PvData[] | null {
  const paths = optionPlaces(value.type);
  return paths.size === 0 ? null : Array.from(paths.keys(), (path) => value.get(path));
}

function scalarText(v: PvData | undefined): string | undefined {
  return typeof v === 'string' || typeof v === 'boolean' || typeof v === 'number' || typeof v === 'bigint'
    ? String(v)
    : undefined;
}
