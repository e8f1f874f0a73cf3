/**
 * Recorded sessions replayed against our server: where the peer was a PVXS server (pva-protocol.md 3.20, 11.3) our
 * replies are the same bytes; where it was pvAccessCPP they differ by its type ids only, which we never send. The
 * numbers a server may choose itself, its sids, are put in.
 */
import { describe, expect, it } from 'vitest';
import { Command } from '../../src/frame/command.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import type { ServedPV } from '../../src/server/source.ts';
import { struct, type TypeDef } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { type GoldenMessage, readSessions } from '../golden/read-messages.ts';
import { fromHex, toHex } from '../support/hex.ts';
import { decodePartial } from '../support/image.ts';
import { settled } from '../support/memory-transport.ts';
import { messagesIn } from '../support/raw-peer.ts';
import { ServerSession } from '../support/server-session.ts';
import { NT_ENUM, ntScalar } from '../support/types.ts';

const SESSIONS = new Map(readSessions().map((s) => [s.title, s.messages]));

function session(title: string): readonly GoldenMessage[] {
  const messages = SESSIONS.get(title);
  if (!messages)
    throw new Error(`no golden session '${title}'; there are: ${[...SESSIONS.keys()].join(', ')}`);
  return messages;
}

/** Our first sid in place of the recorded one: in front of every request, behind the cid of CREATE_CHANNEL's reply. */
function withSid(m: GoldenMessage): Buffer {
  const bytes = Buffer.from(m.bytes);
  const command = bytes[3] as number;
  const at = m.from === 'C' ? 8 : 12;
  const hasSid =
    m.from === 'C'
      ? command >= Command.GET && command !== Command.MESSAGE
      : command === Command.CREATE_CHANNEL;
  if (hasSid) bytes.writeUInt32LE(1, at);
  return bytes;
}

/** Plays the client's part; the server's part must be what was recorded. */
async function replay(
  server: ServerSession,
  messages: readonly GoldenMessage[],
  adapt: (bytes: Buffer) => Buffer = (bytes) => bytes,
): Promise<void> {
  for (let i = 0; i < messages.length; ) {
    const expected: string[] = [];
    const m = messages[i] as GoldenMessage;
    if (m.from === 'C') {
      server.peer.write(withSid(m));
      i++;
    }
    for (; messages[i]?.from === 'S'; i++) expected.push(toHex(adapt(withSid(messages[i] as GoldenMessage))));
    expect((await server.peer.replies()).map((r) => r.hex)).toEqual(expected);
  }
}

/** A PV as an IOC has it: it answers with the marks it chooses, not with everything. */
class FixedPV implements ServedPV {
  readonly puts: Value[] = [];
  private readonly type: TypeDef;
  private readonly value: Value;

  constructor(value: Value) {
    this.type = value.type;
    this.value = value;
  }

  whenOpen(ready: (type: TypeDef) => void): () => void {
    ready(this.type);
    return () => {};
  }
  get(): Value {
    return this.value;
  }
  put(value: Value): void {
    this.puts.push(value);
  }
  rpc(): null {
    return null;
  }
  subscribe(): () => void {
    return () => {};
  }
  attach(): () => void {
    return () => {};
  }
}

