/** Which interfaces and broadcast addresses a host has, from made-up hosts and from this one. */
import os from 'node:os';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../src/errors.ts';
import { resolveDestinations, staysOnLoopback } from '../../src/socket/destinations.ts';
import {
  broadcastAddresses,
  interfaceAddresses,
  interfaceOf,
  isBroadcastAddress,
  isLocalAddress,
  likelyLocalAddress,
  listInterfaces,
  listInterfaces6,
  type SystemInterfaces,
} from '../../src/socket/interfaces.ts';
import { groupsOf, listenAddresses } from '../../src/socket/listen-addresses.ts';

const v4 = (address: string, netmask: string, internal = false): os.NetworkInterfaceInfo => ({
  address,
  netmask,
  family: 'IPv4',
  mac: '00:00:00:00:00:00',
  internal,
  cidr: null,
});
const v6: os.NetworkInterfaceInfo = {
  address: 'fe80::1',
  netmask: 'ffff:ffff:ffff:ffff::',
  family: 'IPv6',
  mac: '00:00:00:00:00:00',
  internal: false,
  cidr: null,
  scopeid: 2,
};
const system: SystemInterfaces = {
  lo: [v4('127.0.0.1', '255.0.0.0', true)],
  eth0: [v4('10.1.2.3', '255.255.254.0'), v6, v4('172.16.0.9', '255.240.0.0')],
  eth1: [v4('192.168.7.1', '255.255.255.0')],
  tun0: [v4('10.8.0.2', '255.255.255.255')],
  ptp0: [v4('10.9.0.2', '255.255.255.254')],
};
const host = listInterfaces(system);

describe('interfaces of a host', () => {
  it('are listed with their broadcast addresses', () => {
    expect(host.map((i) => [i.name, i.address, i.broadcast])).toEqual([
      ['lo', '127.0.0.1', undefined],
      ['eth0', '10.1.2.3', '10.1.3.255'],
      ['eth0', '172.16.0.9', '172.31.255.255'],
      ['eth1', '192.168.7.1', '192.168.7.255'],
      ['tun0', '10.8.0.2', undefined],
      ['ptp0', '10.9.0.2', undefined],
    ]);
  });

  it('are found by address and by network', () => {
    expect(interfaceOf('192.168.7.1', host)?.name).toBe('eth1');
    expect(interfaceOf('10.1.2.200', host)?.name).toBe('eth0');
    expect(interfaceOf('127.3.4.5', host)?.name).toBe('lo');
    expect(interfaceOf('8.8.8.8', host)).toBeUndefined();
  });

  it('tell where a datagram most likely arrived', () => {
    expect(likelyLocalAddress('192.168.7.30', host)).toBe('192.168.7.1');
    expect(likelyLocalAddress('127.0.0.1', host)).toBe('127.0.0.1');
    expect(likelyLocalAddress('10.1.2.3', host)).toBe('10.1.2.3');
    expect(likelyLocalAddress('8.8.8.8', host)).toBe('0.0.0.0');
    expect(likelyLocalAddress('8.8.8.8', host.slice(0, 2))).toBe('10.1.2.3');
  });

  it('give the automatic address list: all broadcast addresses, or those of the interfaces named', () => {
    expect(broadcastAddresses(['0.0.0.0'], host)).toEqual(['10.1.3.255', '172.31.255.255', '192.168.7.255']);
    expect(broadcastAddresses(['192.168.7.1'], host)).toEqual(['192.168.7.255']);
    expect(broadcastAddresses(['127.0.0.1'], host)).toEqual([]);
  });

  it('are named by address or name in an interface list', () => {
    expect(interfaceAddresses(['eth0', '192.168.7.1:5075', '192.168.7.1'], host)).toEqual([
      '10.1.2.3',
      '172.16.0.9',
      '192.168.7.1',
    ]);
    expect(interfaceAddresses(['localhost'], host)).toEqual(['127.0.0.1']);
    expect(interfaceAddresses(['127.0.0.1', '[::1]', '::1'], host)).toEqual(['127.0.0.1']);
    expect(interfaceAddresses([], host)).toEqual(['0.0.0.0']);
    expect(interfaceAddresses(['127.0.0.1', '0.0.0.0'], host)).toEqual(['0.0.0.0']);
  });

  it('never become all of them by a list that names none of them', () => {
    expect(interfaceAddresses(['[::1]'], host)).toEqual([]);
    expect(() => interfaceAddresses(['eth7'], host)).toThrow(ConfigError);
    expect(() => interfaceAddresses(['eth7'], host)).toThrow('127.0.0.1 (lo), 10.1.2.3 (eth0)');
    expect(() => interfaceAddresses(['224.0.1.1'], host)).toThrow(ConfigError);
  });
});

