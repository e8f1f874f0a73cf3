/** pvlist as scripts see it: which servers answer, and what they say of themselves (EPICS base pvlist.cpp). */
import { createServer } from 'node:net';
import type { Server } from 'epics-pva-ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pvtoolsPVs } from './pvtools-pvs.ts';
import { environment, type Finished, RunningTool, runTool, servePVs } from './run-tool.ts';

let first: Server;
let second: Server;
let env: NodeJS.ProcessEnv;
beforeAll(async () => {
  first = await servePVs();
  // On the same UDP port: a search reaches one of them, which passes it on.
  second = await servePVs(first.udpPort, new Map());
  env = environment(first);
});
afterAll(async () => {
  await second.close();
  await first.close();
});

const pvlist = (...argv: string[]): Promise<Finished> => runTool(first, 'pvlist', ...argv);
const addressOf = (server: Server): string => `127.0.0.1:${server.tcpPort}`;
const SERVER = /^GUID (0x[0-9A-F]{24}) version (\d): tcp@\[ (127\.0\.0\.1:\d+) \]$/;

async function servers(): Promise<{ guid: string; version: string; address: string }[]> {
  const { code, stdout, stderr } = await pvlist();
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [, guid = '', version = '', address = ''] = SERVER.exec(line) ?? [];
      return { guid, version, address };
    });
}

describe('without a server', () => {
  it('lists every server that answers, by GUID, with version and address', async () => {
    const all = await servers();
    expect(all.map(({ address }) => address).sort()).toEqual([addressOf(first), addressOf(second)].sort());
    expect(all.map(({ guid }) => guid)).toEqual(all.map(({ guid }) => guid).sort());
    expect(all.map(({ version }) => version)).toEqual(['2', '2']);
  });

  it('prints nothing where nobody is, as EPICS base', async () => {
    await using tool = new RunningTool('pvlist', [], { ...env, EPICS_PVA_ADDR_LIST: '127.0.0.1:1' });
    expect(await tool.finished()).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('ends at once by Ctrl-C, with what came until then', async () => {
    await using tool = new RunningTool('pvlist', ['-d'], env);
    await expect.poll(() => tool.stderr, { timeout: 10_000 }).toContain('asking for servers');
    expect(await tool.interrupt()).toMatchObject({ code: 0 });
  });
});

describe('of a server', () => {
  it('lists the channels, by address and by GUID', async () => {
    const names = [...pvtoolsPVs().keys()];
    const byAddress = await pvlist(addressOf(first));
    expect(byAddress).toMatchObject({ code: 0, stderr: '' });
    expect(byAddress.stdout.trimEnd().split('\n').sort()).toEqual(names.sort());

    const { guid } = (await servers()).find(({ address }) => address === addressOf(first)) ?? { guid: '' };
    expect(await pvlist(guid)).toEqual(byAddress);
    expect(await pvlist(guid.toLowerCase().replace('0X', '0x'))).toEqual(byAddress);
  });

  it('by host name, and with the port of the environment', async () => {
    await using tool = new RunningTool('pvlist', ['localhost'], {
      ...env,
      EPICS_PVA_SERVER_PORT: String(first.tcpPort),
    });
    expect(await tool.finished()).toEqual(await pvlist(addressOf(first)));
  });

  it('prints with -i what the server is', async () => {
    expect(await pvlist('-i', addressOf(second))).toEqual({
      code: 0,
      stdout: expect.stringMatching(
        /^structure \n {4}string process \d+\n {4}string startTime 2\S+Z\n {4}string version "epics-pva-ts \d[\w.-]*"\n {4}string implLang TypeScript\n {4}string host \S+\n\n$/,
      ),
      stderr: '',
    });
  });

  it('lists several in their order, and goes on behind one that is not there', async () => {
    const { code, stdout, stderr } = await pvlist(
      '-w',
      '3',
      addressOf(second),
      '127.0.0.1:1',
      '0x000000000000000000000000',
      '-i',
      addressOf(second),
    );
    expect(code).toBe(1);
    expect(stdout.match(/^structure $/gm)).toHaveLength(2);
    expect(stderr).toBe(
      "Error: 127.0.0.1:1: connection timeout\nFailed to resolve GUID '0x000000000000000000000000'!\n",
    );
  });

  it('says what is wrong with an address', async () => {
    expect(await pvlist('not/a/host')).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^Error: not\/a\/host: [^\n]*address[^\n]*\n$/),
    });
  });

  it('does not wait for ever for somebody who accepts and says nothing', async () => {
    const mute = createServer(() => {});
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const { port } = mute.address() as { port: number };
    try {
      expect(await pvlist('-w', '0.3', `127.0.0.1:${port}`)).toEqual({
        code: 1,
        stdout: '',
        stderr: `Error: 127.0.0.1:${port}: connection timeout\n`,
      });
    } finally {
      mute.close();
    }
  });
});