describe('a recorded session', () => {
  for (const [how, cut] of [
    ['whole', undefined],
    ['byte by byte', () => 1],
  ] as const) {
    const options = cut ? { cut } : {};

    it(`3.2 handshake of pvget, ${how}`, async () => {
      await replay(new ServerSession({}, options), session('handshake'));
    });

    it(`3.20 pvget and pvput of an enum on a PVXS IOC, ${how}`, async () => {
      const pv = new FixedPV(
        Value.create(NT_ENUM, {
          value: { index: 0, choices: ['Zero', 'One', 'Two'] },
          alarm: { severity: 0, status: 0, message: '' },
          timeStamp: { secondsPastEpoch: 0x6b00f51an, nanoseconds: 0x1ec92c5b, userTag: 0 },
          display: { description: '' },
        }),
      );
      await replay(new ServerSession({ 't:mbbo': pv }, options), session('pvget and pvput of an enum'));
      expect(pv.puts.map((v) => [v.get('value.index'), v.marks.toArray()])).toEqual([[2, [2]]]);
    });

    it(`3.14 pvcall, ${how}: the same but for the type id pvAccessCPP gives its result`, async () => {
      const result = struct('', { value: 'int' });
      const calls: unknown[] = [];
      const pv = new SharedPV({
        onRpc: (_pv, argument) => {
          calls.push(argument?.toJS());
          const sum = Number(argument?.get('query.a')) + Number(argument?.get('query.b'));
          return Value.create(result, { value: sum });
        },
      });
      const server = await ServerSession.ready({ 'r:add': pv }, options);
      expect(await server.createChannel('r:add')).toBe(1);
      await replay(server, session('pvcall'), withoutTypeIds);
      expect(calls).toEqual([{ scheme: 'pva', authority: '', path: 'r:add', query: { a: '3', b: '4' } }]);
    });
  }

  it('3.15 pipelined monitor of a PVXS client: INIT 88, start, updates, ack', async () => {
    const type = ntScalar('uint');
    const pv = SharedPV.mailbox(Value.create(type, { value: 1 }));
    const server = await ServerSession.ready({ p: pv });
    await server.createChannel('p');
    const head = '01 00 00 00 00 20 00 10';
    const [reply] = await server.peer.exchange(
      `ca 02 00 0d 54 00 00 00 ${head} 88
       80 00 02 05 66 69 65 6c 64 80 00 01 05 76 61 6c 75 65 80 00 00
       06 72 65 63 6f 72 64 80 00 01 08 5f 6f 70 74 69 6f 6e 73 80 00 02 08 70 69 70 65 6c 69 6e 65 60 09 71 75 65 75 65 53 69 7a 65 60
       04 74 72 75 65 01 34
       04 00 00 00`,
    );
    expect(reply).toMatch(/^ca 02 40 0d .. 00 00 00 00 20 00 10 08 ff 80 15 65 70 69 63 73 3a 6e 74 2f/);
    expect(await server.peer.exchange(`ca 02 00 0d 09 00 00 00 ${head} 44`)).toEqual([
      'ca 02 40 0d 0c 00 00 00 00 20 00 10 00 01 02 01 00 00 00 00',
    ]);
    pv.post(Value.create(type, { value: 23 }));
    // The recorded update of a PVXS server, byte for byte.
    expect(await server.peer.exchange()).toEqual([
      'ca 02 40 0d 0c 00 00 00 00 20 00 10 00 01 02 17 00 00 00 00',
    ]);
    expect(await server.peer.exchange(`ca 02 00 0d 0d 00 00 00 ${head} 80 02 00 00 00`)).toEqual([]);
    expect(await server.peer.exchange(`ca 02 00 0f 08 00 00 00 ${head}`)).toEqual([]);
    expect(pv.subscriberCount).toBe(0);
  });

  it('11.3 single exchanges', async () => {
    const double = struct('', { value: 'double' });
    // As the recorded server had it: mask {0}.
    const value = decodePartial(double, fromHex('01 01 00 00 00 00 00 88 a4 40'));
    const pv = new FixedPV(value);
    const server = await ServerSession.ready({ cnt: pv, [`x`]: new SharedPV() });
    const exchange = async (request: string, ...replies: string[]): Promise<void> =>
      expect(await server.peer.exchange(request)).toEqual(replies);
    await exchange('ca 02 00 02 00 00 00 00', 'ca 02 40 02 00 00 00 00');
    await exchange('ca 02 00 02 06 00 00 00 68 65 6c 6c 6f 21', 'ca 02 40 02 06 00 00 00 68 65 6c 6c 6f 21');
    await exchange(
      'ca 02 00 07 0a 00 00 00 01 00 78 56 34 12 03 63 6e 74',
      'ca 02 40 07 09 00 00 00 78 56 34 12 01 00 00 00 ff',
    );
    await exchange(
      'ca 02 00 0a 0c 00 00 00 01 00 00 00 02 00 00 00 08 80 00 00',
      'ca 02 40 0a 10 00 00 00 02 00 00 00 08 ff 80 00 01 05 76 61 6c 75 65 43',
    );
    await exchange(
      'ca 02 00 0a 09 00 00 00 01 00 00 00 02 00 00 00 50',
      'ca 02 40 0a 10 00 00 00 02 00 00 00 50 ff 01 01 00 00 00 00 00 88 a4 40',
    );
    await exchange(
      'ca 02 00 0b 0c 00 00 00 01 00 00 00 00 20 00 10 08 80 00 00',
      'ca 02 40 0b 10 00 00 00 00 20 00 10 08 ff 80 00 01 05 76 61 6c 75 65 43',
    );
    await exchange(
      'ca 02 00 0b 13 00 00 00 01 00 00 00 00 20 00 10 00 01 02 00 00 00 00 00 00 21 40',
      'ca 02 40 0b 06 00 00 00 00 20 00 10 00 ff',
    );
    expect(pv.puts.map((v) => v.get('value'))).toEqual([8.5]);
    await exchange(
      'ca 02 00 08 08 00 00 00 01 00 00 00 78 56 34 12',
      'ca 02 40 08 08 00 00 00 01 00 00 00 78 56 34 12',
    );
    // What PVXS refuses is refused with the same status and ids; only the words are ours.
    const [refused] = await server.peer.exchange('ca 02 00 07 08 00 00 00 01 00 09 00 00 00 01 7a');
    expect(refused).toMatch(/^ca 02 40 07 .. 00 00 00 09 00 00 00 ff ff ff ff 03 /);
  });

  it('1.4 pvput of 20000 doubles in three segments, the last of them empty', async () => {
    const type = struct('epics:nt/NTScalarArray:1.0', { value: 'double[]' });
    const pv = SharedPV.mailbox(Value.create(type));
    const server = await ServerSession.ready({ w: pv });
    await server.createChannel('w');
    await server.peer.exchange('ca 02 00 0b 0c 00 00 00 01 00 00 00 00 20 00 10 08 80 00 00');
    const doubles = Float64Array.from({ length: 20_000 }, (_, i) => i / 3);
    server.peer.write(
      'ca 02 10 0b 10 00 00 00 01 00 00 00 00 20 00 10 00 01 02 fe 20 4e 00 00',
      'ca 02 30 0b 00 71 02 00',
      new Uint8Array(doubles.buffer),
      'ca 02 20 0b 00 00 00 00',
    );
    expect((await server.peer.replies()).map((m) => m.hex)).toEqual([
      'ca 02 40 0b 06 00 00 00 00 20 00 10 00 ff',
    ]);
    expect(pv.fetch().get('value')).toEqual(doubles);
    await settled();
  });
});

/** pvAccessCPP writes `FD id` in front of every structure type it sends; our server never does. */
function withoutTypeIds(bytes: Buffer): Buffer {
  const at = bytes.indexOf(Buffer.from([0xfd, 1, 0, 0x80]));
  if (at < 0) return bytes;
  const plain = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 3)]);
  plain.writeUInt32LE(bytes.readUInt32LE(4) - 3, 4);
  expect(messagesIn(plain)).toHaveLength(1);
  return plain;
}
