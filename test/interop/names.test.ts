/**
 * Names with odd characters, in both roles and with all peers: colons, braces, dots, blanks, quotes, UTF-8, control
 * characters, one byte, and as long as a name may be.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Context, clientConfigFromEnv, LocalProtocolError } from 'epics-pva-ts';
import { afterAll, describe, expect, it } from 'vitest';
import { type CatalogueEntry, readCatalogue } from './catalogue.ts';
import { MonitorLog } from './monitor-log.ts';
import { OurServer } from './our-server.ts';
import { startP4pClient, startP4pServer, startPvapyClient, startPvapyServer } from './p4p.ts';
import { ensurePeers } from './peers.ts';
import { freePorts, peerEnv } from './ports.ts';

const peers = await ensurePeers();
/** Longest name, in bytes of UTF-8 (PVXS, pvAccessCPP). */
const LONGEST = 500;

const NAMES = [
  'a',
  'X:1-A{Mono:2-Ax:Y}Mtr.RBV',
  'trailing.',
  '.leading..and..double.',
  'with blanks  and\ttab',
  ' blank around ',
  '[0]<1>(2);|,!?#%&$@^*+=~',
  '\'single\' "double" `back`',
  'back\\slash/slash',
  'größe:Å°µ',
  '日本語:値:😀',
  'line\nbreak',
  'record[queueSize=1]field(value)',
  `${'long:'.repeat(99)}12345`,
  'é'.repeat(LONGEST / 2),
];

const ENTRY = readCatalogue().find(({ name }) => name === 'scalar:int') as CatalogueEntry;
const entries: CatalogueEntry[] = NAMES.map((name, index) => ({
  ...ENTRY,
  name,
  value: { ...ENTRY.value, value: index },
}));

const folder = mkdtempSync(join(tmpdir(), 'epics-names-'));
const catalogue = join(folder, 'names.json');
writeFileSync(catalogue, JSON.stringify({ types: {}, pvs: entries }));
afterAll(() => rmSync(folder, { recursive: true }));

describe.skipIf(!peers.available)('odd names', () => {
  it.each([
    ['PVXS', startP4pServer],
    ['pvAccessCPP', startPvapyServer],
  ])('of a server of %s are found, read, written and monitored', async (_peer, start) => {
    const env = peerEnv(await freePorts());
    const context = new Context(clientConfigFromEnv(env));
    const server = await start(peers, env, '', { catalogue });
    try {
      for (const [index, name] of NAMES.entries()) {
        const monitor = new MonitorLog(context, name);
        expect((await monitor.values(1))[0]?.get('value'), name).toBe(index);
        await context.put(name, -index - 1);
        expect((await context.get(name)).get('value'), name).toBe(-index - 1);
        expect((await monitor.values(1))[0]?.get('value'), name).toBe(-index - 1);
        expect((await context.info(name)).type.find('value')?.type.displayId, name).toBe('int');
        monitor.close();
      }
    } finally {
      await context.close();
      await server.stop();
    }
  });

  it.each([
    ['PVXS', startP4pClient],
    ['pvAccessCPP', startPvapyClient],
  ])('of a server of ours are found, read, written and monitored by a client of %s', async (_peer, start) => {
    const env = peerEnv(await freePorts());
    const ours = await OurServer.start(env, '', entries);
    const client = await start(peers, env);
    try {
      for (const [index, name] of NAMES.entries()) {
        await client.subscribe(name, name);
        expect((await client.next(name, 1))[0], name).toMatchObject({ value: { value: index } });
        await client.put(name, -index - 1);
        expect(ours.pv(name).fetch().get('value'), name).toBe(-index - 1);
        expect((await client.get(name)).value, name).toMatchObject({ value: -index - 1 });
        expect((await client.next(name, 1))[0], name).toMatchObject({ value: { value: -index - 1 } });
        await client.unsubscribe(name);
      }
    } finally {
      await client.stop();
      await ours.close();
    }
  });

  it('are the same name only byte by byte', async () => {
    const env = peerEnv(await freePorts());
    const ours = await OurServer.start(env, '', entries);
    const client = await startP4pClient(peers, env);
    const context = new Context(clientConfigFromEnv(env));
    try {
      // Another case, another blank, another normal form of the same letters.
      for (const name of ['A', 'blank around', 'gro\u0308ße:Å°µ', 'with blanks and\ttab']) {
        await expect(client.get(name, { timeout: 0.3 }), name).rejects.toMatchObject({ kind: 'timeout' });
        await expect(context.get(name, { timeout: 0.3 }), name).rejects.toThrow(/no server has this channel/);
      }
      for (const name of ['', 'x'.repeat(LONGEST + 1), 'é'.repeat(LONGEST / 2 + 1)]) {
        await expect(context.get(name)).rejects.toThrow(LocalProtocolError);
      }
    } finally {
      await context.close();
      await client.stop();
      await ours.close();
    }
  });
});
