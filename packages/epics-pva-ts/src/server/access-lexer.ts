/**
 * Words of an access security file, with the line each stands on. Rules of EPICS base's asLib: `#` begins a comment,
 * unquoted names have letters, digits and `_-+:.[]<>;`, quoted ones anything but a line's end.
 */
import { expandMacros } from './access-macros.ts';

export interface AccessToken {
  /** `word` is unquoted, and may be a keyword. */
  readonly kind: 'word' | 'string' | 'punctuation' | 'end';
  readonly text: string;
  readonly line: number;
}

/** Throws what is wrong at a line, as `file:line: what`. */
export type FailAt = (line: number, what: string) => never;

const WORD = /[a-zA-Z0-9_\-+:.[\]<>;]+/y;
/** A backslash keeps the character behind it in the string, and stays there itself (asLib). */
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;

/** All tokens of a text, the last one of kind `end`. Macros are expanded line by line, comments left alone. */
export function accessTokens(
  text: string,
  macros: ReadonlyMap<string, string>,
  fail: FailAt,
): readonly AccessToken[] {
  const tokens: AccessToken[] = [];
  const lines = text.split(/\r\n|\n|\r/);
  lines.forEach((raw, i) => {
    const line = i + 1;
    const expanded = expandMacros(withoutComment(raw), macros, (what) => fail(line, what));
    lineTokens(expanded, line, tokens, fail);
  });
  tokens.push({ kind: 'end', text: 'the end of the file', line: lines.length });
  return tokens;
}

function lineTokens(s: string, line: number, tokens: AccessToken[], fail: FailAt): void {
  for (let at = 0; at < s.length; ) {
    const c = s.charAt(at);
    if (c === '#') return;
    if (/\s/.test(c)) at++;
    else if ('(){},'.includes(c)) {
      tokens.push({ kind: 'punctuation', text: c, line });
      at++;
    } else if (c === '"') {
      QUOTED.lastIndex = at;
      const m = QUOTED.exec(s) ?? fail(line, `the closing '"' is missing`);
      tokens.push({ kind: 'string', text: m[1] as string, line });
      at = QUOTED.lastIndex;
    } else {
      WORD.lastIndex = at;
      const m = WORD.exec(s) ?? fail(line, `character '${c}' is not allowed here; put the name in quotes`);
      tokens.push({ kind: 'word', text: m[0], line });
      at = WORD.lastIndex;
    }
  }
}

function withoutComment(line: string): string {
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const c = line.charAt(i);
    if (quoted && c === '\\') i++;
    else if (c === '"') quoted = !quoted;
    else if (c === '#' && !quoted) return line.slice(0, i);
  }
  return line;
}
