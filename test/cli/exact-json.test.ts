/** JSON5 with exact integers, as pvput takes it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ExactJson, JsonTextError, parseExactJson } from '../../src/cli/exact-json.ts';

describe('parseExactJson', () => {
  it.each<[string, ExactJson]>([
    ['0', 0n],
    ['-0', 0n],
    ['18446744073709551615', 18_446_744_073_709_551_615n],
    ['-9223372036854775808', -9_223_372_036_854_775_808n],
    ['+5', 5n],
    ['0x1F', 31n],
    ['-0x10', -16n],
    ['1.0', 1],
    ['5.', 5],
    ['.5', 0.5],
    ['-2.5e-3', -0.0025],
    ['1e3', 1000],
    ['NaN', Number.NaN],
    ['-Infinity', -Infinity],
    ['+Infinity', Infinity],
    ['true', true],
    ['null', null],
    ['"a\\"b\\\\\\u00e9\\n\\x41"', 'a"b\\é\nA'],
    ["'it\\'s'", "it's"],
    ['"one \\\nline"', 'one line'],
    ['[]', []],
    ['[1, 2.5, "x",]', [1n, 2.5, 'x']],
    [' /* all */ [ 1 , // one\n 2 ] ', [1n, 2n]],
  ])('reads %s', (text, value) => {
    expect(parseExactJson(text)).toEqual(value);
  });

  it('reads maps with bare, quoted and dotted names', () => {
    const value = parseExactJson(`{a: 1, "b.c": {$_é: [true]}, 'd e': null,}`);
    expect({ ...(value as object) }).toEqual({ a: 1n, 'b.c': { $_é: [true] }, 'd e': null });
  });

  it('keeps a name that means something to JavaScript a name', () => {
    const value = parseExactJson('{"__proto__": {"x": 1}, "constructor": 2}') as Record<string, ExactJson>;
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor']);
    expect(value['x']).toBeUndefined();
  });

  it.each([
    ['', 'not JSON at position 1: expected a value, the text ends'],
    ['{"value":}', "not JSON at position 10: expected a value, found '}'"],
    ['{"value" 1}', "not JSON at position 10: expected ':', found '1'"],
    ['[1 2]', "not JSON at position 4: expected ',' or ']', found '2'"],
    ['[1,,2]', "not JSON at position 4: expected a value, found ','"],
    ['{,}', "not JSON at position 2: expected a name, found ','"],
    ['[1', "not JSON at position 3: expected ',' or ']', the text ends"],
    ['{} x', "not JSON at position 4: expected the end of the text, found 'x'"],
    ['"open', 'not JSON at position 6: expected a closing ", the text ends'],
    ['"\\u12"', "not JSON at position 2: expected an escape such as \\n or \\u0041, found '\\'"],
    ['010', "not JSON at position 1: expected a value, found '0'"],
    ['1e999', "not JSON at position 1: expected a number of at most 1.8e308, found '1'"],
    ['red', "not JSON at position 1: expected a value, found 'r'"],
    ['1-2', "not JSON at position 1: expected a value, found '1'"],
  ])('says where %j is wrong', (text, message) => {
    expect(() => parseExactJson(text)).toThrow(new JsonTextError(message));
  });

  it('refuses what is nested too deeply instead of running out of stack', () => {
    expect(() => parseExactJson('['.repeat(100_000))).toThrow('at most 200 nested levels');
    expect(parseExactJson('['.repeat(200) + ']'.repeat(200))).toHaveLength(1);
  });

  it('reads all that JSON.stringify writes', () => {
    const exact = (v: unknown): unknown => {
      if (typeof v === 'number' && /^-?\d+$/.test(JSON.stringify(v))) return BigInt(JSON.stringify(v));
      if (Array.isArray(v)) return v.map(exact);
      if (typeof v !== 'object' || v === null) return v;
      return Object.fromEntries(Object.entries(v).map(([name, x]) => [name, exact(x)]));
    };
    const plain = (v: ExactJson): unknown => {
      if (Array.isArray(v)) return v.map(plain);
      if (typeof v !== 'object' || v === null) return v;
      return Object.fromEntries(Object.entries(v).map(([name, x]) => [name, plain(x)]));
    };
    fc.assert(
      fc.property(
        fc.jsonValue({ noUnicodeString: false }),
        fc.constantFrom(undefined, 2),
        (value, indent) => {
          const text = JSON.stringify(value, null, indent);
          expect(plain(parseExactJson(text))).toEqual(exact(JSON.parse(text)));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('ends for any text, in a value or a JsonTextError', () => {
    const characters = fc.constantFrom(...'{}[]",:\'\\/*\n-+.0123456789eExutrfalsn ');
    fc.assert(
      fc.property(fc.string({ unit: characters, maxLength: 40 }), (text) => {
        try {
          parseExactJson(text);
        } catch (error) {
          expect(error).toBeInstanceOf(JsonTextError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('with scalars as text', () => {
  it('delivers words and numbers as they are written', () => {
    expect(parseExactJson('[1e3, 0x10, red, "a, b", \'c\', true, -5,]', { scalarsAsText: true })).toEqual([
      '1e3',
      '0x10',
      'red',
      'a, b',
      'c',
      'true',
      '-5',
    ]);
  });
});
