/**
 * Where a JSON text is wrong. `JSON.parse` decides whether a text is JSON; its messages differ between Node versions
 * and often give no position, so that the place of the first mistake is found here.
 */

/** The first mistake of a JSON text. */
export interface JsonMistake {
  /** Character number, counted from 1. */
  readonly position: number;
  /** What should have stood there, and what does. */
  readonly message: string;
}

class Mistake extends Error {
  readonly index: number;
  readonly expected: string;
  constructor(index: number, expected: string) {
    super(expected);
    this.index = index;
    this.expected = expected;
  }
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON strings may not contain them
const STRING_PART = /(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/y;
const WORD = /true|false|null/y;
const BLANK = /[ \t\r\n]*/y;

/** Length of what `pattern` matches at `index`, or -1. */
function matchAt(pattern: RegExp, text: string, index: number): number {
  pattern.lastIndex = index;
  return pattern.exec(text)?.[0].length ?? -1;
}

const MAX_DEPTH = 1000;

class Scanner {
  private readonly text: string;
  private index = 0;
  private depth = 0;

  constructor(text: string) {
    this.text = text;
  }

  document(): void {
    this.value();
    if (this.index < this.text.length) throw new Mistake(this.index, 'the end of the text');
  }

  private value(): void {
    this.blank();
    const first = this.text[this.index];
    if (first === '{') this.list('}', () => this.member());
    else if (first === '[') this.list(']', () => this.value());
    else if (first === '"') this.string();
    else {
      const length = Math.max(matchAt(NUMBER, this.text, this.index), matchAt(WORD, this.text, this.index));
      if (length < 0) throw new Mistake(this.index, 'a value');
      this.index += length;
    }
    this.blank();
  }

  private list(close: string, item: () => void): void {
    if (this.depth >= MAX_DEPTH) throw new Mistake(this.index, `at most ${MAX_DEPTH} nested levels`);
    this.depth += 1;
    this.index += 1;
    this.blank();
    if (this.text[this.index] !== close) {
      item();
      while (this.text[this.index] === ',') {
        this.index += 1;
        item();
      }
      if (this.text[this.index] !== close) throw new Mistake(this.index, `',' or '${close}'`);
    }
    this.index += 1;
    this.depth -= 1;
  }

  private member(): void {
    this.blank();
    if (this.text[this.index] !== '"') throw new Mistake(this.index, 'a name in double quotes');
    this.string();
    this.blank();
    if (this.text[this.index] !== ':') throw new Mistake(this.index, "':'");
    this.index += 1;
    this.value();
  }

  private string(): void {
    this.index += 1 + matchAt(STRING_PART, this.text, this.index + 1);
    if (this.text[this.index] !== '"') throw new Mistake(this.index, 'a closing double quote');
    this.index += 1;
  }

  private blank(): void {
    this.index += matchAt(BLANK, this.text, this.index);
  }
}

/** The first mistake in `text` as JSON (RFC 8259), or undefined if it is valid. */
export function findJsonMistake(text: string): JsonMistake | undefined {
  try {
    new Scanner(text).document();
    return undefined;
  } catch (error) {
    if (!(error instanceof Mistake)) throw error;
    const found = text[error.index];
    return {
      position: error.index + 1,
      message: `expected ${error.expected}, found ${found === undefined ? 'the end' : `'${found}'`}`,
    };
  }
}
