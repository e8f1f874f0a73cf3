/** Benchmarks that need no peer run as their documents say. Nothing is said about speed. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { spawnChild } from '../../bench/peers/child.ts';
import { repositoryRoot } from '../../bench/peers/python-env.ts';

async function output(file: string, ...args: string[]): Promise<string> {
  const child = await spawnChild({
    command: process.execPath,
    args: [join(repositoryRoot(), 'dist', 'bench', file), ...args],
    name: file,
  });
  const { code } = await child.waitForExit(25_000);
  const text = child.lines.map((line) => line.text).join('\n');
  expect(code, text).toBe(0);
  return text;
}

describe.concurrent('a benchmark without peers', () => {
  it('of processor workers: frames/s in this process and in workers', async () => {
    const text = await output('processor-workers.js', '--quick');
    expect(text).toMatch(/^1 ms: 0 workers [1-9]\d*, 1 workers [1-9]\d*, 2 workers [1-9]\d*$/m);
  });

  it('of small PVs, ours alone: one table, one JSON file', async () => {
    const text = await output('small-pvs/run.js', '--quick', '--ours', '--only', 'get');
    expect(text).toMatch(/^get round trip, p50 +us +[\d.]+ /m);
    expect(text).toMatch(/^written to .*small-.*\.json$/m);
  });
});
