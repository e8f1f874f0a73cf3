/** How a connection begins, both roles: who says what first, in which byte order, and who is turned away. */
import { describe, expect, it } from 'vitest';
import { Command } from '../../src/frame/command.ts';
import {
  type ClientValidation,
  encodeClientValidation,
  encodeValidated,
} from '../../src/message/connection-validation.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { errorStatus, StatusType } from '../../src/wire/status.ts';
import { ClientSession, greeting } from '../support/client-session.ts';
import { fromHex } from '../support/hex.ts';
import { settled } from '../support/memory-transport.ts';
import { messageBytes, segmented } from '../support/raw-peer.ts';
import { ServerSession } from '../support/server-session.ts';

const GREETING = [
  'ca 02 41 02 00 00 00 00',
  'ca 02 40 01 14 00 00 00 00 00 01 00 ff 7f 02 09 61 6e 6f 6e 79 6d 6f 75 73 02 63 61',
];
const VALIDATED = 'ca 02 40 09 01 00 00 00 ff';
const ANONYMOUS = 'ca 02 00 01 13 00 00 00 00 00 01 00 ff 7f 00 00 09 61 6e 6f 6e 79 6d 6f 75 73 ff';
const ANONYMOUS_BE = 'ca 02 80 01 00 00 00 13 00 01 00 00 7f ff 00 00 09 61 6e 6f 6e 79 6d 6f 75 73 ff';
/** pvget, user root on host vm; with a type id. */
const CA_PVGET =
  'ca 02 00 01 25 00 00 00 00 00 40 00 ff 7f 00 00 02 63 61 fd 01 00 80 00 02 04 75 73 65 72 60 04 68 6f 73 74 60' +
  '04 72 6f 6f 74 02 76 6d';
/** PVXS 1.5.2, which sends both claims empty. */
const CA_PVXS =
  'ca 02 00 01 1c 00 00 00 00 00 01 00 ff 7f 00 00 02 63 61 80 00 02 04 75 73 65 72 60 04 68 6f 73 74 60 00 00';
const CREATE = 'ca 02 00 07 08 00 00 00 01 00 07 00 00 00 01 78';

function clientValidation(method: string, data: Value | null = null, littleEndian = true): Buffer {
  const m: ClientValidation = { bufferSize: 1, registrySize: 2, qos: 3, method, data };
  return messageBytes(Command.CONNECTION_VALIDATION, (w) => encodeClientValidation(w, m), { littleEndian });
}

