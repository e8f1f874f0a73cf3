/**
 * Records of an IOC that is asked by Channel Access: a second IOC follows them by Channel Access links and serves them
 * over pvAccess, with their time and alarm. The records are those of the how-to, read from there.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Context, clientConfigFromEnv, nanosecondsBetween, readTimeStamp, type Value } from 'epics-pva-ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeBlocks } from '../docs/support/documents.ts';
import { type Ioc, startIoc } from './ioc.ts';
import { ensurePeers } from './peers.ts';
import { freePorts, peerEnv } from './ports.ts';

const peers = await ensurePeers();
const WAIT = { timeout: 30_000, interval: 50 };
const SOURCE =
  'record(ai, "motor:x") { field(VAL, "1.5") field(PINI, "YES") field(HIHI, "10") field(HHSV, "MAJOR") }\n';

describe.skipIf(!peers.available)('an IOC that bridges Channel Access', () => {
  const folder = mkdtempSync(join(tmpdir(), 'epics-hpc-ca-'));
  const [sourceDb, bridgeDb] = [join(folder, 'source.db'), join(folder, 'bridge.db')];
  let sourceEnv: NodeJS.ProcessEnv;
  let source: Ioc;
  let bridge: Ioc;
  /** Sees the bridge only. */
  let context: Context;
  /** Sees the source only, to move it. */
  let operator: Context;

  beforeAll(async () => {
    writeFileSync(sourceDb, SOURCE);
    writeFileSync(bridgeDb, codeBlocks('docs/how-to/run-beside-iocs.md', 'db')[0]?.text ?? '');
    const [theirs, ours] = [await freePorts(), await freePorts()];
    sourceEnv = peerEnv(theirs);
    // By pvAccess the two IOCs do not see each other.
    const bridgeEnv = { ...peerEnv(ours), EPICS_CA_ADDR_LIST: `127.0.0.1:${theirs.caPort}` };
    source = await startIoc(peers, sourceEnv, '', sourceDb);
    bridge = await startIoc(peers, bridgeEnv, '', bridgeDb);
    context = new Context(clientConfigFromEnv(bridgeEnv));
    operator = new Context(clientConfigFromEnv(sourceEnv));
  });

  afterAll(async () => {
    await Promise.all([context?.close(), operator?.close()]);
    await Promise.all([bridge?.stop(), source?.stop()]);
    rmSync(folder, { recursive: true, force: true });
  });

  const present = (): Promise<Value> => context.get('bridge:motor:x');
  const value = async (): Promise<unknown> => (await present()).get('value');

  it('serves the value with the time it has at its source', async () => {
    await expect.poll(value, WAIT).toBe(1.5);
    await operator.put('motor:x', 2.25);
    await expect.poll(value, WAIT).toBe(2.25);
    const [there, here] = [await operator.get('motor:x'), await present()];
    expect(nanosecondsBetween(readTimeStamp(there)!, readTimeStamp(here)!)).toBe(0n);
  });

  it('has the alarm of its source', async () => {
    await operator.put('motor:x', 11);
    await expect.poll(async () => (await present()).get('alarm.severity'), WAIT).toBe(2);
    await operator.put('motor:x', 2.25);
    await expect.poll(async () => (await present()).get('alarm.severity'), WAIT).toBe(0);
  });

  it('keeps its value while the source is gone, and follows it when it is back', async () => {
    expect(await value()).toBe(2.25);
    await source.stop();
    expect(await value()).toBe(2.25);
    source = await startIoc(peers, sourceEnv, '', sourceDb);
    await expect.poll(value, WAIT).toBe(1.5);
    await operator.put('motor:x', -3);
    await expect.poll(value, WAIT).toBe(-3);
  });
});
