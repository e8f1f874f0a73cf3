/**
 * The README's code runs, as it stands there, against the built package: server and client as two programs, every
 * other block by itself. What a line says it prints behind `//` it does print.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import * as errors from '../../src/errors.ts';
import * as library from '../../src/index.ts';
import { Happenings } from '../support/happenings.ts';
import { end, freeUdpPort } from '../support/programs.ts';

const PACKAGE = new URL('../../', import.meta.url);
const README = readFileSync(new URL('README.md', PACKAGE), 'utf8');

/** Code blocks by what stands behind the language: server, client, run. */
const BLOCKS = [...README.matchAll(/^```(\w+)(?: (\w+))?\n([\s\S]*?)^```$/gm)].map(
  ([, language, name, code]) => ({
    language,
    name,
    code: code as string,
  }),
);

const children: ChildProcess[] = [];
afterEach(() => end(children.splice(0)));

interface Running {
  readonly child: ChildProcess;
  readonly lines: Happenings<string>;
  readonly exit: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

/** Runs a block as a module of this package's directory, where its name resolves to the built package. */
function run(code: string, env: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    cwd: fileURLToPath(PACKAGE),
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  const lines = new Happenings<string>();
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    const before = stdout.split('\n').length;
    stdout += chunk.toString();
    for (const line of stdout.split('\n').slice(before - 1, -1)) lines.push(line);
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const exit = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }));
  return { child, lines, exit };
}

describe('the README', () => {
  it('has a server and a client of ten lines each, and more blocks that run', () => {
    expect(existsSync(new URL('dist/index.js', PACKAGE)), 'run npm run build first').toBe(true);
    const lines = (name: string): number[] =>
      BLOCKS.filter((b) => b.name === name).map((b) => b.code.trimEnd().split('\n').length);
    expect([lines('server'), lines('client')]).toEqual([[10], [10]]);
    expect(BLOCKS.filter((b) => b.name === 'run').length).toBeGreaterThanOrEqual(3);
    const { name: packageName } = JSON.parse(readFileSync(new URL('package.json', PACKAGE), 'utf8'));
    for (const { language, name, code } of BLOCKS)
      if (language === 'sh') expect(code).toBe(`npm install ${packageName}\n`);
      else expect([language, name]).toEqual(['js', expect.any(String)]);
  });

  it("has a server that the client finds, as two programs that know nothing of each other's ports", async () => {
    // The defaults of both, but on loopback and a UDP port of their own.
    const env = {
      EPICS_PVA_ADDR_LIST: '127.0.0.1',
      EPICS_PVA_AUTO_ADDR_LIST: 'NO',
      EPICS_PVA_INTF_ADDR_LIST: '127.0.0.1',
      EPICS_PVA_BROADCAST_PORT: String(await freeUdpPort()),
      EPICS_PVAS_INTF_ADDR_LIST: '127.0.0.1',
      EPICS_PVAS_SERVER_PORT: '0',
    };
    const code = (name: string): string => BLOCKS.find((b) => b.name === name)?.code ?? '';
    const server = run(code('server'), env);
    const client = await run(code('client'), env).exit;
    expect(client).toMatchObject({ code: 0, stderr: '' });
    const printed = client.stdout.trimEnd().split('\n');
    expect(printed[0]).toBe('severity 0');
    const updates = printed.slice(1).map((line) => Number(/^update (\d+)$/.exec(line)?.[1]));
    // The client puts 100, the server adds 1 every 100 ms; a client that stands still for long misses some.
    expect(updates[0]).toBeGreaterThanOrEqual(100);
    expect(updates).toEqual([...new Set(updates)].sort((a, b) => a - b));
    expect(updates.at(-1)).toBeGreaterThan(102);
    expect(updates.slice(0, -1).every((update) => update <= 102)).toBe(true);
    expect(server.child.exitCode).toBeNull();
  });

  const blocks = BLOCKS.filter((b) => b.name === 'run').map((b, i) => [i + 1, b.code] as const);
  it.each(blocks)('has a block %i that runs and prints what it says', async (_number, code) => {
    const expected = [...code.matchAll(/console\.log\(.*\);? ?,? ?\/\/ (.*)$/gm)].map(([, text]) => text);
    expect(expected.length).toBeGreaterThan(0);
    const { code: exitCode, stdout, stderr } = await run(code).exit;
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout.trimEnd().split('\n')).toEqual(expected);
  });

  it('names every error with its code, and every variable that is read', () => {
    for (const [name, value] of Object.entries(errors)) {
      if (name === 'PvaError') continue;
      const { code } = new (value as new (text: string) => errors.PvaError)('x');
      expect(README).toContain(`| \`${name}\` | \`${code}\` |`);
      expect(library).toHaveProperty(name);
    }
    const config = readFileSync(new URL('src/config.ts', PACKAGE), 'utf8');
    const read = new Set(config.match(/EPICS_PVAS?_[A-Z]+(_[A-Z]+)*/g));
    for (const variable of read) if (!variable.endsWith('_')) expect(README).toContain(`\`${variable}\``);
    const codes = readFileSync(new URL('src/server/server.ts', PACKAGE), 'utf8').match(/PVA_[A-Z_]+/g) ?? [];
    for (const code of codes) expect(README).toContain(`\`${code}\``);
  });

  it('has the version of the package in the changelog', () => {
    const { version } = JSON.parse(readFileSync(new URL('package.json', PACKAGE), 'utf8'));
    expect(readFileSync(new URL('CHANGELOG.md', PACKAGE), 'utf8')).toContain(`## [${version}]`);
    expect(library.VERSION).toBe(version);
  });
});