describe('a server', () => {
  it('speaks first: byte order, then what it offers', async () => {
    const { peer } = new ServerSession();
    expect((await peer.replies()).map((m) => m.hex)).toEqual(GREETING);
  });

  it.each([
    ['anonymous', ANONYMOUS, '', ''],
    ['anonymous', ANONYMOUS_BE, '', ''],
    ['ca', CA_PVGET, 'root', 'vm'],
    ['ca', CA_PVXS, '', ''],
  ])('accepts %s and knows who it is', async (method, bytes, account, host) => {
    for (const cut of [undefined, () => 1]) {
      const session = new ServerSession({ x: new SharedPV() }, cut ? { cut } : {});
      await session.peer.replies();
      expect(await session.peer.exchange(bytes)).toEqual([VALIDATED]);
      await session.createChannel('x');
      expect(session.host.clients).toEqual([{ peer: 'memory:client', method, account, host }]);
    }
  });

  it('accepts anonymous without the data byte, as pvAccessCPP does', async () => {
    const { peer } = new ServerSession();
    await peer.replies();
    const without = fromHex(ANONYMOUS).subarray(0, -1);
    without[4] = 0x12;
    expect(await peer.exchange(without)).toEqual([VALIDATED]);
  });

  it('accepts it in segments, too', async () => {
    const { peer } = new ServerSession();
    await peer.replies();
    expect(await peer.exchange(segmented(fromHex(CA_PVGET), 9, true))).toEqual([VALIDATED]);
  });

  it('tells a client with an unknown method so, then closes', async () => {
    const session = new ServerSession();
    await session.peer.replies();
    const replies = await session.peer.exchange(clientValidation('x509'));
    expect(replies).toHaveLength(1);
    expect(Buffer.from((replies[0] as string).replaceAll(' ', ''), 'hex').toString('latin1')).toContain(
      "unknown authentication method 'x509', offered were anonymous, ca",
    );
    expect(replies[0]).toMatch(/^ca 02 40 09 .. 00 00 00 02 /);
    expect(session.peer.closed).toBe(true);
    expect(session.closedBecause).toMatch(/^PVA_REMOTE_PROTOCOL unknown authentication method/);
  });

  const number = struct('', { v: 'int' });
  it.each<[string, (string | Uint8Array)[], RegExp]>([
    ['CREATE_CHANNEL before', [CREATE], /CREATE_CHANNEL is not allowed now/],
    ['an unknown command before', ['ca 02 00 7f 00 00 00 00'], /command 0x7f is not allowed now/],
    ['a second validation', [ANONYMOUS, ANONYMOUS], /CONNECTION_VALIDATION is not allowed now/],
    ['half a validation', ['ca 02 00 01 05 00 00 00 00 00 01 00 ff'], /message ends too early/],
    ['bytes of another protocol', [Buffer.from('GET / HTTP/1.1\r\n\r\n')], /expected a pvAccess header/],
    ['version 0', ['ca 00 00 01 00 00 00 00'], /version 0/],
    ['a message of the server', [VALIDATED], /wrong direction/],
    [
      'claims that are no structure',
      ['ca 02 00 01 10 00 00 00 00 00 01 00 ff 7f 00 00 02 63 61 22 01 00 00 00'],
      /"ca" is not a structure/,
    ],
    ['a message over 64 KiB before', ['ca 02 00 02 01 00 01 00'], /65537 bytes is larger/],
  ])('closes on %s', async (_what, parts, why) => {
    const session = new ServerSession();
    await session.peer.replies();
    session.peer.write(...parts);
    await settled();
    expect(session.closedBecause).toMatch(why);
    expect(session.peer.closed).toBe(true);
    expect(session.host.ended).toHaveLength(1);
  });

  it('does not mind other claims than user and host', async () => {
    const session = new ServerSession({ x: new SharedPV() });
    await session.peer.replies();
    session.peer.write(clientValidation('ca', Value.create(number, { v: 7 })));
    expect((await session.peer.reply()).hex).toBe(VALIDATED);
    await session.createChannel('x');
    expect(session.host.clients).toMatchObject([{ method: 'ca', account: '', host: '' }]);
  });

  it('answers an ECHO before validation, and ignores control messages', async () => {
    const { peer } = new ServerSession();
    await peer.replies();
    const replies = await peer.exchange(
      'ca 02 c1 02 00 00 00 00'.replace('c1', '81'),
      'ca 02 01 03 00 00 00 00',
      'ca 02 00 02 06 00 00 00 68 65 6c 6c 6f 21',
      ANONYMOUS_BE,
    );
    expect(replies).toEqual(['ca 02 40 02 06 00 00 00 68 65 6c 6c 6f 21', VALIDATED]);
  });

  it.each([1, 3, 9, 255])('accepts messages of version %i and answers with 2', async (version) => {
    const { peer } = new ServerSession();
    await peer.replies();
    const bytes = fromHex(ANONYMOUS);
    bytes[1] = version;
    expect(await peer.exchange(bytes)).toEqual([VALIDATED]);
  });

  it('takes large messages from validated clients', async () => {
    const { peer } = await ServerSession.ready();
    const big = messageBytes(Command.ECHO, (w) => w.bytes(Buffer.alloc(300_000, 7)));
    peer.write(big);
    const echo = await peer.reply();
    expect(echo.payload.equals(Buffer.alloc(300_000, 7))).toBe(true);
  });
});