describe('an interface list', () => {
  const both = { v4: host, v6: listInterfaces6(system) };
  const read = (...list: string[]) => listenAddresses(list, both);

  it('without an address, or with any, is all interfaces of both families', () => {
    for (const list of [[], ['0.0.0.0'], ['[::]'], ['10.1.2.3', '0.0.0.0'], ['[::1]', '0.0.0.0:5075']])
      expect(read(...list)).toMatchObject({ v4: ['0.0.0.0'], v6: ['::'], all: true, groups: [] });
    expect([read().names6, read('[::]').names6, read('[::1]').names6]).toEqual([false, true, true]);
  });

  it('has addresses of both families, and names of interfaces', () => {
    expect(read('192.168.7.1:6075', '[::1]:5075', '[fe80::1%eth0]', 'tun0')).toEqual({
      v4: ['192.168.7.1', '10.8.0.2'],
      v6: ['::1', 'fe80::1%eth0'],
      all: false,
      names6: true,
      groups: [],
    });
    expect(read('[::1]')).toMatchObject({ v4: [], v6: ['::1'] });
  });

  it('has groups, joined on the interface named, which is listened on too', () => {
    expect(read('224.0.1.1,3@eth1', '239.1.1.1:5076@10.1.2.3', '[ff02::42]@eth0')).toEqual({
      v4: ['192.168.7.1', '10.1.2.3'],
      v6: ['fe80::1%eth0'],
      all: false,
      names6: true,
      groups: [
        { group: '224.0.1.1', interfaces: ['192.168.7.1'] },
        { group: '239.1.1.1', interfaces: ['10.1.2.3'] },
        { group: 'ff02::42', interfaces: ['::%eth0'] },
      ],
    });
  });

  it('has groups joined on every interface that leads outside, when none is named', () => {
    const { v4, all, groups } = read('224.0.1.1');
    expect([v4, all]).toEqual([['0.0.0.0'], true]);
    expect(groups[0]?.interfaces).toEqual(['10.1.2.3', '172.16.0.9', '192.168.7.1', '10.8.0.2', '10.9.0.2']);
  });

  it('with an interface this host does not have is an error that names the entry', () => {
    expect(() => read('224.0.1.1@eth7')).toThrow(ConfigError);
    expect(() => read('[ff02::42]@eth7')).toThrow('ff02::42@eth7');
  });

  it('is completed by the groups of an address list', () => {
    expect(
      groupsOf(['10.0.0.255', '224.0.1.1@eth1', '[ff02::42]:5076,2@eth0', '224.0.1.2@eth7'], both),
    ).toEqual([
      { group: '224.0.1.1', interfaces: ['192.168.7.1'] },
      { group: 'ff02::42', interfaces: ['::%eth0'] },
    ]);
  });
});

