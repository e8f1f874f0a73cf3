/** How a command ends: output, exit codes, signals. Runs real processes. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { CommandExit } from '../../src/cli/command-exit.ts';
import { endingOf } from '../../src/cli/run-main.ts';
import { UserError } from '../../src/errors.ts';

const ROOT = new URL('../..', import.meta.url);

/** Starts a process whose main function has this body; `context`, `UserError` and `CommandExit` are in reach. */
function start(body: string, env: Record<string, string> = {}): ChildProcessWithoutNullStreams {
  const script = `
    import { createJiti } from 'jiti';
    const jiti = createJiti(process.cwd() + '/');
    const { runMain } = await jiti.import('./src/cli/run-main.ts');
    const { UserError } = await jiti.import('./src/errors.ts');
    const { CommandExit } = await jiti.import('./src/cli/command-exit.ts');
    await runMain('tool', async (context) => { ${body} });`;
  return spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], JITI_FS_CACHE: 'false', ...env },
  });
}

interface Result {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function collect(child: ChildProcessWithoutNullStreams): Promise<Result> {
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return once(child, 'close').then(([exitCode]) => ({ exitCode: exitCode as number | null, stdout, stderr }));
}

function run(body: string, env?: Record<string, string>): Promise<Result> {
  return collect(start(body, env));
}

/** Resolves when the child has printed this text. */
function printed(child: ChildProcessWithoutNullStreams, text: string): Promise<void> {
  let seen = '';
  return new Promise((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
      if (seen.includes(text)) resolve();
    });
  });
}

describe('runMain', () => {
  it('ends with 0 when main is done, although a timer is still running', async () => {
    const result = await run(`setInterval(() => {}, 1000); console.log('done');`);
    expect(result).toEqual({ exitCode: 0, stdout: 'done\n', stderr: '' });
  });

  it("ends with main's exit code", async () => {
    expect((await run('return 3;')).exitCode).toBe(3);
  });

  it('prints all of the output, however long, before it ends', async () => {
    const result = await run(`process.stdout.write('x'.repeat(5_000_000));`);
    expect(result.stdout.length).toBe(5_000_000);
  });

  it('prints what a parser wants printed', async () => {
    expect(await run(`throw new CommandExit(2, { stderr: 'Usage: tool\\n' });`)).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: 'Usage: tool\n',
    });
  });

  it('prints a UserError as one line', async () => {
    expect(await run(`throw new UserError('HPC_BAD_ARGUMENT', 'no such\\n  thing');`)).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'tool: error: no such thing (HPC_BAD_ARGUMENT)\n',
    });
  });

  it('prints anything else as one line too, also when thrown outside of main', async () => {
    const expected = {
      exitCode: 1,
      stdout: '',
      stderr: 'tool: internal error: TypeError: broken (EPICS_HPC_DEBUG=1 shows where)\n',
    };
    expect(await run(`throw new TypeError('broken');`)).toEqual(expected);
    const forever = 'await new Promise(() => setInterval(() => {}, 1000));';
    expect(await run(`setImmediate(() => { throw new TypeError('broken'); }); ${forever}`)).toEqual(expected);
    expect(await run(`void Promise.reject(new TypeError('broken')); ${forever}`)).toEqual(expected);
  });

  it('prints a stack trace with EPICS_HPC_DEBUG=1', async () => {
    const { stderr } = await run(`throw new TypeError('broken');`, { EPICS_HPC_DEBUG: '1' });
    expect(stderr).toMatch(/^tool: internal error: TypeError: broken\nTypeError: broken\n +at /);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('lets main end in its own way on %s', async (name) => {
    const child = start(`
      console.log('ready');
      const beat = setInterval(() => {}, 1000);
      await new Promise((resolve) => context.signal.addEventListener('abort', resolve));
      clearInterval(beat);
      console.log('tidy');`);
    const result = collect(child);
    await printed(child, 'ready');
    child.kill(name);
    expect(await result).toEqual({ exitCode: 0, stdout: 'ready\ntidy\n', stderr: '' });
  });

  it('ends well when main only lets the abort error through', async () => {
    const child = start(`
      console.log('ready');
      const { setTimeout: sleep } = await import('node:timers/promises');
      await sleep(600_000, undefined, { signal: context.signal });`);
    const result = collect(child);
    await printed(child, 'ready');
    child.kill('SIGINT');
    expect(await result).toEqual({ exitCode: 0, stdout: 'ready\n', stderr: '' });
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('ends at once on a second %s', async (name, exitCode) => {
    const child = start(`
      context.signal.addEventListener('abort', () => console.log('stopping'));
      console.log('ready');
      await new Promise(() => setInterval(() => {}, 1000));`);
    const result = collect(child);
    await printed(child, 'ready');
    child.kill(name);
    await printed(child, 'stopping');
    child.kill(name);
    expect((await result).exitCode).toBe(exitCode);
  });

  it('stops quietly when the reader of its output has gone', async () => {
    const child = start(`
      const beat = setInterval(() => console.log('line'), 5);
      await new Promise((resolve) => context.signal.addEventListener('abort', resolve));
      clearInterval(beat);`);
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const exit = once(child, 'exit');
    await printed(child, 'line');
    child.stdout.destroy();
    expect(await exit).toEqual([0, null]);
    expect(stderr).toBe('');
  });
});

describe('endingOf', () => {
  it('takes the exit code of a UserError', () => {
    expect(endingOf('t', new UserError('HPC_BAD_ARGUMENT', 'x', { exitCode: 2 }), false).exitCode).toBe(2);
  });

  it("names the cause of the protocol library's and of system errors", () => {
    const pva = Object.assign(new Error('channel x: no answer'), { code: 'PVA_TIMEOUT' });
    expect(endingOf('t', pva, false).stderr).toBe('t: error: channel x: no answer (PVA_TIMEOUT)\n');
    const port = Object.assign(new Error('listen EADDRINUSE: 5075'), { code: 'EADDRINUSE' });
    expect(endingOf('t', port, false).stderr).toBe('t: error: listen EADDRINUSE: 5075 (EADDRINUSE)\n');
  });

  it('shows the cause of a UserError with debug only', () => {
    const error = new UserError('HPC_LOG_FILE', 'cannot write', { cause: new Error('disk full') });
    expect(endingOf('t', error, false).stderr).toBe('t: error: cannot write (HPC_LOG_FILE)\n');
    expect(endingOf('t', error, true).stderr).toContain('Caused by: Error: disk full');
  });

  it('copes with anything thrown', () => {
    expect(endingOf('t', 'text', false)).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 't: internal error: text\n',
    });
    expect(endingOf('t', undefined, false).exitCode).toBe(1);
    const exit = new CommandExit(0, { stdout: 'help' });
    expect(endingOf('t', exit, false)).toMatchObject({ exitCode: 0, stdout: 'help', stderr: '' });
  });
});
