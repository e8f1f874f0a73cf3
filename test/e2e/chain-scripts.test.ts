/**
 * The scripts in examples/ that run the chains of PvaPy's streaming framework, from the simulator to the last stage:
 * their exit code says whether every image came through, and they leave nothing behind.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect } from 'vitest';
import { guardGroup, releaseGroup } from '../../bench/peers/reaper.ts';
import { exists } from './support/unguarded.ts';
import { it, ROOT, until, type World } from './support/world.ts';

/** A script as a shell runs it, in a process group of its own. */
class Script implements AsyncDisposable {
  stdout = '';
  stderr = '';
  readonly exited: Promise<number | null>;
  readonly pid: number;
  readonly kill: (signal: NodeJS.Signals) => void;

  constructor(world: World, name: string, env: NodeJS.ProcessEnv) {
    const child = spawn('bash', [`examples/${name}.sh`], {
      cwd: ROOT,
      env: { ...world.env, START_TIMEOUT: '60', ...env, TMPDIR: world.folder },
      detached: true,
    });
    this.pid = child.pid as number;
    guardGroup(this.pid);
    child.stdout.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
    });
    this.exited = once(child, 'close').then(([code]) => code as number | null);
    this.kill = (signal) => void child.kill(signal);
    world.own(this);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    releaseGroup(this.pid);
    await this.exited;
  }
}

/** What every chain prints at its end; what was published is what each stage has processed. */
function expectBalanced({ stdout }: Script, stages: readonly string[]): void {
  const [, published = '', last] = /^ledger: published=(\d+) processed=(\d+) balanced$/m.exec(stdout) ?? [];
  expect(Number(published), stdout).toBeGreaterThanOrEqual(150);
  expect(last).toBe(published);
  for (const stage of stages)
    expect(stdout).toContain(`\n${stage}: processed=${published} missed=0 errors=0\n`);
}

/** Consumers whose parent was killed end within a second. */
async function nothingLeft(script: Script): Promise<void> {
  await until(() => expect(exists(-script.pid)).toBe(false), 20_000);
}

describe('an example of a chain', { concurrent: true, timeout: 180_000 }, () => {
  it.for<[string, string[]]>([
    ['processing-chain', ['turn', 'look', 'pass']],
    ['parallel-chain', ['share', 'collect', 'pass']],
    ['metadata-consumers', ['share', 'collect']],
    ['metadata-collector', ['share', 'collect']],
  ])('%s: every image comes through', async ([name, stages], { world }) => {
    const script = new Script(world, name, { START_DELAY: '6' });
    expect(await script.exited, script.stdout + script.stderr).toBe(0);
    expectBalanced(script, stages);
    if (name.startsWith('metadata')) {
      const [, published] = /published=(\d+)/.exec(script.stdout) ?? [];
      expect(script.stdout).toContain(`\nimages with both values: ${published}, without: 0\n`);
    }
    await nothingLeft(script);
  });

  it('fails, says which stage did, and leaves nothing behind, when a stage ends', async ({ world }) => {
    const script = new Script(world, 'parallel-chain', { EPICS_PVAS_SERVER_PORT: 'none' });
    expect(await script.exited).toBe(1);
    expect(script.stderr).toMatch(/: share has ended; what the stages printed:\n/);
    expect(script.stderr).toContain('EPICS_PVAS_SERVER_PORT');
    await nothingLeft(script);
  });

  it('leaves nothing behind when it is interrupted', async ({ world }) => {
    const script = new Script(world, 'parallel-chain', { START_DELAY: '60' });
    await until(() => expect(script.stdout).toContain('simulator: '), 70_000);
    script.kill('SIGTERM');
    expect(await script.exited).toBe(143);
    await nothingLeft(script);
  });
});
