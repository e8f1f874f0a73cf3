/** docs/how-to/serve-with-access-security.md: its server with its file, as they stand there, against the built package. */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { Context } from '../../src/client/context.ts';
import { Happenings } from '../support/happenings.ts';
import { keep } from '../support/loopback.ts';
import { end, freeUdpPort } from '../support/programs.ts';

const PACKAGE = fileURLToPath(new URL('../../', import.meta.url));
const TEXT = readFileSync(join(PACKAGE, '../../docs/how-to/serve-with-access-security.md'), 'utf8');
const blocks = (language: string): string[] =>
  [...TEXT.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
    .filter(([, l]) => l === language)
    .map(([, , code]) => code as string);
const [ACF = '', DENIED = '', REFUSED = ''] = blocks('text');
const [SERVER = ''] = blocks('js');

let child: ChildProcess | undefined;
const folder = mkdtempSync(join(tmpdir(), 'epics-pva-ts-docs-'));
afterEach(async () => {
  if (child) await end([child]);
  rmSync(folder, { recursive: true, force: true });
});

function lines(stream: NodeJS.ReadableStream | null): Happenings<string> {
  const happenings = new Happenings<string>();
  let rest = '';
  stream?.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) happenings.push(part);
  });
  return happenings;
}

describe('serve with access security', () => {
  it('does what the page says, with its file and its program', async () => {
    expect(existsSync(join(PACKAGE, 'dist/index.js')), 'run npm run build first').toBe(true);
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(PACKAGE, join(folder, 'node_modules/epics-pva-ts'), 'dir');
    writeFileSync(join(folder, 'beamline.acf'), ACF);
    writeFileSync(join(folder, 'server.mjs'), SERVER);
    const udpPort = await freeUdpPort();
    child = spawn(process.execPath, ['server.mjs'], {
      cwd: folder,
      env: {
        PATH: process.env['PATH'] ?? '',
        EPICS_PVA_BROADCAST_PORT: String(udpPort),
        EPICS_PVAS_INTF_ADDR_LIST: '127.0.0.1',
        EPICS_PVAS_BEACON_ADDR_LIST: '127.0.0.1',
        EPICS_PVAS_AUTO_BEACON_ADDR_LIST: 'NO',
        EPICS_PVAS_SERVER_PORT: '0',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const out = lines(child.stdout);
    const err = lines(child.stderr);
    await out.until((all) => all.includes('ready'));
    const as = (user: string): Context =>
      keep(
        new Context({
          user,
          addressList: [`127.0.0.1:${udpPort}`],
          autoAddrList: false,
          nameServers: [],
          interfaces: ['127.0.0.1'],
        }),
      );
    const [alice, visitor] = [as('alice'), as('visitor')];
    const refusal = (p: Promise<unknown>): Promise<string> =>
      p.then(
        () => 'done',
        (error) => (error as Error).message.replace(/127\.0\.0\.1:\d+/, '127.0.0.1:40000'),
      );

    await alice.put('demo:setpoint', 21);
    expect((await visitor.get('demo:setpoint')).get('value')).toBe(21);
    expect(await refusal(visitor.put('demo:setpoint', 5))).toBe(DENIED.trim());
    expect((await visitor.get('demo:limit')).get('value')).toBe(100);
    expect(await refusal(alice.put('demo:limit', 5))).toMatch(/write access denied to 'alice'.*ASL 1/);
    expect(await refusal(visitor.get('demo:key'))).toMatch(/read access denied to 'visitor'.*ASG EXPERT/);
    await alice.put('demo:key', 2);
    // The reply may be here before the line.
    await out.count(2);
    expect(out.all).toEqual(['ready', 'alice writes 2 to demo:key']);

    // A mistake: the rules stay as they are, and the line is named.
    writeFileSync(join(folder, 'beamline.acf'), ACF.replace('UAG(operators) HAG', 'UAG(operator) HAG'));
    child.kill('SIGHUP');
    await err.count(1);
    expect(err.all).toEqual([REFUSED.trim()]);
    expect(await refusal(visitor.put('demo:setpoint', 5))).toBe(DENIED.trim());

    writeFileSync(join(folder, 'beamline.acf'), ACF.replace('alice', 'visitor'));
    child.kill('SIGHUP');
    await out.until((all) => all.includes('rules read again'));
    await visitor.put('demo:setpoint', 5);
    expect(await refusal(alice.put('demo:setpoint', 6))).toMatch(/write access denied to 'alice'/);
    expect(err.all).toHaveLength(1);
  });

  it('names every word of the grammar that needs an explanation', () => {
    for (const word of [
      'READ',
      'WRITE',
      'RPC',
      'TRAPWRITE',
      'UAG',
      'HAG',
      'METHOD',
      'PROTOCOL',
      'CALC',
      'AUTHORITY',
    ])
      expect(TEXT).toMatch(new RegExp(`^\\| .*\`${word}\``, 'm'));
  });
});
