/** docs/reference/limits.md and src/limits.ts say the same, and no limit hides elsewhere. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as limits from '../../src/limits.ts';

const SOURCES = new URL('../../src/', import.meta.url);
const PAGE = new URL('../../../../docs/reference/limits.md', import.meta.url);

const UNITS: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 * 1024, bytes: 1, ms: 1, s: 1000 };

/** `256 MiB`, `10 s` or `20,000` in the unit its name ends in. */
function parsed(name: string, text: string): number {
  const [digits = '', unit] = text.split(' ');
  const n = Number(digits.replaceAll(',', '')) * (unit ? (UNITS[unit] ?? Number.NaN) : 1);
  return name.endsWith('_SECONDS') ? n / 1000 : n;
}

describe('the page of limits', () => {
  const rows = readFileSync(PAGE, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, name, value, happens, change] =
        /^\| `([A-Z_]+)` \| (.+?) \| (.+?) \| (.+?) \|$/.exec(line) ?? [];
      return name && value && happens && change ? [{ name, value, happens, change }] : [];
    });

  it('lists every limit of the code once', () => {
    expect(rows.map((r) => r.name).sort()).toEqual(Object.keys(limits).sort());
  });

  it.each(rows)('says the value of $name: $value', ({ name, value }) => {
    expect(parsed(name, value)).toBe((limits as Record<string, number>)[name]);
  });
});

/** Timers that no peer can drive, and a number of the LZ4 format. */
const HARMLESS = new Set([
  'SNAPSHOT_MS',
  'ACKNOWLEDGE_MS',
  'START_PAUSE_MS',
  'RETRY_MS',
  'FIRST_RETRY_MS',
  'WINDOW_MS',
  'MAX_OFFSET',
]);

describe('src', () => {
  const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter(
    (f) => f.endsWith('.ts') && f !== 'limits.ts',
  );

  it.each(files)('%s hides no limit of its own', (file) => {
    const text = readFileSync(new URL(file, SOURCES), 'utf8');
    const hidden = /^(?:export )?const (MAX_\w*|\w+_(?:LIMIT|TIMEOUT|MS)\b)[^=\n]*= *[\d(]/gm;
    const found = [...text.matchAll(hidden)].map((m) => String(m[1])).filter((n) => !HARMLESS.has(n));
    expect(found, 'belongs into limits.ts and docs/reference/limits.md').toEqual([]);
  });
});
