/** Addresses as text: what is whose, in both families. */
import { describe, expect, it } from 'vitest';
import {
  formatEndpoint,
  isAny,
  isHostAddress,
  isIpv4,
  isIpv6,
  isLoopback,
  isMulticast,
  unmapped,
  withZoneOf,
} from '../src/endpoint.ts';

describe('an address', () => {
  it.each([
    ['::', true],
    ['::1', true],
    ['fd00::2', true],
    ['fe80::1%eth0', true],
    ['1:2:3:4:5:6:7:8', true],
    ['::ffff:10.0.0.7', true],
    ['64:ff9b::1.2.3.4', true],
    ['1:2:3:4:5:6:1.2.3.4', true],
    ['1:2:3:4:5:6:7', false],
    ['1:2:3:4:5:6:7:8:9', false],
    ['1::2::3', false],
    ['fe80::1%', false],
    [':::', false],
    ['::1.2.3.400', false],
    ['12345::', false],
    ['10.0.0.7', false],
    ['ioc7', false],
    ['', false],
  ])('%s is IPv6: %s', (text, is) => {
    expect(isIpv6(text)).toBe(is);
    expect(isIpv4(text)).toBe(text === '10.0.0.7');
  });

  it('is multicast, loopback, any or one host, in either family', () => {
    const kinds = (a: string) =>
      [isMulticast(a), isLoopback(a), isAny(a), isHostAddress(a)].map(Number).join('');
    expect(
      Object.fromEntries(
        [
          '224.0.0.128',
          'ff02::42',
          'FF05::1',
          '127.0.0.1',
          '::1',
          '0.0.0.0',
          '::',
          '10.0.0.7',
          'fd00::2',
          'fe80::1%eth0',
          '255.255.255.255',
          '::ffff:10.0.0.7',
        ].map((a) => [a, kinds(a)]),
      ),
    ).toEqual({
      '224.0.0.128': '1000',
      'ff02::42': '1000',
      'FF05::1': '1000',
      '127.0.0.1': '0101',
      '::1': '0101',
      '0.0.0.0': '0010',
      '::': '0010',
      '10.0.0.7': '0001',
      'fd00::2': '0001',
      'fe80::1%eth0': '0001',
      '255.255.255.255': '0000',
      '::ffff:10.0.0.7': '0000',
    });
  });

  it('of a client that came over a socket of both families is shown as IPv4', () => {
    expect(['::ffff:10.0.0.7', '::FFFF:127.0.0.1', '::1', '10.0.0.7', '::ffff:1:2'].map(unmapped)).toEqual([
      '10.0.0.7',
      '127.0.0.1',
      '::1',
      '10.0.0.7',
      '::ffff:1:2',
    ]);
  });

  it('that is link-local is completed with the zone of who named it', () => {
    expect(withZoneOf('fe80::9', 'fe80::1%eth0')).toBe('fe80::9%eth0');
    expect(withZoneOf('fe80::9%eth1', 'fe80::1%eth0')).toBe('fe80::9%eth1');
    expect(withZoneOf('fd00::9', 'fe80::1%eth0')).toBe('fd00::9');
    expect(withZoneOf('fe80::9', 'fd00::1')).toBe('fe80::9');
  });

  it('with its port has brackets if it is IPv6', () => {
    expect(formatEndpoint({ address: '10.0.0.7', port: 5 })).toBe('10.0.0.7:5');
    expect(formatEndpoint({ address: 'fe80::1%eth0', port: 5 })).toBe('[fe80::1%eth0]:5');
  });
});
