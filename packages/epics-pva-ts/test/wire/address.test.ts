/** Addresses as SEARCH, SEARCH_RESPONSE, BEACON and ORIGIN_TAG carry them. */
import { describe, expect, it } from 'vitest';
import { ANY_ADDRESS, decodeAddress, encodeAddress } from '../../src/wire/address.ts';
import { WireReader } from '../../src/wire/reader.ts';
import { WireWriter } from '../../src/wire/writer.ts';

function encoded(address: string, littleEndian = false): Buffer {
  const w = new WireWriter(littleEndian);
  encodeAddress(w, address);
  return Buffer.from(w.finishBytes());
}

const decoded = (hex: string) => decodeAddress(new WireReader(Buffer.from(hex, 'hex'), false));

describe('an address on the wire', () => {
  it.each([
    ['IPv4', '1.2.3.4', '00000000000000000000ffff01020304'],
    ['IPv4 as a socket of both families prints it', '::ffff:1.2.3.4', '00000000000000000000ffff01020304'],
    ['the same in capitals', '::FFFF:192.168.255.10', '00000000000000000000ffffc0a8ff0a'],
    ['IPv4 mapped in groups', '::ffff:102:304', '00000000000000000000ffff01020304'],
    ['any', ANY_ADDRESS, '00000000000000000000ffff00000000'],
    ['any of IPv6', '::', '00000000000000000000000000000000'],
    ['nothing', '', '00000000000000000000000000000000'],
    ['loopback of IPv6', '::1', '00000000000000000000000000000001'],
    ['IPv6 with a zone', 'fe80::1:2%eth0', 'fe800000000000000000000000010002'],
    ['a dotted end behind other groups', '64:ff9b::1.2.3.4', '0064ff9b000000000000000001020304'],
    ['eight groups', '1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['a prefix', 'fd00:1::', 'fd000001000000000000000000000000'],
  ])('%s', (_what, address, hex) => {
    expect(encoded(address).toString('hex')).toBe(hex);
    expect(encoded(address, true).toString('hex'), 'has no byte order').toBe(hex);
  });

  it.each([
    ['00000000000000000000000000000001', '::1'],
    ['fd000000000000000000000000000002', 'fd00::2'],
    ['fe800000000000000001000000000002', 'fe80::1:0:0:2'],
    ['00010002000300040005000600070008', '1:2:3:4:5:6:7:8'],
    ['00010000000300040005000600070008', '1:0:3:4:5:6:7:8'],
    ['fd000001000000000000000000000000', 'fd00:1::'],
    ['00010000000000010000000000000001', '1:0:0:1::1'],
  ])('%s is one text, %s', (hex, text) => {
    expect(decoded(hex)).toBe(text);
    expect(encoded(text).toString('hex')).toBe(hex);
  });

  it('reads back as text that means the same', () => {
    expect(decoded('00000000000000000000ffff01020304')).toBe('1.2.3.4');
    expect(decoded('00000000000000000000ffff00000000')).toBe(ANY_ADDRESS);
    expect(decoded('00000000000000000000000000000000')).toBe(ANY_ADDRESS);
    for (const hex of ['fe800000000000000000000000010002', '0064ff9b000000000000000001020304'])
      expect(encoded(decoded(hex)).toString('hex')).toBe(hex);
  });
});
