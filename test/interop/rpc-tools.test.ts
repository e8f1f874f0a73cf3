/**
 * pvcall and pvlist with the servers of others: PVXS (p4p), pvAccessCPP (PvaPy) and an IOC. Formats are those of EPICS
 * base (pva-protocol.md 9.4, 9.5).
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Child, spawnChild } from './child.ts';
import { startIoc } from './ioc.ts';
import { startP4pServer, startPvapyServer } from './p4p.ts';
import { ensurePeers, repositoryRoot } from './peers.ts';
import { freePorts, peerEnv } from './ports.ts';

const peers = await ensurePeers();
const EXIT_TIMEOUT_MS = 15_000;

interface Outcome {
  readonly code: number | null;
  readonly stdout: string[];
  readonly stderr: string[];
}

async function run(env: NodeJS.ProcessEnv, tool: string, ...args: string[]): Promise<Outcome> {
  const child = await spawnChild({
    command: process.execPath,
    args: [join(repositoryRoot(), 'bin', `${tool}.js`), ...args],
    env,
    name: tool,
  });
  const { code } = await child.waitForExit(EXIT_TIMEOUT_MS);
  const linesOf = (stream: string) => child.lines.filter((l) => l.stream === stream).map((l) => l.text);
  return { code, stdout: linesOf('stdout'), stderr: linesOf('stderr') };
}

const SERVERS = [
  { kind: 'p4p', start: startP4pServer, rpc: true, name: 'x:scalar:int' },
  { kind: 'pvapy', start: startPvapyServer, rpc: true, name: 'x:scalar:int' },
  { kind: 'ioc', start: startIoc, rpc: false, name: 'x:longout' },
] as const;

describe.skipIf(!peers.available).each(SERVERS)('our tools with $kind', ({ start, rpc, name }) => {
  let env: NodeJS.ProcessEnv;
  let server: { stop(): Promise<unknown> } | Child;

  beforeAll(async () => {
    env = { ...peerEnv(await freePorts()), TZ: 'UTC' };
    server = await start(peers, env, 'x:');
  });
  afterAll(async () => {
    await server?.stop();
  });

  /** The GUID and the address of the server that has the catalogue; PvaPy's RPC server is one of its own. */
  async function listed(): Promise<{ guid: string; address: string }[]> {
    const { code, stdout, stderr } = await run(env, 'pvlist');
    expect({ code, stderr }).toEqual({ code: 0, stderr: [] });
    return stdout.map((line) => {
      const [, guid = '', address = ''] =
        /^GUID (0x[0-9A-F]{24}) version [12]: tcp@\[ (127\.0\.0\.1:\d+) \]$/.exec(line) ?? [];
      expect(address, line).not.toBe('');
      return { guid, address };
    });
  }

  it('pvlist finds it, lists its channels by address and GUID, and says what it is', async () => {
    const found = await listed();
    expect(found.length).toBeGreaterThan(0);
    const lists = await Promise.all(found.map(({ address }) => run(env, 'pvlist', address)));
    const at = lists.findIndex(({ stdout }) => stdout.includes(name));
    expect(lists[at], `the server of ${name}`).toMatchObject({ code: 0, stderr: [] });
    const { guid = '', address = '' } = found[at] ?? {};
    expect((await run(env, 'pvlist', guid)).stdout.sort()).toEqual(lists[at]?.stdout.sort());
    const info = await run(env, 'pvlist', '-i', address);
    expect(info).toMatchObject({ code: 0, stderr: [] });
    expect(info.stdout[0]).toBe('structure ');
    expect(info.stdout).toContainEqual(expect.stringMatching(/^ {4}string version \S/));
  });

  const callsAndPrints = async (): Promise<void> => {
    expect(await run(env, 'pvcall', 'x:rpc:add', 'lhs=3', 'rhs=4')).toMatchObject({
      code: 0,
      stdout: [expect.stringMatching(/(?:^|\s)7 $/)],
      stderr: [],
    });
    const echo = await run(
      env,
      'pvcall',
      '-M',
      'json',
      'x:rpc:echo',
      'text=a b',
      'list=[1,2]',
      'map={"n":1,"x":0.5}',
    );
    expect(echo).toEqual({
      code: 0,
      stdout: [
        '{scheme:"pva",authority:"",path:"x:rpc:echo",query:{text:"a b",list:["1","2"],map:{n:1,x:0.5}}}',
      ],
      stderr: [],
    });
    expect(await run(env, 'pvcall', 'x:rpc:error')).toMatchObject({
      code: 1,
      stdout: [],
      stderr: [expect.stringMatching(/^Error: .*this RPC always fails/)],
    });
    expect(await run(env, 'pvcall', '-w', '0.5', 'x:rpc:none')).toMatchObject({
      code: 1,
      stderr: ['Timeout'],
    });
  };
  // An IOC offers no RPC.
  if (rpc) it('pvcall calls, and prints results and errors', callsAndPrints);

  it('pvlist tells of a server that is not there', async () => {
    expect(await run(env, 'pvlist', '-w', '0.5', '127.0.0.1:1')).toEqual({
      code: 1,
      stdout: [],
      stderr: ['Error: 127.0.0.1:1: connection timeout'],
    });
  });
});
