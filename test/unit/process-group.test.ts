/** Consumers in child processes that the system cannot start for now, as when it has no process left. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLogging } from '../../src/log.ts';
import type { ConsumerSpec } from '../../src/pipeline/consumer-spec.ts';
import { ProcessGroup } from '../../src/pipeline/process-group.ts';
import { until } from '../e2e/support/world.ts';

const node = process.execPath;
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'epics-hpc-group-'));
});
afterEach(() => {
  process.execPath = node;
  rmSync(folder, { recursive: true });
});

/** A group of one, whose child says that it is ready, and ends when it is told to. */
function make() {
  const entry = join(folder, 'child.cjs');
  writeFileSync(
    entry,
    "process.on('message', ({ type }) => type === 'start' ? process.send({ type: 'ready' }) : process.exit(0));",
  );
  const lines: string[] = [];
  /** Its state whenever a change is told. */
  const told: (string | undefined)[] = [];
  let ends = 0;
  const group: ProcessGroup = new ProcessGroup({
    entry: pathToFileURL(entry),
    specs: [{ consumerId: 4 } as ConsumerSpec],
    logger: createLogging({ name: 'test', output: { write: (text: string) => void lines.push(text) } })
      .logger,
    onReport: () => {},
    onChange: () => void told.push(group.states.get(4)),
    onEnd: () => void ends++,
  });
  return { group, lines, told, ends: () => ends };
}

it('a child that cannot be started is tried again until it can', async () => {
  process.execPath = join(folder, 'no-node');
  const { group, lines, told, ends } = make();
  group.start();
  try {
    await until(() => expect(group.nRestarts).toBe(1));
    expect(lines[0]).toMatch(/consumer 4 cannot be started: spawn .* ENOENT; restart 1 in 0.5 s/);
    expect([...group.states]).toEqual([[4, 'restarting']]);
    process.execPath = node;
    await until(() => expect([...group.states]).toEqual([[4, 'running']]));
    await group.stop();
    expect([[...group.states], ends()]).toEqual([[[4, 'ended']], 1]);
    expect([...new Set(told)]).toEqual(['restarting', 'running', 'ended']);
  } finally {
    group.kill();
  }
});

it('one that can never be started does not keep the group from ending', async () => {
  process.execPath = join(folder, 'no-node');
  const { group, ends } = make();
  group.start();
  await until(() => expect(group.nRestarts).toBe(1));
  await group.stop();
  expect([[...group.states], ends()]).toEqual([[[4, 'ended']], 1]);
});
