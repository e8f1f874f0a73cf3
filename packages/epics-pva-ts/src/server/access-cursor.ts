/**
 * AccessCursor: steps through the words of an access security file; whatever is not as expected is an error that names
 * the line. What the words mean is the parser's business.
 */
import { ConfigError } from '../errors.ts';
import { type AccessToken, accessTokens } from './access-lexer.ts';
import { type AccessMacros, macroTable } from './access-macros.ts';

/** Braces within braces; real files have three. */
export const DEEPEST_NESTING = 50;

export class AccessCursor {
  protected readonly file: string;
  private readonly tokens: readonly AccessToken[];
  private at = 0;

  /** @throws ConfigError `file:line: what` for text that has no words */
  constructor(text: string, file: string, macros: AccessMacros | undefined) {
    this.file = file;
    this.tokens = accessTokens(text, macroTable(macros), (line, what) => this.fail(line, what));
  }

  protected fail(line: number, what: string): never {
    throw new ConfigError(`${this.file}:${line}: ${what}`);
  }

  protected get peek(): AccessToken {
    return this.tokens[this.at] as AccessToken;
  }

  protected atEnd(): boolean {
    return this.peek.kind === 'end';
  }

  protected next(): AccessToken {
    const token = this.peek;
    if (token.kind !== 'end') this.at++;
    return token;
  }

  protected isNext(punctuation: string): boolean {
    return this.peek.kind === 'punctuation' && this.peek.text === punctuation;
  }

  protected expect(punctuation: string): void {
    if (!this.isNext(punctuation)) this.expected(`'${punctuation}'`);
    this.next();
  }

  protected expected(what: string): never {
    const { kind, text, line } = this.peek;
    this.fail(line, `${what} expected, not ${kind === 'end' ? text : `'${text}'`}`);
  }

  protected name(what: string): AccessToken {
    if (this.peek.kind !== 'word' && this.peek.kind !== 'string') this.expected(what);
    return this.next();
  }

  /** Names separated by commas, up to the closing bracket. */
  protected list(close: ')' | '}', what: string): AccessToken[] {
    const names: AccessToken[] = [];
    if (!this.isNext(close)) {
      names.push(this.name(what));
      while (this.isNext(',')) {
        this.next();
        names.push(this.name(what));
      }
    }
    if (!this.isNext(close)) this.expected(`',' or '${close}'`);
    this.next();
    return names;
  }

  /** `(name)`. */
  protected head(what: string): AccessToken {
    this.expect('(');
    const name = this.name(what);
    this.expect(')');
    return name;
  }

  /** Of something unknown: `(a, b)` and, if it has one, its `{a, b}` or `{ NAME(...) ... }`. */
  protected skipArguments(depth = 0): void {
    if (depth > DEEPEST_NESTING) this.fail(this.peek.line, 'braces are nested too deeply');
    this.expect('(');
    this.list(')', 'a name');
    if (!this.isNext('{')) return;
    this.next();
    const second = this.tokens[this.at + 1];
    if (second?.kind !== 'punctuation' || second.text !== '(') {
      this.list('}', 'a name');
      return;
    }
    while (!this.isNext('}')) {
      this.name('a name');
      this.skipArguments(depth + 1);
    }
    this.next();
  }
}
