/** Lists and structures in the reference are those of the sources: error codes, exit codes, variables, channels. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../../src/cli/run-main.ts';
import { ControlRecord } from '../../src/pipeline/control-record.ts';
import { consumerStatusType, userStatsType } from '../../src/pipeline/status-record.ts';
import { ROOT } from '../e2e/support/world.ts';
import { codeBlocks, prose, read } from './support/documents.ts';

/** What `pattern`'s first group finds, each once, in order. */
function found(text: string, pattern: RegExp): string[] {
  return [...new Set(Array.from(text.matchAll(pattern), ([, group = '']) => group))].sort();
}

/** The text of all sources below a folder. */
function sources(folder: string): string {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => read(`${folder}/${file}`))
    .join('\n');
}

describe('docs/reference/exit-codes.md', () => {
  const text = prose('docs/reference/exit-codes.md');

  it('has every error code, and no other', () => {
    const all = ['src', 'sim', 'packages/epics-pva-ts/src'].map(sources).join('\n');
    const inCode = found(all, /'((?:HPC|PVA)_[A-Z_]+)'/g);
    const inText = found(text, /`((?:HPC|PVA)_[A-Z_]+)`/g);
    expect(inText).toEqual(inCode);
  });

  it('has every exit code', () => {
    const table = text.split('## Error lines')[0] ?? '';
    const codes = Array.from(table.matchAll(/^\| ([\d, ]+) \|/gm), ([, cell = '']) => cell.split(', '));
    const signals = found(read('src/cli/run-main.ts'), /\bSIG[A-Z]+: (\d+)/g);
    expect(codes.flat().map(Number).sort()).toEqual([...Object.values(EXIT), ...signals.map(Number)].sort());
  });
});

describe('docs/how-to/run-beside-iocs.md', () => {
  it('has a row for every variable, and for no other', () => {
    const inCode = found(read('packages/epics-pva-ts/src/config.ts'), /'(EPICS_PVAS?_[A-Z_]+)'/g);
    const rows = found(read('docs/how-to/run-beside-iocs.md'), /^\| `(EPICS_PVAS?_[A-Z_]+)` \|/gm);
    expect(rows).toEqual(inCode);
  });
});

describe('docs/reference/channels.md', () => {
  const [status, control] = codeBlocks('docs/reference/channels.md', 'text').map(({ text }) =>
    text.trimEnd(),
  );

  it('shows the structure of the status channel', () => {
    const type = consumerStatusType(userStatsType({ mine: 'int' }));
    expect(status).toBe(type.toString().replace('int mine', '...'));
  });

  it('shows the structure of the control channel', () => {
    const { pv } = new ControlRecord('consumerId', 1, {
      configure() {},
      resetStats() {},
      getStats() {},
      stop() {},
    });
    expect(control).toBe(pv.type?.toString());
  });
});
