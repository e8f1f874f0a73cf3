/** Several channels as one, beside PvaPy's MultiChannel: of one server both get the same, and put the same. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Context, clientConfigFromEnv, NTMultiChannel, Value } from 'epics-pva-ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCatalogue } from './catalogue.ts';
import type { Child } from './child.ts';
import { OurServer } from './our-server.ts';
import { startP4pServer } from './p4p.ts';
import { ensurePeers } from './peers.ts';
import { freePorts, peerEnv } from './ports.ts';

const peers = await ensurePeers();
const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('python/pvapy_multi.py', import.meta.url));
const NAMES = ['scalar:int', 'scalar:double', 'scalar:string', 'array:short', 'nt:scalar', 'nt:enum'];

/** An NTMultiChannel as pvapy_multi.py prints it. */
function printed(value: Value): Record<string, unknown> {
  const plain = (v: unknown): unknown => {
    if (v instanceof Value) return plain(v.toJS());
    if (ArrayBuffer.isView(v) || Array.isArray(v)) return Array.from(v as unknown as unknown[], plain);
    if (typeof v === 'bigint') return Number(v);
    if (v && typeof v === 'object')
      return Object.fromEntries(Object.entries(v).map(([name, member]) => [name, plain(member)]));
    return v;
  };
  const view = NTMultiChannel.wrap(value);
  const isConnected = view.isConnected?.map(Number);
  return { ...(plain(value.toJS()) as Record<string, unknown>), value: plain(view.value), isConnected };
}

describe.skipIf(!peers.available)('several channels as one', () => {
  let server: Child;
  let ours: OurServer;
  let context: Context;
  let envs: readonly [NodeJS.ProcessEnv, string][];

  beforeAll(async () => {
    const [theirEnv, ourEnv] = [peerEnv(await freePorts()), peerEnv(await freePorts())];
    server = await startP4pServer(peers, theirEnv, 'p4p:');
    ours = await OurServer.start(
      ourEnv,
      'our:',
      readCatalogue().filter(({ name }) => NAMES.includes(name)),
    );
    envs = [
      [theirEnv, 'p4p:'],
      [ourEnv, 'our:'],
    ];
  });

  afterAll(async () => {
    await context?.close();
    await ours?.close();
    await server?.stop();
  });

  const pvapy = async (env: NodeJS.ProcessEnv, ...args: string[]): Promise<Record<string, unknown>> => {
    const { stdout } = await run(peers.python, [SCRIPT, ...args], { env, timeout: 60_000 });
    return JSON.parse(stdout) as Record<string, unknown>;
  };

  it.each([0, 1])('are got as PvaPy gets them (server %i)', async (i) => {
    const [env, prefix] = envs[i] as [NodeJS.ProcessEnv, string];
    context = new Context(clientConfigFromEnv(env));
    const names = NAMES.map((name) => prefix + name);
    const theirs = await pvapy(env, ...names);
    const got = printed(await context.multiChannel(names).get());
    // Theirs has no time of its own.
    expect({ ...got, timeStamp: theirs['timeStamp'] }).toEqual(theirs);
    expect(Object.keys(got)).toEqual(Object.keys(theirs));
    await context.close();
  });

  it('are put as PvaPy puts them, and say the same of a channel that is not there', async () => {
    const [env, prefix] = envs[1] as [NodeJS.ProcessEnv, string];
    context = new Context(clientConfigFromEnv(env));
    const names = ['scalar:int', 'scalar:double'].map((name) => prefix + name);
    expect(await pvapy(env, ...names, '=', '12', '0.75')).toMatchObject({ value: [12, 0.75] });
    const all = context.multiChannel(names);
    expect(await all.getAsDoubleArray()).toEqual(Float64Array.of(12, 0.75));
    await all.put([13, 1.75]);
    expect(await pvapy(env, ...names)).toMatchObject({ value: [13, 1.75] });

    const withAbsent = [...names, 'our:absent'];
    const theirs = await pvapy(env, ...withAbsent);
    const got = printed(await context.multiChannel(withAbsent).get({ timeout: 5 }));
    expect({ ...got, timeStamp: theirs['timeStamp'] }).toEqual({ ...theirs, value: [13, 1.75, null] });
    await context.close();
  });
});
