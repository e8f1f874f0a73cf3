/** What a user of EPICS_PVA_* variables relies on: PVXS's names, defaults and precedence, and errors that name the culprit. */
import { describe, expect, it } from 'vitest';
import { clientConfigFromEnv, parseAddress, serverConfigFromEnv } from '../src/config.ts';
import { ConfigError } from '../src/errors.ts';

describe('client configuration', () => {
  it('has the defaults of PVXS when nothing is set', () => {
    expect(clientConfigFromEnv({})).toEqual({
      addressList: [],
      autoAddrList: true,
      broadcastPort: 5076,
      serverPort: 5075,
      interfaces: ['0.0.0.0'],
      nameServers: [],
      tcpTimeout: 40,
    });
  });

  it('reads every variable', () => {
    expect(
      clientConfigFromEnv({
        EPICS_PVA_ADDR_LIST: ' 10.0.0.255  ioc7:6076 10.0.0.255 239.1.2.3:5076,4@10.0.0.1 ',
        EPICS_PVA_AUTO_ADDR_LIST: 'no',
        EPICS_PVA_BROADCAST_PORT: '6076',
        EPICS_PVA_SERVER_PORT: '6075',
        EPICS_PVA_INTF_ADDR_LIST: '10.0.0.1 127.0.0.1',
        EPICS_PVA_NAME_SERVERS: 'gateway [fd00::5]:9',
        EPICS_PVA_CONN_TMO: '15',
      }),
    ).toEqual({
      addressList: ['10.0.0.255', 'ioc7:6076', '239.1.2.3:5076,4@10.0.0.1'],
      autoAddrList: false,
      broadcastPort: 6076,
      serverPort: 6075,
      interfaces: ['10.0.0.1', '127.0.0.1'],
      nameServers: ['gateway', '[fd00::5]:9'],
      tcpTimeout: 20,
    });
  });

  it('takes an empty variable as not set', () => {
    expect(clientConfigFromEnv({ EPICS_PVA_BROADCAST_PORT: '', EPICS_PVA_AUTO_ADDR_LIST: ' ' })).toEqual(
      clientConfigFromEnv({}),
    );
  });

  it('accepts YES, NO, 1 and 0 in any case', () => {
    for (const [text, value] of [
      ['YES', true],
      ['yes', true],
      ['1', true],
      ['NO', false],
      ['No', false],
      ['0', false],
    ] as const)
      expect(clientConfigFromEnv({ EPICS_PVA_AUTO_ADDR_LIST: text }).autoAddrList).toBe(value);
  });

  it('never waits less than 2 s, and takes 0 s for the default', () => {
    expect(clientConfigFromEnv({ EPICS_PVA_CONN_TMO: '0.5' }).tcpTimeout).toBe(2);
    expect(clientConfigFromEnv({ EPICS_PVA_CONN_TMO: '0' }).tcpTimeout).toBe(40);
  });

  it('replaces server port 0, which only means something to servers', () => {
    expect(clientConfigFromEnv({ EPICS_PVA_SERVER_PORT: '0' }).serverPort).toBe(5075);
  });

  it.each([
    ['EPICS_PVA_BROADCAST_PORT', '70000'],
    ['EPICS_PVA_BROADCAST_PORT', '0'],
    ['EPICS_PVA_BROADCAST_PORT', '5O76'],
    ['EPICS_PVA_SERVER_PORT', '-1'],
    ['EPICS_PVA_AUTO_ADDR_LIST', 'maybe'],
    ['EPICS_PVA_CONN_TMO', 'soon'],
    ['EPICS_PVA_CONN_TMO', '-3'],
    ['EPICS_PVA_ADDR_LIST', '10.0.0.300'],
    ['EPICS_PVA_NAME_SERVERS', 'gw:port'],
  ])('names variable and text of %s="%s"', (name, text) => {
    let thrown: unknown;
    try {
      clientConfigFromEnv({ [name]: text });
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ConfigError);
    expect((thrown as ConfigError).message).toContain(name);
    expect((thrown as ConfigError).message).toContain(text);
    expect((thrown as ConfigError).message).not.toContain('\n');
  });
});

