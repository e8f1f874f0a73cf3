/** Processes of the interop tests and the benchmark: every wait is bounded and explains itself, nothing survives. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { spawnChild } from '../../bench/peers/child.ts';

const NEVER_ENDS = 'setInterval(() => {}, 1000);';

function startNode(script: string) {
  return spawnChild({ command: process.execPath, args: ['-e', script], name: 'script' });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // An orphan that init has not collected yet is dead all the same.
    return process.platform !== 'linux' || !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

describe('a child process', () => {
  it('gives the first matching line of either stream, also when it came before the wait', async () => {
    const child = await startNode(
      'console.error("port 5075"); console.log("port 5076"); console.log("end");',
    );
    await child.exited;
    const first = child.lineCount;
    expect((await child.waitForLine(/^port (\d+)/, 1_000))[1]).toMatch(/^507[56]$/);
    await expect(child.waitForLine(/^port/, 1_000, first)).rejects.toThrow(/ended \(exit code 0\)/);
  });

  it('fails a wait with what it printed when it ends without that line', async () => {
    const child = await startNode('console.error("port 5075 is taken"); process.exitCode = 3;');
    await expect(child.waitForLine(/READY/, 10_000)).rejects.toThrow(
      /script \(process \d+\) ended \(exit code 3\) without a line matching \/READY\/.*\n.*stderr: port 5075 is taken/,
    );
  });

  it('fails a wait when time runs out, and runs on', async () => {
    const child = await startNode(`console.log("starting"); ${NEVER_ENDS}`);
    await child.waitForLine(/starting/, 10_000);
    await expect(child.waitForLine(/READY/, 50)).rejects.toThrow(/within 50 ms.*\n.*stdout: starting/);
    await expect(child.waitForExit(50)).rejects.toThrow(/did not end within 50 ms/);
    expect(child.running).toBe(true);
    expect(await child.stop()).toEqual({ code: null, signal: 'SIGINT', killed: false });
    expect(child.running).toBe(false);
    expect(await child.stop()).toEqual({ code: null, signal: 'SIGINT', killed: false });
  });

  it('is killed when it does not end politely', async () => {
    const child = await startNode(`process.on('SIGINT', () => {}); console.log('deaf'); ${NEVER_ENDS}`);
    await child.waitForLine(/deaf/, 10_000);
    expect(await child.stop({ graceMs: 100 })).toEqual({ code: null, signal: 'SIGKILL', killed: true });
  });

  it('takes the processes it started with it', async () => {
    const child = await startNode(
      `const { spawn } = require('node:child_process');
       const own = spawn(process.execPath, ['-e', '${NEVER_ENDS}'], { stdio: 'inherit' });
       console.log('own ' + own.pid); ${NEVER_ENDS}`,
    );
    const own = Number((await child.waitForLine(/^own (\d+)/, 10_000))[1]);
    await child.stop();
    await vi.waitFor(() => expect(isAlive(own)).toBe(false), 5_000);
  });

  it('does not survive us, even when we are killed without notice', async () => {
    const parent = await spawnChild({
      command: process.execPath,
      args: ['--import', 'jiti/register', fileURLToPath(new URL('parent-of-child.ts', import.meta.url))],
    });
    const child = Number((await parent.waitForLine(/^child (\d+)/, 20_000))[1]);
    expect(isAlive(child)).toBe(true);
    parent.signal('SIGKILL');
    await parent.exited;
    await vi.waitFor(() => expect(isAlive(child)).toBe(false), 5_000);
  });

  it('that cannot be started is one clear error', async () => {
    await expect(spawnChild({ command: 'no-such-program' })).rejects.toThrow(
      /^no-such-program cannot be started: .*ENOENT/,
    );
  });
});
