/** From what a command wants to show to the exact lines on a terminal of a given size. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layout, tableLines, type ViewModel } from '../../src/view/layout.ts';
import { Rates } from '../../src/view/rates.ts';

const MODEL: ViewModel = {
  title: 'hpc-consumer   pvapy:image   0:00:17',
  sections: [
    {
      columns: ['consumer', 'state', 'received', 'per s', 'missed'],
      rows: [
        ['1', 'receiving', '1700', '100.0', '0'],
        ['2', 'starting'],
        ['all', '', '1700', '100.0', '-'],
      ],
    },
    'one line\nand another',
  ],
};

describe('layout', () => {
  it('puts the title, then section after section; figures are right, text is left', () => {
    expect(layout(MODEL, [], { columns: 80, rows: 24 })).toEqual([
      'hpc-consumer   pvapy:image   0:00:17',
      '',
      'consumer  state      received  per s  missed',
      '1         receiving      1700  100.0       0',
      '2         starting',
      'all                      1700  100.0       -',
      '',
      'one line',
      'and another',
    ]);
  });

  it('cuts what is too wide, and says how much is missing below', () => {
    expect(layout(MODEL, [], { columns: 22, rows: 5 })).toEqual([
      'hpc-consumer   pvapy:i',
      '',
      'consumer  state      r',
      '1         receiving   ',
      '... 5 more lines',
    ]);
  });

  it('shows the last lines of the log below, with no more than ten, nor more than a third of a full screen', () => {
    const log = Array.from({ length: 40 }, (_, i) => `line ${i + 1}`);
    const tall = layout(MODEL, log, { columns: 80, rows: 50 });
    expect(tall.slice(9)).toEqual(['', 'Log (the last 10 lines)', ...log.slice(30)]);
    expect(layout(MODEL, log, { columns: 80, rows: 12 })).toEqual([
      ...layout(MODEL, [], { columns: 80, rows: 24 }).slice(0, 7),
      '... 2 more lines',
      '',
      'Log (the last 2 lines)',
      'line 39',
      'line 40',
    ]);
    expect(layout(MODEL, ['only'], { columns: 80, rows: 24 }).slice(-3)).toEqual(['', 'Log', 'only']);
  });

  it('lets nothing through that a terminal would obey', () => {
    const log = ['\x1b[31mred\x1b[0m\x07 and\ta \x1b]0;title\x07tab'];
    expect(layout({ title: 'a\x1b[2J', sections: [] }, log, { columns: 80, rows: 9 })).toEqual([
      'a',
      '',
      'Log',
      'red and  a tab',
    ]);
  });

  it('fits into any terminal', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 60 });
    const size = fc.record({
      columns: fc.integer({ min: 1, max: 60 }),
      rows: fc.integer({ min: 1, max: 30 }),
    });
    const table = fc.record({ columns: fc.array(text), rows: fc.array(fc.array(text)) });
    const model = fc.record({ title: text, sections: fc.array(fc.oneof(text, table), { maxLength: 5 }) });
    fc.assert(
      fc.property(model, fc.array(text), size, (m, log, s) => {
        const lines = layout(m, log, s);
        expect(lines.length).toBeLessThanOrEqual(s.rows);
        for (const line of lines) {
          expect([...line].length).toBeLessThanOrEqual(s.columns);
          expect(line).not.toMatch(/\p{Cc}/u);
        }
      }),
    );
  });
});

describe('a table', () => {
  it('without rows is its head', () => {
    expect(tableLines({ columns: ['a', 'bb'], rows: [] })).toEqual(['a  bb']);
  });
});

describe('rates', () => {
  it('are those since the look before, not over less than 0.4 s, and 0 after a reset', () => {
    const rates = new Rates();
    expect(rates.of('a', 50, 0)).toBe(0);
    expect(rates.of('a', 100, 500)).toBe(100);
    expect(rates.of('a', 101, 501)).toBe(100);
    expect(rates.of('b', 7, 501)).toBe(0);
    expect(rates.of('a', 200, 1000)).toBe(200);
    expect(rates.of('a', 3, 1500)).toBe(0);
  });
});