describe('a client', () => {
  it('says nothing before the server has', async () => {
    const session = new ClientSession();
    expect(await session.peer.replies()).toEqual([]);
    session.peer.write('ca 02 41 02 00 00 00 00');
    expect(await session.peer.replies()).toEqual([]);
  });

  const CA =
    '80 00 02 04 75 73 65 72 60 04 68 6f 73 74 60 08 6f 70 65 72 61 74 6f 72 07 63 6f 6e 73 6f 6c 65';
  it('answers in the byte order the server announced', async () => {
    const little = await new ClientSession().handshake(true);
    expect(little.hex).toBe(`ca 02 00 01 2b 00 00 00 00 00 01 00 ff 7f 00 00 02 63 61 ${CA}`);
    const big = await new ClientSession().handshake(false);
    expect(big.hex).toBe(`ca 02 80 01 00 00 00 2b 00 01 00 00 7f ff 00 00 02 63 61 ${CA}`);
  });

  it.each([
    [['anonymous', 'ca'], 'ca'],
    [['ca', 'anonymous'], 'anonymous'],
    [['ca'], 'ca'],
    [['anonymous', 'ca', 'x509'], 'ca'],
    [['x509', 'anonymous'], 'anonymous'],
    [[], 'anonymous'],
    [['krb'], 'anonymous'],
  ])('offered %j takes the last one it knows: %s', async (methods, taken) => {
    const session = new ClientSession();
    session.peer.write(greeting(true, methods));
    const { payload } = await session.peer.reply();
    expect(payload.toString('latin1', 9, 9 + taken.length)).toBe(taken);
    if (taken === 'anonymous') expect(payload.subarray(18)).toEqual(Buffer.from([0xff]));
  });

  it('is ready when the server says so, in pieces of one byte and in segments too', async () => {
    for (const littleEndian of [true, false]) {
      const session = new ClientSession({ cut: () => 1 });
      await session.handshake(littleEndian);
      expect(session.ready).toBe(1);
      expect(session.connection.isReady).toBe(true);
    }
    const session = new ClientSession();
    const bytes = greeting(true);
    session.peer.write(bytes.subarray(0, 8), segmented(bytes.subarray(8), 3, true));
    await session.peer.reply();
    session.peer.write(segmented(fromHex(VALIDATED), 1));
    await settled();
    expect(session.ready).toBe(1);
  });

  it('answers one CONNECTION_VALIDATION: who sends more is left', async () => {
    const session = new ClientSession();
    const validation = greeting(true).subarray(8);
    session.peer.write(greeting(true), ...Array.from({ length: 1000 }, () => validation));
    const answers = await session.peer.replies();
    expect(answers.length).toBeLessThanOrEqual(1);
    expect(session.closedBecause).toBe('PVA_REMOTE_PROTOCOL CONNECTION_VALIDATION is not allowed now');
  });

  it('is ready with a warning, too', async () => {
    const session = new ClientSession();
    session.peer.write(greeting(true));
    await session.peer.reply();
    const status = errorStatus('careful', StatusType.WARNING);
    session.peer.send(Command.CONNECTION_VALIDATED, (w) => encodeValidated(w, status), { fromServer: true });
    await settled();
    expect(session.ready).toBe(1);
  });

  it('is told why it was refused', async () => {
    const session = new ClientSession();
    session.peer.write(greeting(true));
    await session.peer.reply();
    session.peer.write(
      'ca 02 40 09 23 00 00 00 02 20 43 6c 69 65 6e 74 20 73 65 6c 65 63 74 73 20 75 6e 61 64 76 65 72 74 69 73 65 64' +
        '20 61 75 74 68 00',
    );
    await settled();
    expect(session.closedBecause).toBe(
      'PVA_REMOTE_PROTOCOL server refused the connection: Client selects unadvertised auth',
    );
    expect([session.ready, session.closed, session.peer.closed]).toEqual([0, 1, true]);
  });

  it('closes when the server accepts before it has asked', async () => {
    const session = new ClientSession();
    session.peer.write('ca 02 41 02 00 00 00 00', VALIDATED);
    await settled();
    expect(session.closedBecause).toBe('PVA_REMOTE_PROTOCOL CONNECTION_VALIDATED is not allowed now');
  });

  it('closes on a second handshake', async () => {
    for (const again of [greeting(true), fromHex(VALIDATED)]) {
      const session = new ClientSession();
      await session.handshake();
      session.peer.write(again);
      await settled();
      expect(session.closedBecause).toMatch(/is not allowed now/);
    }
  });

  it('ignores what does not belong to the handshake until it is ready, and passes it on afterwards', async () => {
    const session = new ClientSession();
    const message = 'ca 02 40 12 07 00 00 00 01 00 00 00 00 01 78';
    session.peer.write(message, greeting(true));
    await session.peer.reply();
    session.peer.write(message, 'ca 02 40 7f 01 00 00 00 55', VALIDATED);
    await settled();
    expect(session.messages).toEqual([]);
    session.peer.write(message, 'ca 02 40 7f 01 00 00 00 55');
    await settled();
    expect(session.messages).toEqual([Command.MESSAGE, 0x7f]);
    expect(session.closed).toBe(0);
  });

  it.each<[string, string, RegExp]>([
    ['another protocol', '48 54 54 50 2f 31 2e 31', /expected a pvAccess header/],
    ['a message of a client', 'ca 02 00 02 00 00 00 00', /wrong direction/],
    ['a message over 64 KiB before it is accepted', 'ca 02 40 01 01 00 01 00', /65537 bytes is larger/],
    ['a method list that is not there', 'ca 02 40 01 07 00 00 00 00 00 01 00 ff 7f 05', /count 5 at/],
    ['a null method list', 'ca 02 40 01 07 00 00 00 00 00 01 00 ff 7f ff', /null size/],
  ])('closes on %s', async (_what, bytes, why) => {
    const session = new ClientSession();
    session.peer.write(bytes);
    await settled();
    expect(session.closedBecause).toMatch(why);
    expect(session.peer.closed).toBe(true);
  });

  it('learns that the server went away, without a reason when that was in good order', async () => {
    const session = new ClientSession();
    await session.handshake();
    session.serverTransport.close();
    await settled();
    expect([session.closed, session.closedBecause]).toEqual([1, undefined]);
    session.connection.close();
    expect(session.closed).toBe(1);
  });
});
