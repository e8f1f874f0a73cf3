/** A running `hpc-pipeline`, and its ledger as figures. */
import type { Child } from '../../../bench/peers/child.ts';
import type { World } from './world.ts';

/** Most time a chain may take to do what a test waits for; it starts several processes. */
export const PATIENCE_MS = 40_000;

export interface LedgerFigures {
  /** By stage. */
  readonly stages: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly links: readonly string[];
  readonly lost: number;
  readonly verdict: string;
}

/** The ledger at the end of what a chain printed. */
export function ledgerOf(stdout: string): LedgerFigures {
  const lines = stdout.trimEnd().split('\n');
  const begin = lines.findLastIndex((line) => /^stage +received /.test(line));
  const verdict = /^ledger of .*: \d+ stages, \d+ links, lost=(\d+) (\w+)$/.exec(lines.at(-1) ?? '');
  if (begin < 0 || !verdict) throw new Error(`no ledger at the end of\n${stdout}`);
  const [, ...columns] = (lines[begin] ?? '').split(/ +/);
  const body = lines.slice(begin + 1, -1);
  const stages = body.flatMap((line) => {
    const [name = '', ...cells] = line.split(/ +/);
    const isRow = cells.length === columns.length && cells.every((cell) => /^\d+$/.test(cell));
    return isRow ? [[name, Object.fromEntries(columns.map((column, i) => [column, Number(cells[i])]))]] : [];
  });
  return {
    stages: Object.fromEntries(stages),
    links: body.filter((line) => line.includes(' -> ')),
    lost: Number(verdict[1]),
    verdict: verdict[2] ?? '',
  };
}

/** Writes a pipeline file into the world's folder and runs it; output of stages is not shown. */
export function runFile(world: World, text: string, options = ''): Promise<Child> {
  const file = world.file('chain.yaml', text);
  return world.start(`hpc-pipeline run ${file} --report-period 0.2 ${options}`, {
    HPC_TEST_FOLDER: world.folder,
  });
}

/** What a chain that has ended wrote to standard output. */
export function outputOf(child: Child): string {
  return child.lines.map(({ text }) => `${text}\n`).join('');
}

/** Process id of a stage, when it has started; `since` as in Child.waitForLine. */
export async function stagePid(child: Child, stage: string, since = 0): Promise<number> {
  const [, pid] = await child.waitForLine(
    new RegExp(`stage ${stage} runs as process (\\d+)`),
    PATIENCE_MS,
    since,
  );
  return Number(pid);
}

/** Waits until a stage has processed something. */
export async function flowing(child: Child, stage: string, since = 0): Promise<void> {
  await child.waitForLine(new RegExp(`${stage}: running.* processed=[1-9]`), PATIENCE_MS, since);
}
