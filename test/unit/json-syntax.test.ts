/** The position of a mistake in JSON given on a command line. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findJsonMistake } from '../../src/cli/json-syntax.ts';

describe('findJsonMistake', () => {
  it.each([
    ['', 1, 'expected a value, found the end'],
    ['{', 2, 'expected a name in double quotes, found the end'],
    ['{x:100}', 2, "expected a name in double quotes, found 'x'"],
    ["{'x':1}", 2, "expected a name in double quotes, found '''"],
    ['{"x" 1}', 6, "expected ':', found '1'"],
    ['{"x":1 "y":2}', 8, "expected ',' or '}', found '\"'"],
    ['{"x":1,}', 8, "expected a name in double quotes, found '}'"],
    ['[1,]', 4, "expected a value, found ']'"],
    ['[1 2]', 4, "expected ',' or ']', found '2'"],
    ['{"x":01}', 7, "expected ',' or '}', found '1'"],
    ['{"x":True}', 6, "expected a value, found 'T'"],
    ['{"x":"open}', 12, 'expected a closing double quote, found the end'],
    ['{"x":"bad\\q"}', 10, "expected a closing double quote, found '\\'"],
    ['{} extra', 4, "expected the end of the text, found 'e'"],
    ['nan', 1, "expected a value, found 'n'"],
  ])('%s', (text, position, message) => {
    expect(findJsonMistake(text)).toEqual({ position, message });
  });

  it('finds no mistake in any JSON', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(findJsonMistake(text)).toBeUndefined();
      }),
    );
  });

  it('finds a mistake exactly where JSON.parse refuses the text', () => {
    const broken = fc
      .tuple(
        fc.json(),
        fc.nat(),
        fc.constantFrom('', '{', ']', '"', ',', ':', '\\', '1', 'x', '\n', '\u0001'),
      )
      .map(([text, at, insert]) => {
        const cut = text.length === 0 ? 0 : at % text.length;
        return text.slice(0, cut) + insert + text.slice(cut + 1);
      });
    fc.assert(
      fc.property(broken, (text) => {
        let refused = false;
        try {
          JSON.parse(text);
        } catch {
          refused = true;
        }
        const mistake = findJsonMistake(text);
        expect(mistake !== undefined).toBe(refused);
        if (mistake) expect(mistake.position).toBeLessThanOrEqual(text.length + 1);
      }),
      { numRuns: 2000 },
    );
  });

  it('does not overflow on deep nesting', () => {
    expect(findJsonMistake('['.repeat(100_000))?.message).toContain('nested');
  });
});
