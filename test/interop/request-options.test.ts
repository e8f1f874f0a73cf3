/**
 * Options that clients of PVXS and pvAccessCPP send because an IOC knows them (`record[process=...,block=...]`, `atomic`,
 * `DBE`, field options), and field selections at every depth, with our server: what it does not know changes nothing.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCatalogue } from './catalogue.ts';
import { OurServer } from './our-server.ts';
import { startP4pClient, startPvapyClient } from './p4p.ts';
import type { PeerClient } from './peer-client.ts';
import { ensurePeers } from './peers.ts';
import { freePorts, peerEnv } from './ports.ts';

const peers = await ensurePeers();
const NAMES = ['scalar:int', 'scalar:long', 'nt:enum', 'nt:scalar', 'struct:nested', 'array:double'];

describe.skipIf(!peers.available).each([
  ['PVXS', startP4pClient, 'field(a.b.d,a.e)'],
  // Its parser wants members of one structure in braces, which PVXS's does not know.
  ['pvAccessCPP', startPvapyClient, 'field(a{b{d},e})'],
] as const)('our server and a client of %s', (_peer, start, severalMembers) => {
  let ours: OurServer;
  let client: PeerClient;

  beforeAll(async () => {
    const env = peerEnv(await freePorts());
    ours = await OurServer.start(
      env,
      'our:',
      readCatalogue().filter(({ name }) => NAMES.includes(name)),
    );
    client = await start(peers, env);
  });

  afterAll(async () => {
    await client?.stop();
    await ours?.close();
  });

  it.each([
    'record[process=true]field(value)',
    'record[process=false]field(value)',
    'record[process=passive]field(value)',
    'record[block=true]field(value)',
    'record[process=true,block=true]field(value)',
    'record[process=passive,block=true]field(value)',
    'record[atomic=true]field(value)',
    'record[unknown=option]field(value)',
  ])('a put with %s is a put', async (request) => {
    const before = Number(ours.pv('scalar:int').fetch().get('value'));
    const put = before === 17 ? 18 : 17;
    await client.put('our:scalar:int', put, { request });
    expect(ours.pv('scalar:int').fetch().get('value')).toBe(put);
    expect((await client.get('our:scalar:int', { request })).value).toMatchObject({ value: put });
  });

  it('puts 64-bit integers at their limits, and enums by index', async () => {
    for (const value of [-(2n ** 63n), 2n ** 63n - 1n, 0n, -1n, 9007199254740993n]) {
      await client.put('our:scalar:long', String(value));
      expect(ours.pv('scalar:long').fetch().get('value')).toBe(value);
      expect((await client.get('our:scalar:long')).value).toMatchObject({ value: String(value) });
    }
    await client.put('our:nt:enum', { value: { index: 0 } });
    expect(ours.pv('nt:enum').fetch().get('value.index')).toBe(0);
  });

  it.each([
    ['field(a.b.c)', { a: { b: { c: 21 } } }],
    ['field(a.b)', { a: { b: { c: 22, d: ['u', 'v'] } } }],
    [severalMembers, { a: { e: 0.25, b: { d: ['w'] } } }],
    ['record[queueSize=3]field(a)', { a: { e: 1.5, b: { c: 25, d: [] } } }],
  ])('reads, writes and monitors %s', async (request, put) => {
    await client.subscribe('part', 'our:struct:nested', { request });
    await client.next('part', 1);
    await client.put('our:struct:nested', put, { request });
    expect(ours.pv('struct:nested').fetch().toJS()).toMatchObject(put);
    expect((await client.get('our:struct:nested', { request })).value).toMatchObject(put);
    expect(await client.next('part', 1)).toMatchObject([{ event: 'update', value: put }]);
    await client.unsubscribe('part');
  });

  it.each(['record[DBE=VALUE]field()', 'record[queueSize=0]field()', 'record[queueSize=1]field()'])(
    'monitors with %s',
    async (request) => {
      await client.subscribe('counter', 'our:counter', { request });
      await client.next('counter', 1);
      ours.count(1);
      expect(await client.next('counter', 1)).toMatchObject([{ event: 'update' }]);
      await client.unsubscribe('counter');
    },
  );

  it('follows alarms', async () => {
    await client.subscribe('alarms', 'our:nt:scalar');
    await client.next('alarms', 1);
    const pv = ours.pv('nt:scalar');
    for (const severity of [1, 2, 3, 0]) {
      pv.post(
        pv
          .fetch()
          .cloneEmpty()
          .set('alarm', { severity, status: severity === 0 ? 0 : 1, message: severity === 0 ? '' : 'HIGH' }),
      );
      expect(await client.next('alarms', 1)).toMatchObject([{ value: { alarm: { severity } } }]);
    }
    await client.unsubscribe('alarms');
  });
});
