/** What `hpc-pipeline run` shows: at a terminal a table below the lines of the stages, lines only elsewhere. */
import { describe, expect } from 'vitest';
import { AtTerminal, expectGivenBack } from './support/at-terminal.ts';
import { BROKEN, chain, FIXTURES, ledgerOf, outputOf, PATIENCE_MS, runFile } from './support/pipeline.ts';
import { it, until, type World } from './support/world.ts';

const CTRL_C = '\x03';
const HEAD = /^stage +state +received +processed +missed +queued +published +objects\/s$/m;
const FOOT = /^\d+ s; Ctrl-C ends the chain in order, once more at once$/m;

/** The line of a chain in which something has come to its end. */
const FIGURES =
  /^pipeline \| \d+ s \| det: running \d+\/s published=\d+ \| middle: running \d+\/s received=\d+ processed=\d+ missed=0 \| last: running \d+\/s received=\d+ processed=[1-9]/;

/** Runs a pipeline file at a terminal. */
function runAt(world: World, text: string, options = '', type?: string): AtTerminal {
  const file = world.file('chain.yaml', text);
  return AtTerminal.start(world, `hpc-pipeline run ${file} ${options}`, 120, 30, type);
}

function tables(at: AtTerminal): number {
  return at.terminal.lines.filter((line) => HEAD.test(line)).length;
}

/** A table with each of the stages, which have counted something. */
async function showsAll(at: AtTerminal): Promise<void> {
  await at.shows(/^det +running +[1-9]\d* +\d+\.\d$/m, PATIENCE_MS);
  for (const stage of ['middle', 'last'])
    await at.shows(new RegExp(`^${stage} +running +[1-9]\\d* +[1-9]\\d* +0 +\\d+ +\\d+ +\\d+\\.\\d$`, 'm'));
}

// `script` of util-linux, which makes the pseudo-terminal, is Linux's.
describe.skipIf(process.platform !== 'linux')('at a terminal', { concurrent: true }, () => {
  it('shows each stage in one table, and Ctrl-C ends the chain in order', async ({ world }) => {
    const at = runAt(world, chain());
    await showsAll(at);
    // It is renewed where it stands, below what the stages print.
    expect(tables(at)).toBe(1);
    expect(at.text).toMatch(/^det +\| Serving det:image on TCP port \d+$/m);
    expect(at.text.search(HEAD)).toBeGreaterThan(at.text.search(/^pipeline \| all stages are ready$/m));
    expect(at.terminal.lines.at(-1)).toMatch(FOOT);
    expect(at.terminal.modes).not.toContain('?25');
    at.type(CTRL_C);
    expect(await at.exited).toBe(0);
    expectGivenBack(at);
    expect(at.wasFull).toBe(false);
    expect(at.text).toMatch(/^pipeline \| ending in order; once more ends at once$/m);
    // The last table stays, with the ledger below it.
    expect(tables(at)).toBe(1);
    for (const stage of ['det', 'middle', 'last'])
      expect(at.text).toMatch(new RegExp(`^${stage} +ended `, 'm'));
    const { stages, lost, verdict } = ledgerOf(at.text);
    expect({ lost, verdict }).toEqual({ lost: 0, verdict: 'balanced' });
    expect(stages['last']?.['processed']).toBe(stages['det']?.['published']);
  });

  it('a second Ctrl-C ends it at once, with exit code 130', async ({ world }) => {
    const stuck = `processor-file: '${FIXTURES}/stuck-processor.ts', processor-class: Stuck`;
    const at = runAt(world, chain(stuck));
    await at.shows(/^det +running +[1-9]/m, PATIENCE_MS);
    at.type(CTRL_C);
    await at.shows(/ending in order; once more ends at once/);
    at.type(CTRL_C);
    expect(await at.exited).toBe(130);
    expectGivenBack(at);
  });

  it('a stage that fails ends it with the exit code of the stage', async ({ world }) => {
    const at = runAt(world, chain(BROKEN));
    expect(await at.exited).toBe(1);
    expectGivenBack(at);
    expect(at.text).toMatch(/^middle +failed /m);
    expect(at.text).toMatch(/^pipeline \| .*RangeError: the beam is/m);
  });

  it('the table stays while a stage prints line after line', async ({ world }) => {
    const at = runAt(world, chain().replace('n-frames: 10', 'n-frames: 10, report-period: 2'));
    await showsAll(at);
    let shown = 0;
    for (let i = 0; i < 40; i++) {
      const before = at.text;
      await until(() => expect(at.text).not.toBe(before));
      if (FOOT.test(at.text)) shown++;
    }
    // Without it, one in twenty: it comes twice a second, and the next line takes its place.
    expect(shown).toBeGreaterThan(8);
    at.type(CTRL_C);
    expect(await at.exited).toBe(0);
    expectGivenBack(at);
  });

  it('one that cannot (TERM=dumb) has lines only', async ({ world }) => {
    const at = runAt(world, chain(), '--report-period 0.2', 'dumb');
    await at.shows(/^pipeline \| \d+ s \| det: running .* \| last: running .* processed=[1-9]/m, PATIENCE_MS);
    expect(at.text).not.toMatch(HEAD);
    at.type(CTRL_C);
    expect(await at.exited).toBe(0);
    expect(at.text).not.toMatch(FOOT);
    expect(ledgerOf(at.text)).toMatchObject({ verdict: 'balanced' });
  });
});

describe('without a terminal', () => {
  it('has a line with the figures of all stages every so often, and nothing a terminal would obey', async ({
    world,
  }) => {
    const child = await runFile(world, chain());
    await child.waitForLine(FIGURES, PATIENCE_MS);
    child.signal('SIGINT');
    expect(await child.waitForExit(PATIENCE_MS)).toMatchObject({ code: 0 });
    const output = outputOf(child);
    expect(output).not.toMatch(HEAD);
    expect(output).not.toMatch(FOOT);
    expect(output).not.toContain('\x1b');
  });
});
