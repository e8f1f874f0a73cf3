/**
 * The text of a pipeline file: YAML 1.2 to plain data, with the place of everything in it, and variables put in.
 *
 * `${NAME}` and `${NAME:-default}` stand in values only; what replaces them cannot change the structure of the file.
 */
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parse,
  parseDocument,
  Scalar,
  visit,
} from 'yaml';
import { didYouMean, type Position, type Problems } from './problems.ts';

/** Where in the data something is: keys and indices from the top. */
export type Path = readonly (string | number)[];

/** Where variables come from. */
export interface Variables {
  /** By `--set`; all must be used. */
  readonly set: ReadonlyMap<string, string>;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const VARIABLE = /\$(\$\{)|\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}|\$\{([^}]*)\}?/g;
/** A file of aliases that refer to aliases must not fill the memory. */
const MAX_ALIASES = 100;

export class YamlText {
  private readonly document: Document.Parsed;
  private readonly lines = new LineCounter();

  constructor(text: string, problems: Problems) {
    this.document = parseDocument(text, { lineCounter: this.lines, prettyErrors: false, merge: true });
    for (const error of this.document.errors) problems.add(this.at(error.pos[0]), `YAML: ${error.message}`);
  }

  private at(offset: number): Position {
    const { line, col } = this.lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }

  /** Puts variables in, and reports those without a value and those that are set but not used. */
  substitute({ set, environment }: Variables, problems: Problems): void {
    const used = new Set<string>();
    visit(this.document, {
      Scalar: (key, node) => {
        const { value } = node;
        if (key === 'key' || typeof value !== 'string' || !value.includes('${')) return;
        const text = value.replace(VARIABLE, (whole, escaped, name, fallback, bad) => {
          if (escaped !== undefined) return '${';
          const at = this.at(node.range?.[0] ?? 0);
          if (bad !== undefined) {
            problems.add(
              at,
              `'${whole}' is no variable; write \${NAME} or \${NAME:-default}, or $\${ for the text`,
            );
            return whole;
          }
          used.add(name);
          const found = set.get(name) ?? environment[name] ?? fallback;
          if (found !== undefined) return found;
          problems.add(
            at,
            `variable ${name} has no value; give it with --set ${name}=VALUE, in the environment, or write \${${name}:-DEFAULT}`,
          );
          return whole;
        });
        const plain = node.type === Scalar.PLAIN ? scalarOf(text) : text;
        // No comment, no tag: what a variable holds is a number or word that YAML knows, or the text it is.
        node.value = plain === null && text.trim() !== '' ? text : typeof plain === 'string' ? text : plain;
        node.source = text;
      },
    });
    for (const name of set.keys())
      if (!used.has(name))
        problems.add(
          { line: 1, column: 1 },
          `--set ${name}: no variable \${${name}} is used${didYouMean(name, [...used])}`,
        );
  }

  /** All of it as plain data; undefined, with a problem, if that cannot be. */
  toData(problems: Problems): unknown {
    try {
      return this.document.toJS({ maxAliasCount: MAX_ALIASES });
    } catch (error) {
      problems.add({ line: 1, column: 1 }, `YAML: ${(error as Error).message}`);
      return undefined;
    }
  }

  /** Where the value at `path` begins, or of what holds it as far as there is something. */
  positionOf(path: Path): Position {
    for (let length = path.length; length >= 0; length--) {
      const node = this.node(path.slice(0, length));
      if (isNode(node) && node.range) return this.at(node.range[0]);
    }
    return { line: 1, column: 1 };
  }

  /** Where the key at the end of `path` stands. */
  keyPositionOf(path: Path): Position {
    const pair = this.pair(this.node(path.slice(0, -1)), path.at(-1));
    return pair && isNode(pair.key) && pair.key.range ? this.at(pair.key.range[0]) : this.positionOf(path);
  }

  /** A number or word as it is written in the file: `007`, `1e3`; undefined if it is not written there as such. */
  sourceOf(path: Path): string | undefined {
    const node = this.named(this.node(path));
    return isScalar(node) && node.type === Scalar.PLAIN ? node.source : undefined;
  }

  /** What stands at `path`, through aliases and merged maps; where an alias stands itself, the alias. */
  private node(path: Path): unknown {
    return path.reduce<unknown>((node, key) => this.child(node, key), this.document.contents);
  }

  private child(of: unknown, key: string | number): unknown {
    const node = this.named(of);
    return isSeq(node) ? node.get(Number(key), true) : this.pair(node, key)?.value;
  }

  /** Key and value in a map, or in one that is merged into it (`<<`). */
  private pair(of: unknown, key: string | number | undefined): Pair | undefined {
    const map = this.named(of);
    if (!isMap(map)) return undefined;
    const own = map.items.find((pair) => isScalar(pair.key) && pair.key.value === key);
    if (own) return own;
    const merged = map.items.filter((pair) => isScalar(pair.key) && isMergeKey(pair.key.value));
    for (const { value } of merged) {
      const source = this.named(value);
      for (const each of isSeq(source) ? source.items : [source]) {
        const found = this.pair(each, key);
        if (found) return found;
      }
    }
    return undefined;
  }

  /** What an alias stands for. */
  private named(node: unknown): unknown {
    return isAlias(node) ? node.resolve(this.document) : node;
  }
}

/** `<<`, as the parser has it and as it is written. */
function isMergeKey(key: unknown): boolean {
  return key === '<<' || (typeof key === 'symbol' && key.description === '<<');
}

/** Text without quotes is what YAML makes of it, but never more than one value. */
function scalarOf(text: string): unknown {
  try {
    const value: unknown = parse(text);
    return typeof value === 'object' && value !== null ? text : value;
  } catch {
    return text;
  }
}
