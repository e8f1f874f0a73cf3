/**
 * Reads the dictionaries that PvaPy's commands print: Python's pprint of nested dictionaries in which numbers may carry a
 * unit without quotes (`50.1503Hz`, `13.0009s`; pvapy-behaviour.md 1.10).
 *
 * What may live here: that text format. What the entries mean is pvapy.ts's business.
 */

/** A value of such a dictionary. A unit after a number is dropped; what is no number stays text. */
export type PythonValue = number | string | boolean | null | PythonDict | PythonValue[];

/** A dictionary; keys that are numbers in Python are text here. */
export interface PythonDict {
  [key: string]: PythonValue;
}

/** Collects lines until a dictionary is complete. */
export class PythonDictCollector {
  #text = '';
  #depth = 0;

  /**
   * Takes the next line of output.
   *
   * @returns The dictionary that this line completes, else undefined. A line outside any dictionary is passed over.
   */
  push(line: string): PythonDict | undefined {
    if (this.#text === '' && !line.startsWith('{')) {
      return undefined;
    }
    this.#text += `${line}\n`;
    this.#depth += bracketBalance(line);
    if (this.#depth > 0) {
      return undefined;
    }
    const text = this.#text;
    this.#text = '';
    this.#depth = 0;
    return parsePythonDict(text);
  }
}

/**
 * Reads one printed dictionary.
 *
 * @throws Error naming the place when the text is not one.
 */
export function parsePythonDict(text: string): PythonDict {
  const reader = new Reader(text);
  const value = reader.value();
  reader.end();
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new Error(`not a dictionary: ${text.slice(0, 60)}`);
  }
  return value;
}

const QUOTED = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/g;

function bracketBalance(line: string): number {
  const bare = line.replace(QUOTED, '');
  return (bare.match(/[{[(]/g) ?? []).length - (bare.match(/[}\])]/g) ?? []).length;
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(): PythonValue {
    this.#space();
    const first = this.#text[this.#at];
    if (first === '{') {
      return this.#dict();
    }
    if (first === '[' || first === '(') {
      return this.#list(first === '[' ? ']' : ')');
    }
    return first === "'" || first === '"' ? this.#quoted(first) : this.#bare();
  }

  end(): void {
    this.#space();
    if (this.#at !== this.#text.length) {
      throw this.#error('unexpected text');
    }
  }

  #dict(): PythonDict {
    const dict: PythonDict = {};
    this.#at += 1;
    while (!this.#take('}')) {
      const key = this.value();
      if (!this.#take(':')) {
        // pprint shows what lies deeper than its limit as {...}.
        if (key === '...' && this.#take('}')) {
          return dict;
        }
        throw this.#error('expected a colon');
      }
      dict[String(key)] = this.value();
      this.#take(',');
    }
    return dict;
  }

  #list(close: string): PythonValue[] {
    const list: PythonValue[] = [];
    this.#at += 1;
    while (!this.#take(close)) {
      list.push(this.value());
      this.#take(',');
    }
    return list;
  }

  #quoted(quote: string): string {
    let text = '';
    for (this.#at += 1; this.#text[this.#at] !== quote; this.#at += 1) {
      if (this.#at >= this.#text.length) {
        throw this.#error('a string without end');
      }
      if (this.#text[this.#at] === '\\') {
        this.#at += 1;
      }
      text += this.#text[this.#at];
    }
    this.#at += 1;
    return text;
  }

  #bare(): PythonValue {
    const word = /^[^\s,:{}[\]()]+/.exec(this.#text.slice(this.#at))?.[0];
    if (word === undefined) {
      throw this.#error('expected a value');
    }
    this.#at += word.length;
    const number = /^[-+]?\d+(\.\d+)?(e[-+]?\d+)?/.exec(word);
    if (number !== null) {
      return Number(number[0]);
    }
    const constants: Record<string, PythonValue> = { True: true, False: false, None: null };
    return constants[word] ?? (word === 'None' ? null : word);
  }

  #take(character: string): boolean {
    this.#space();
    if (this.#text[this.#at] !== character) {
      return false;
    }
    this.#at += 1;
    return true;
  }

  #space(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) {
      this.#at += 1;
    }
  }

  #error(what: string): Error {
    return new Error(`${what} at position ${this.#at} of ${JSON.stringify(this.#text.slice(0, 200))}`);
  }
}