describe('this host', () => {
  it('knows its own addresses', () => {
    const real = Object.values(os.networkInterfaces()).flatMap((a) => a ?? []);
    for (const { address, family } of real) expect([family, isLocalAddress(address)]).toEqual([family, true]);
    expect(isLocalAddress('127.9.9.9')).toBe(true);
    expect(isLocalAddress('203.0.113.77')).toBe(false);
    expect(isBroadcastAddress('255.255.255.255')).toBe(true);
    expect(isBroadcastAddress('127.0.0.1')).toBe(false);
    for (const { broadcast } of listInterfaces())
      if (broadcast) expect(isBroadcastAddress(broadcast)).toBe(true);
  });
});

describe('address lists', () => {
  it('become destinations of their kind, each once', async () => {
    const { destinations, ignored } = await resolveDestinations([
      { host: '127.0.0.1', port: 5076 },
      { host: 'localhost', port: 5076 },
      { host: '127.0.0.1', port: 6076 },
      { host: '255.255.255.255', port: 5076 },
      { host: '224.0.0.128', port: 5076, ttl: 1, interface: '127.0.0.1' },
      { host: '239.1.2.3', port: 5076 },
    ]);
    expect(ignored).toEqual([]);
    expect(destinations).toEqual([
      { address: '127.0.0.1', port: 5076, kind: 'unicast' },
      { address: '127.0.0.1', port: 6076, kind: 'unicast' },
      { address: '255.255.255.255', port: 5076, kind: 'broadcast' },
      { address: '224.0.0.128', port: 5076, kind: 'multicast', ttl: 1, interface: '127.0.0.1' },
      { address: '239.1.2.3', port: 5076, kind: 'multicast', ttl: 1 },
    ]);
    expect(destinations.map(staysOnLoopback)).toEqual([true, true, false, true, false]);
  });

  it('leave out and report what cannot be used', async () => {
    // Too long for any name service to be asked, so no query leaves this host.
    const noSuchHost = 'x'.repeat(300);
    const { destinations, ignored } = await resolveDestinations([
      { host: noSuchHost, port: 1 },
      { host: 'fd00::2', port: 1 },
      { host: '224.0.0.128', port: 1, interface: 'eth77' },
      { host: '127.0.0.1', port: 1 },
    ]);
    expect(destinations).toEqual([
      { address: 'fd00::2', port: 1, kind: 'unicast' },
      { address: '127.0.0.1', port: 1, kind: 'unicast' },
    ]);
    expect(ignored).toHaveLength(2);
    expect(ignored.join('\n')).toMatch(/xxx.*\n.*eth77/);
  });

  it('resolve names with the resolver given, IPv6 too, and keep one of each with the most hops', async () => {
    const lookup = async (host: string) => (host === 'ioc7' ? ['10.0.0.7', '10.0.0.8'] : ['fd00::7']);
    const { destinations, ignored } = await resolveDestinations(
      [
        { host: 'ioc7', port: 5076 },
        { host: '10.0.0.7', port: 5076 },
        { host: 'ioc8', port: 5076 },
        { host: '239.1.2.3', port: 5076, ttl: 2 },
        { host: '239.1.2.3', port: 5076, ttl: 9 },
        { host: '239.1.2.3', port: 5076 },
        { host: 'ff05::42', port: 5076, ttl: 3 },
      ],
      undefined,
      5076,
      lookup,
    );
    expect(ignored).toEqual([]);
    expect(destinations).toEqual([
      { address: '10.0.0.7', port: 5076, kind: 'unicast' },
      { address: 'fd00::7', port: 5076, kind: 'unicast' },
      { address: '239.1.2.3', port: 5076, kind: 'multicast', ttl: 9 },
      { address: 'ff05::42', port: 5076, kind: 'multicast', ttl: 3 },
    ]);
  });

  it('get the broadcast addresses of the interfaces in use', async () => {
    const all = await resolveDestinations([], ['0.0.0.0'], 6076);
    expect(all.destinations).toEqual(
      broadcastAddresses().map((address) => ({ address, port: 6076, kind: 'broadcast' })),
    );
    expect((await resolveDestinations([], ['127.0.0.1'])).destinations).toEqual([]);
  });
});
