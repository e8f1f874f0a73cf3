/** A running `hpc-pipeline`, and its ledger as figures. */
import { join } from 'node:path';
import type { Child } from '../../../bench/peers/child.ts';
import { ROOT, type World } from './world.ts';

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

/** Processors of tests. */
export const FIXTURES = join(ROOT, 'test/e2e/fixtures');
/** Options of a stage that never starts. */
export const BROKEN = `processor-file: '${FIXTURES}/bad-processors.ts', processor-class: ThrowsInConstructor`;

/** A stage: a simulator of 50 images in a second. */
export const FIFTY_IMAGES = `  - name: det
    command: ad-sim-server
    options: { channel-name: det:image, n-x-pixels: 16, n-y-pixels: 16, frame-rate: 50, runtime: 1, n-frames: 5 }`;

/**
 * A simulator and two consumers, which need nothing but each other.
 * @param options further options of the stage in the middle
 * @param keys further keys of it
 */
export function chain(options = '', keys = ''): string {
  return `name: chain
stop-timeout: 10
stages:
  - name: det
    command: ad-sim-server
    options: { channel-name: det:image, n-x-pixels: 32, n-y-pixels: 32, frame-rate: 100, runtime: 1000, n-frames: 10 }
  - name: middle
    command: hpc-consumer
    input: det
    ${keys}
    options: { output-channel: 'middle:out', server-queue-size: 1000, ${options || 'processor-class: UserDataProcessor'} }
  - name: last
    command: hpc-consumer
    input: middle
    options: { output-channel: 'last:out', server-queue-size: 1000, processor-class: UserDataProcessor }
`;
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
