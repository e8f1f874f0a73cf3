/** A stage as a line for a shell, its environment, and the lines of a process. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { shellLine, shellQuoted } from '../../src/pipeline-file/command-line.ts';
import { LineSplitter } from '../../src/pipeline-file/line-splitter.ts';
import { chainEnvironment, clientEnvironment, stageEnvironment } from '../../src/pipeline-file/network.ts';
import { plan, stage } from './planning.ts';

const FILE = `name: x
environment: { LAB: 'beam line', N: 3 }
stages:
  - name: det
    command: ad-sim-server
    options: { channel-name: "it's $HOME;", frame-rate: -1 }
`;

describe('a shell line', () => {
  it('is read by a shell as the words it was made of', () => {
    const words = ['plain', "it's", '$HOME `x` "y"', '', 'a*b?', '{"a": [1]}', '-5', 'ü', 'a\nb', '~', '#x'];
    const script = `for word in ${words.map(shellQuoted).join(' ')}; do printf '%s\\0' "$word"; done`;
    expect(execFileSync('/bin/sh', ['-c', script]).toString().split('\0').slice(0, -1)).toEqual(words);
  });

  it('sets folder and environment', () => {
    const chain = plan(FILE);
    const line = shellLine(stage(chain, 'det'), {
      directory: '/some folder',
      environment: chainEnvironment({ ...chain.file, network: 'environment' }, 0),
      unset: [],
      program: ['node', 'sim.js'],
    });
    expect(line).toBe(
      "cd '/some folder' && LAB='beam line' N=3 node sim.js --channel-name 'it'\\''s $HOME;' --frame-rate=-1 --report-period 0",
    );
  });
});

it('a shell line runs without what the shell has set otherwise', () => {
  const chain = plan(FILE);
  const environment = chainEnvironment({ ...chain.file, network: 'environment' }, 0);
  const options = {
    directory: undefined,
    environment,
    unset: ['EPICS_PVAS_X', 'Y'],
    program: ['node', 'sim.js'],
  };
  expect(shellLine(stage(chain, 'det'), options)).toMatch(
    /^env -u EPICS_PVAS_X -u Y LAB='beam line' N=3 node sim\.js --channel-name /,
  );
});

describe('the environment of a chain', () => {
  const inherited = {
    PATH: '/bin',
    EPICS_PVA_ADDR_LIST: '192.0.2.1',
    EPICS_PVAS_BEACON_PERIOD: '5',
    EPICS_HPC_DEBUG: '1',
  };

  it('is its own loopback by default: nothing of the settings outside is left', () => {
    const { file } = plan(FILE);
    const added = chainEnvironment(file, 7000);
    expect(stageEnvironment(file, inherited, added)).toEqual({
      PATH: '/bin',
      EPICS_HPC_DEBUG: '1',
      EPICS_PVA_ADDR_LIST: '127.0.0.1',
      EPICS_PVA_AUTO_ADDR_LIST: 'NO',
      EPICS_PVA_BROADCAST_PORT: '7000',
      EPICS_PVA_INTF_ADDR_LIST: '127.0.0.1',
      EPICS_PVAS_INTF_ADDR_LIST: '127.0.0.1',
      EPICS_PVAS_SERVER_PORT: '0',
      LAB: 'beam line',
      N: '3',
    });
    expect(clientEnvironment(added)).toEqual({
      EPICS_PVA_ADDR_LIST: '127.0.0.1',
      EPICS_PVA_AUTO_ADDR_LIST: 'NO',
      EPICS_PVA_BROADCAST_PORT: '7000',
    });
  });

  it('has the texts of the file, not what YAML takes them for', () => {
    const texts = ['05075', '0x10', '1.50', '1e3', 'yes', 'true', 'True', '12345678901234567890'];
    const own = texts.map((text, i) => `\n  V${i}: ${text}`).join('');
    const text = FILE.replace("{ LAB: 'beam line', N: 3 }", `${own}\n  QUOTED: '007'\n  GIVEN: \${N}`);
    const { file } = plan(text, { set: { N: '0042' } });
    expect(chainEnvironment({ ...file, network: 'environment' }, 0)).toEqual({
      ...Object.fromEntries(texts.map((value, i) => [`V${i}`, value])),
      QUOTED: '007',
      GIVEN: '0042',
    });
  });

  it('has them through aliases and in merged maps, too', () => {
    const own = '{ <<: [{ A: 0x10, B: 1 }, { C: &port 05075 }], B: 1e3, D: *port }';
    const { file } = plan(FILE.replace("{ LAB: 'beam line', N: 3 }", own));
    expect(chainEnvironment({ ...file, network: 'environment' }, 0)).toEqual({
      A: '0x10',
      B: '1e3',
      C: '05075',
      D: '05075',
    });
  });

  it('is that of the shell when the file says so', () => {
    const { file } = plan(FILE.replace('name: x', 'name: x\nnetwork: environment'));
    expect(stageEnvironment(file, inherited, chainEnvironment(file, 0))).toEqual({
      ...inherited,
      LAB: 'beam line',
      N: '3',
    });
  });
});

describe('lines of a process', () => {
  function lines(...parts: readonly string[]): string[] {
    const found: string[] = [];
    const splitter = new LineSplitter(
      (line) => found.push(line),
      () => 0,
    );
    for (const part of parts) splitter.write(part);
    splitter.close();
    return found;
  }

  it('are whole, however they arrive', () => {
    expect(lines('a\nb', 'c\n\nd')).toEqual(['a', 'bc', '', 'd']);
  });

  it('are cut when they are too long', () => {
    const [only = '', ...more] = lines('x'.repeat(1500), 'y'.repeat(1500), '\n');
    expect(more).toEqual([]);
    expect(only).toBe(`${'x'.repeat(1500)}${'y'.repeat(500)} ... (1000 more characters)`);
  });

  it('are left out, and counted, when there are too many in a second', () => {
    const found = lines('z\n'.repeat(1000));
    expect(found).toHaveLength(201);
    expect(found.at(-1)).toBe('(800 lines left out: more than 200 in a second)');
  });

  it('cannot take over the terminal', () => {
    expect(lines('a\u001b[2Jb\rc\td\u0007\n')).toEqual(['a[2Jbc\td']);
  });
});
