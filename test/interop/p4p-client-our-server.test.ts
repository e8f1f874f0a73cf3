/**
 * PVXS (p4p's client) against our Server: every type read, written and monitored, RPCs, requests, errors, a fast counter
 * without loss, flow control, and large arrays. What the client puts is checked on our side.
 */
import { userInfo } from 'node:os';
import { SharedPV, Value } from 'epics-pva-ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { afterPut, type PeerValue, readCatalogue } from './catalogue.ts';
import { OurServer } from './our-server.ts';
import { type MonitorEvent, type PeerClient, startP4pClient } from './p4p.ts';
import { changedOf, gotValueOf, structureOf, typeDefOf } from './peer-value.ts';
import { ensurePeers } from './peers.ts';
import { freePorts, peerEnv } from './ports.ts';

const peers = await ensurePeers();

describe.skipIf(!peers.available)('a PVXS client with our server', () => {
  let ours: OurServer;
  let client: PeerClient;

  beforeAll(async () => {
    const env = peerEnv(await freePorts());
    ours = await OurServer.start(env, 'our:');
    client = await startP4pClient(peers, env);
  });

  afterAll(async () => {
    await client?.stop();
    await ours?.close();
  });

  it.each(readCatalogue())('reads, monitors and writes $name', async ({ name, type, value, put }) => {
    const pv = `our:${name}`;
    expect(await client.get(pv)).toMatchObject({ type, value });
    await client.subscribe(name, pv);
    expect((await client.next(name, 1))[0]).toMatchObject({ event: 'update', type, value });

    await client.put(pv, put);
    const changed = changedOf(structureOf(typeDefOf(type), put));
    const puts = ours.takePuts(name);
    expect(puts).toMatchObject([{ type, value: put, changed, method: 'ca', account: userInfo().username }]);
    const after = afterPut(type, value, put);
    expect(gotValueOf(ours.pv(name).fetch())).toMatchObject({ value: after });
    expect(await client.get(pv)).toMatchObject({ type, value: after });
    const [update] = await client.next(name, 1);
    expect(update).toMatchObject({ event: 'update', value: after, changed });

    // A client that does not read before it writes, and writes back what was there.
    await client.put(pv, putBack(put, value), { get: false });
    expect((await client.next(name, 1))[0]).toMatchObject({ event: 'update', value });
    await client.unsubscribe(name);
  });
});
