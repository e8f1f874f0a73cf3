/** What every benchmark command prints and writes around its figures: the machine, and the JSON file. */
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { repositoryRoot } from './peers/python-env.ts';
import type { Figure } from './result.ts';

/** Cores, Node and system, in one line. */
export function machine(): string {
  const cpus = os.cpus();
  return `${cpus.length} x ${cpus[0]?.model ?? 'unknown CPU'}, Node ${process.version}, ${os.platform()}`;
}

/** Writes bench/results/<prefix><time>.json, and says so. */
export function writeResults(prefix: string, measured: Measured): void {
  const folder = join(repositoryRoot(), 'bench', 'results');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${prefix}${new Date().toISOString().replaceAll(':', '-')}.json`);
  writeFileSync(file, `${JSON.stringify({ machine: machine(), ...measured }, null, 2)}\n`);
  console.log(`written to ${file}`);
}

/** Figures, and how much was measured for them. */
export interface Measured {
  readonly rounds: number;
  /** Of each run. */
  readonly seconds: number;
  readonly figures: readonly Figure[];
}
