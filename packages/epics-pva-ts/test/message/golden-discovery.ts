/** Datagrams and messages of name discovery captured from other implementations (pva-protocol.md 5.2). */
import { fromHex as bytes } from '../support/hex.ts';

/** pvget (pvAccessCPP), one name, to a unicast address. */
export const pvgetSearch = bytes(
  'ca0200032a000000 01000000 80 000000 00000000000000000000ffff00000000 0ca0 01 03746370 0100 41302010 04743a616f',
);
/** PVXS client, one name, unicast, big endian, reply address plain zeros. */
export const pvxsSearch = bytes(
  'ca0280030000002a 66696e64 80 000000 00000000000000000000000000000000 85b8 01 03746370 0001 12345678 04743a616f',
);
/** PVXS client, two names, broadcast. */
export const pvxsSearchTwo = bytes(
  'ca02800300000037 66696e64 00 000000 00000000000000000000000000000000 91ad 01 03746370 0002 ' +
    '12345678 0654313a636e74 12345679 0654323a636e74',
);
/** pvAccessCPP server. */
export const cppReply = bytes(
  'ca0240042d000000 17c47160000000006df07a34 01000000 00000000000000000000ffff00000000 d313 03746370 01 0100 41302010',
);
/** PVXS server, big endian. */
export const pvxsReply = bytes(
  'ca02c0040000002d adab551044d2a8c081c922cd 66696e64 00000000000000000000ffff00000000 13d3 03746370 01 0001 12345678',
);
/** PVXS server, big endian. */
export const pvxsBeacon = bytes(
  'ca02c00000000027 adab551044d2a8c081c922cd 00 02 0001 00000000000000000000ffff00000000 13d3 03746370 ff',
);
/** A server over TCP that has none of the names. */
export const nothingFound = bytes(
  'ca02400429000000 837f60374b8b903c76d5b0f4 34120000 00000000000000000000ffff00000000 47b8 03746370 00 0000',
);
