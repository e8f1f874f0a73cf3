/**
 * JSON as `pvput` takes it: JSON5, which is what `pvget -M json` prints, with every integer exact. `JSON.parse` would
 * round integers above 2^53, which are counters and time stamps to pvData.
 */

/** A parsed text. Integers are bigint, whatever their size; objects have no prototype. */
export type ExactJson =
  | null
  | boolean
  | bigint
  | number
  | string
  | ExactJson[]
  | { readonly [key: string]: ExactJson };

/** A text that is not JSON5; the message says where. */
export class JsonTextError extends Error {
  override readonly name = 'JsonTextError';
}

export interface ExactJsonOptions {
  /** Scalars are delivered as they are written, without quotes; words need none: `[1e3, red, "a b"]`. */
  readonly scalarsAsText?: boolean;
}

/** Nesting is limited because a stack is. */
const MAX_DEPTH = 200;

const BLANK = /(?:[\s\u00a0\ufeff]|\/\/[^\n\r]*|\/\*[\s\S]*?\*\/)*/y;
const WORD = /[A-Za-z0-9_$.+-]+/y;
const INTEGER = /^[+-]?(?:0|[1-9]\d*|0[xX][0-9a-fA-F]+)$/;
const FRACTION = /^[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const KEY = /[\p{L}\p{Nl}$_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}$_]*/uy;
const STRING_PART = { '"': /[^"\\\n\r]*/y, "'": /[^'\\\n\r]*/y } as const;
const ESCAPE = /\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(\r\n|[^1-9ux]))/y;
const ESCAPED: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '0': '\0',
  '\n': '',
  '\r': '',
  '\r\n': '',
};
const CONSTANTS: ReadonlyMap<string, null | boolean | number> = new Map<string, null | boolean | number>([
  ['null', null],
  ['true', true],
  ['false', false],
  ...['', '+', '-'].flatMap((sign): [string, number][] => [
    [`${sign}NaN`, Number.NaN],
    [`${sign}Infinity`, sign === '-' ? -Infinity : Infinity],
  ]),
]);

class Parser {
  private readonly text: string;
  private readonly scalarsAsText: boolean;
  private index = 0;
  private depth = 0;

  constructor(text: string, options: ExactJsonOptions) {
    this.text = text;
    this.scalarsAsText = options.scalarsAsText ?? false;
  }

  document(): ExactJson {
    const value = this.value();
    if (this.index < this.text.length) this.expected('the end of the text');
    return value;
  }

  private expected(what: string): never {
    const found = this.text[this.index];
    const there = found === undefined ? 'the text ends' : `found '${found}'`;
    throw new JsonTextError(`not JSON at position ${this.index + 1}: expected ${what}, ${there}`);
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.index;
    const text = pattern.exec(this.text)?.[0];
    if (text !== undefined) this.index += text.length;
    return text;
  }

  private get next(): string | undefined {
    return this.text[this.index];
  }

  private value(): ExactJson {
    this.match(BLANK);
    const value = this.bareValue();
    this.match(BLANK);
    return value;
  }

  private bareValue(): ExactJson {
    switch (this.next) {
      case '{':
        return this.object();
      case '[':
        return this.array();
      case '"':
      case "'":
        return this.string();
      default:
        return this.scalar();
    }
  }

  private object(): ExactJson {
    const object: Record<string, ExactJson> = Object.create(null);
    this.list('}', () => {
      const quoted = this.next === '"' || this.next === "'";
      const key = quoted ? this.string() : this.match(KEY);
      if (key === undefined) this.expected('a name');
      this.match(BLANK);
      if (this.next !== ':') this.expected("':'");
      this.index++;
      object[key] = this.value();
    });
    return object;
  }

  private array(): ExactJson {
    const array: ExactJson[] = [];
    this.list(']', () => array.push(this.value()));
    return array;
  }

  /** Items between brackets, with a comma between two and perhaps one behind the last. */
  private list(close: string, item: () => void): void {
    if (++this.depth > MAX_DEPTH) this.expected(`at most ${MAX_DEPTH} nested levels`);
    this.index++;
    this.match(BLANK);
    while (this.next !== close) {
      item();
      if (this.next !== ',') break;
      this.index++;
      this.match(BLANK);
    }
    if (this.next !== close) this.expected(`',' or '${close}'`);
    this.index++;
    this.depth--;
  }

  private string(): string {
    const quote = this.next as '"' | "'";
    this.index++;
    let out = '';
    for (;;) {
      out += this.match(STRING_PART[quote]) ?? '';
      if (this.next === quote) break;
      if (this.next !== '\\') this.expected(`a closing ${quote}`);
      ESCAPE.lastIndex = this.index;
      const escaped = ESCAPE.exec(this.text);
      if (!escaped) this.expected('an escape such as \\n or \\u0041');
      const [whole, unicode, byte, other = ''] = escaped;
      const code = unicode ?? byte;
      out += code === undefined ? (ESCAPED[other] ?? other) : String.fromCharCode(Number.parseInt(code, 16));
      this.index += whole.length;
    }
    this.index++;
    return out;
  }

  private scalar(): ExactJson {
    const start = this.index;
    const word = this.match(WORD);
    if (word === undefined) this.expected('a value');
    if (this.scalarsAsText) return word;
    const constant = CONSTANTS.get(word);
    if (constant !== undefined) return constant;
    if (INTEGER.test(word)) {
      const magnitude = BigInt(word.replace(/^[+-]/, ''));
      return word.startsWith('-') ? -magnitude : magnitude;
    }
    if (FRACTION.test(word)) {
      const number = Number(word);
      if (Number.isFinite(number)) return number;
    }
    this.index = start;
    return this.expected(FRACTION.test(word) ? 'a number of at most 1.8e308' : 'a value');
  }
}

/** Parses JSON5. @throws JsonTextError with the position of the mistake */
export function parseExactJson(text: string, options: ExactJsonOptions = {}): ExactJson {
  return new Parser(text, options).document();
}