describe('server configuration', () => {
  it('has the defaults of PVXS when nothing is set', () => {
    expect(serverConfigFromEnv({})).toEqual({
      interfaces: ['0.0.0.0'],
      ignoreAddrs: [],
      tcpPort: 5075,
      udpPort: 5076,
      beaconDestinations: [],
      autoBeacon: true,
      tcpTimeout: 40,
    });
  });

  it('reads EPICS_PVAS_* before EPICS_PVA_*', () => {
    const shared = {
      EPICS_PVA_SERVER_PORT: '1001',
      EPICS_PVA_BROADCAST_PORT: '1002',
      EPICS_PVA_ADDR_LIST: '10.0.0.1',
      EPICS_PVA_AUTO_ADDR_LIST: 'NO',
      EPICS_PVA_CONN_TMO: '60',
    };
    expect(serverConfigFromEnv(shared)).toMatchObject({
      tcpPort: 1001,
      udpPort: 1002,
      beaconDestinations: ['10.0.0.1'],
      autoBeacon: false,
      tcpTimeout: 80,
    });
    expect(
      serverConfigFromEnv({
        ...shared,
        EPICS_PVAS_SERVER_PORT: '0',
        EPICS_PVAS_BROADCAST_PORT: '2002',
        EPICS_PVAS_BEACON_ADDR_LIST: '10.0.0.2',
        EPICS_PVAS_AUTO_BEACON_ADDR_LIST: 'YES',
        EPICS_PVAS_INTF_ADDR_LIST: '127.0.0.1',
        EPICS_PVAS_IGNORE_ADDR_LIST: '10.0.0.66 10.0.0.67:5555',
      }),
    ).toMatchObject({
      tcpPort: 0,
      udpPort: 2002,
      beaconDestinations: ['10.0.0.2'],
      autoBeacon: true,
      interfaces: ['127.0.0.1'],
      ignoreAddrs: ['10.0.0.66', '10.0.0.67:5555'],
    });
  });

  it('does not take the client interfaces for its own', () => {
    expect(serverConfigFromEnv({ EPICS_PVA_INTF_ADDR_LIST: '127.0.0.1' }).interfaces).toEqual(['0.0.0.0']);
  });
});

describe('address entries', () => {
  it.each([
    ['10.1.2.3', { host: '10.1.2.3', port: 5076 }],
    ['10.1.2.3:77', { host: '10.1.2.3', port: 77 }],
    ['10.1.2.3:0', { host: '10.1.2.3', port: 5076 }],
    ['ioc-7.lab_net.org:77', { host: 'ioc-7.lab_net.org', port: 77 }],
    ['224.0.1.2,3', { host: '224.0.1.2', port: 5076, ttl: 3 }],
    ['224.0.1.2@eth0', { host: '224.0.1.2', port: 5076, interface: 'eth0' }],
    ['224.0.1.2:9,1@10.0.0.1', { host: '224.0.1.2', port: 9, ttl: 1, interface: '10.0.0.1' }],
    ['[::1]', { host: '::1', port: 5076 }],
    ['[fd00::2]:77', { host: 'fd00::2', port: 77 }],
    ['[ff02::42]:77,2@eth0', { host: 'ff02::42', port: 77, ttl: 2, interface: 'eth0' }],
  ])('reads %s', (text, entry) => {
    expect(parseAddress(text, 5076)).toEqual(entry);
  });

  it.each([
    '',
    ':5076',
    '10.0.0',
    '10.0.0.256',
    '010.0.0.1',
    '10.0.0.1:',
    '10.0.0.1:99999',
    '10.0.0.1,x',
    '10.0.0.1,256',
    '10.0.0.1@',
    '10.0.0.1@eth0,1',
    '::1',
    'fe80::1:5076',
    '[::1',
    '[]',
    '[host]',
    'a b',
    'host/24',
  ])('refuses "%s"', (text) => {
    expect(() => parseAddress(text, 5076)).toThrow(ConfigError);
    expect(() => parseAddress(text, 5076)).toThrow(`"${text}"`);
  });

  it('tells how to write IPv6', () => {
    expect(() => parseAddress('fd00::2', 5076)).toThrow('brackets');
  });
});
