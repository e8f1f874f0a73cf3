/**
 * Arrays of 10 MB of every width, in both roles with PVXS and pvAccessCPP: put, read back, got and monitored. The peers
 * compare by hash, so that what is transferred is the array and not its text.
 */
import { createHash } from 'node:crypto';
import { Context, clientConfigFromEnv, type NumericArray, Value } from 'epics-pva-ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CatalogueEntry, readCatalogue } from './catalogue.ts';
import type { Child } from './child.ts';
import { sameBits } from './compare.ts';
import { MonitorLog } from './monitor-log.ts';
import { OurServer } from './our-server.ts';
import { startP4pClient, startP4pServer, startPvapyClient, startPvapyServer } from './p4p.ts';
import type { ArrayDigest, PeerClient } from './peer-client.ts';
import { ensurePeers } from './peers.ts';
import { freePorts, peerEnv } from './ports.ts';

const peers = await ensurePeers();
const BYTES = 10 * 1024 * 1024;
const TIMEOUT = { timeout: 30 };

type Make = (length: number) => NumericArray;
/** Kinds of every width: name of the PV, and numpy's name. */
const KINDS: readonly [kind: string, dtype: string, make: Make][] = [
  ['ubyte', 'uint8', (n) => new Uint8Array(n)],
  ['short', 'int16', (n) => new Int16Array(n)],
  ['float', 'float32', (n) => new Float32Array(n)],
  ['ulong', 'uint64', (n) => new BigUint64Array(n)],
];

/** Element i is i % 251, as the peers' `fill`. */
function pattern(make: Make): NumericArray {
  const array = make(BYTES / make(0).BYTES_PER_ELEMENT);
  const big = array instanceof BigInt64Array || array instanceof BigUint64Array;
  for (let i = 0; i < array.length; i++) array[i] = (big ? BigInt(i % 251) : i % 251) as never;
  return array;
}

function digestOf(array: NumericArray, dtype: string): ArrayDigest {
  return { dtype, length: array.length, sha256: createHash('sha256').update(array).digest('hex') };
}

const entries = readCatalogue().filter(({ name }) => KINDS.some(([kind]) => name === `array:${kind}`));

describe.skipIf(!peers.available).each([
  ['PVXS', startP4pServer],
  ['pvAccessCPP', startPvapyServer],
] as const)('our client with a server of %s', (_peer, start) => {
  let server: Child;
  let context: Context;

  beforeAll(async () => {
    const env = peerEnv(await freePorts());
    context = new Context(clientConfigFromEnv(env));
    server = await start(peers, env, 'peer:');
  });

  afterAll(async () => {
    await context?.close();
    await server?.stop();
  });

  it.each(KINDS)('puts, gets and monitors 10 MB of %s', async (kind, _dtype, make) => {
    const array = pattern(make);
    const pv = `peer:array:${kind}`;
    const monitor = new MonitorLog(context, pv);
    await monitor.values(1);
    await context.put(pv, array, TIMEOUT);
    expect(sameBits((await context.get(pv, TIMEOUT)).get('value'), array)).toBe(true);
    await monitor.until(
      (event) => event.event === 'update' && sameBits(event.value.get('value'), array),
      30_000,
    );
    monitor.close();
  });
});

describe.skipIf(!peers.available).each([
  ['PVXS', startP4pClient],
  ['pvAccessCPP', startPvapyClient],
] as const)('a client of %s with our server', (_peer, start) => {
  let ours: OurServer;
  let client: PeerClient;

  beforeAll(async () => {
    const env = peerEnv(await freePorts());
    ours = await OurServer.start(env, 'our:', entries as CatalogueEntry[]);
    client = await start(peers, env);
  });

  afterAll(async () => {
    await client?.stop();
    await ours?.close();
  });

  it.each(KINDS)('puts, gets and monitors 10 MB of %s', async (kind, dtype, make) => {
    const name = `array:${kind}`;
    const pv = `our:${name}`;
    const array = pattern(make);
    await client.fill(pv, array.length, TIMEOUT);
    expect(sameBits(ours.pv(name).fetch().get('value'), array)).toBe(true);
    ours.takePuts(name);
    expect(await client.digest(pv, TIMEOUT)).toEqual(digestOf(array, dtype));

    await client.watchDigest(name, pv);
    expect(await client.nextDigest(name, TIMEOUT)).toEqual(digestOf(array, dtype));
    for (let i = 1; i <= 3; i++) {
      const next = array.slice().reverse() as NumericArray;
      next[i] = (typeof next[i] === 'bigint' ? 7n : 7) as never;
      ours.pv(name).post(Value.create(ours.pv(name).fetch().type, { value: next }));
      expect(await client.nextDigest(name, TIMEOUT)).toEqual(digestOf(next, dtype));
    }
    await client.unsubscribe(name);
  });
});
