/** `npm start`: it ends by itself with a balanced ledger, ends on Ctrl-C at any moment, and leaves no process behind. */
import { describe, expect, it } from 'vitest';
import { type Child, spawnChild } from '../../bench/peers/child.ts';
import { repositoryRoot } from '../../bench/peers/python-env.ts';
import { ledgerLine } from '../../src/cli/demo-view.ts';
import { descendants, gone } from './support/processes.ts';

const root = repositoryRoot();

function start(): Promise<Child> {
  // A facility's settings must not matter: the demonstration keeps to loopback whatever they say.
  const env = { ...process.env, EPICS_PVA_ADDR_LIST: '192.0.2.1', EPICS_PVAS_SERVER_PORT: '5075' };
  return spawnChild({
    command: process.execPath,
    args: ['bin/hpc-demo.js'],
    cwd: root,
    env,
    name: 'npm start',
  });
}

const LEDGER = /^ledger: published=(\d+) received=(\d+) lost=(\d+) (balanced|UNBALANCED)$/;

function ledger(child: Child): { published: number; received: number; lost: number; word: string } {
  const last = child.lines.filter((l) => l.stream === 'stdout').at(-1)?.text ?? '';
  const m = LEDGER.exec(last);
  if (!m) throw child.error('did not end with its ledger');
  return { published: Number(m[1]), received: Number(m[2]), lost: Number(m[3]), word: m[4] as string };
}

/** It runs, is told to end, and does: with a balanced ledger of what it published, and no process left. */
async function endsInOrder(tell: (child: Child, others: readonly number[]) => void): Promise<void> {
  const child = await start();
  await child.waitForLine(/received=[1-9]/, 40_000);
  const pids = descendants(child.pid);
  tell(child, pids);
  expect(await child.waitForExit(20_000)).toMatchObject({ code: 0 });
  const { published, word } = ledger(child);
  expect(published).toBeGreaterThan(0);
  expect(word).toBe('balanced');
  await gone(pids, 10_000);
}

describe('npm start', () => {
  it('runs about 20 s, ends by itself, balanced, exit code 0', async () => {
    const child = await start();
    await child.waitForLine(/consumer 1: .* consumer 2: /, 40_000);
    const pids = descendants(child.pid);
    expect(pids.length).toBeGreaterThanOrEqual(3);
    expect(await child.waitForExit(60_000)).toMatchObject({ code: 0 });
    const { published, received, lost, word } = ledger(child);
    expect(published).toBeGreaterThan(1_000);
    expect(received + lost).toBe(published);
    expect(word).toBe('balanced');
    await gone(pids, 10_000);
  }, 120_000);

  it('ends on Ctrl-C with a balanced ledger while it is starting and while it runs', async () => {
    const starting = await start();
    await starting.waitForLine(/loopback/, 20_000);
    starting.signal('SIGINT');
    expect(await starting.waitForExit(20_000)).toMatchObject({ code: 0 });
    expect(ledger(starting)).toMatchObject({ word: 'balanced' });

    await endsInOrder((running) => running.signal('SIGINT'));
  }, 120_000);

  it('ends with a balanced ledger when the terminal of all its processes hangs up', async () => {
    await endsInOrder((child, others) => {
      for (const pid of [...others, child.pid]) process.kill(pid, 'SIGHUP');
    });
  }, 80_000);

  it('leaves no process behind when it is killed', async () => {
    const child = await start();
    await child.waitForLine(/received=[1-9]/, 40_000);
    const pids = descendants(child.pid);
    expect(pids.length).toBeGreaterThanOrEqual(3);
    process.kill(child.pid, 'SIGKILL');
    await gone(pids, 10_000);
  }, 80_000);
});

describe('the ledger line', () => {
  it('says balanced only if every published frame was received or is known to be lost', () => {
    expect(ledgerLine(100, 97, 3)).toEqual({
      line: 'ledger: published=100 received=97 lost=3 balanced',
      balanced: true,
    });
    expect(ledgerLine(100, 97, 2)).toEqual({
      line: 'ledger: published=100 received=97 lost=2 UNBALANCED',
      balanced: false,
    });
    expect(ledgerLine(100, 101, 0).balanced).toBe(false);
  });
});
