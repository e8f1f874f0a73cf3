/** Arrays of more than 2^31-1 bytes are refused in one clear line, sent or received, and nobody allocates for them. */
import { describe, expect, it } from 'vitest';
import { GetRequest, PutRequest } from '../../src/client/requests.ts';
import { DecodeError, LocalProtocolError } from '../../src/errors.ts';
import { FrameDecoder } from '../../src/frame/frame-decoder.ts';
import { MAX_MESSAGE_HEAP_BYTES } from '../../src/limits.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { DecodeContext } from '../../src/value/decode-context.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { WireReader } from '../../src/wire/reader.ts';
import { checkArrayBytes, WireWriter } from '../../src/wire/writer.ts';
import { fromHex } from '../support/hex.ts';
import { JoinedSession } from '../support/joined-session.ts';

const DOUBLES = struct('', { value: 'double[]' });
const BYTES = struct('', { value: 'ubyte[]' });
const TWO_GIB = 2 ** 31;

/** An array that says it has 2 GiB: nothing of it may ever be looked at. */
class Huge extends Uint8Array {
  override get byteLength(): number {
    return TWO_GIB;
  }
}

describe('sending', () => {
  it('takes 2^31-1 bytes and no more', () => {
    expect(() => checkArrayBytes(TWO_GIB - 1)).not.toThrow();
    expect(() => checkArrayBytes(TWO_GIB)).toThrow(LocalProtocolError);
  });

  it('refuses the array before a byte of it is written', () => {
    const w = new WireWriter();
    const value = Value.create(BYTES).setNode(BYTES.nodes[1] as never, new Huge(1));
    expect(() => value.encodePartial(w)).toThrow(
      /^an array of 2147483648 bytes cannot be sent: pvAccess peers take 2147483647 bytes in one array; send it in parts$/,
    );
  });

  it('refuses counts that no peer reads', () => {
    const w = new WireWriter();
    expect(() => w.size(2 ** 31 - 1)).toThrow(
      /pvAccess cannot carry 2147483647 elements or bytes in one field/,
    );
    w.size(2 ** 31 - 2);
    expect(new WireReader(w.finishBytes()).size()).toBe(2 ** 31 - 2);
  });

  it('from a client fails that put, from a server that get; the connection goes on', async () => {
    const pv = SharedPV.mailbox(Value.create(BYTES, { value: new Uint8Array(3) }));
    const s = new JoinedSession({ p: pv });
    const huge = (): Value => Value.create(BYTES).setNode(BYTES.nodes[1] as never, new Huge(1));
    const put = (input: unknown): Promise<void> =>
      s.run(new PutRequest(s.channel('p'), input, { timeout: 0 }));
    await expect(put(() => huge())).rejects.toMatchObject({
      code: 'PVA_LOCAL_PROTOCOL',
      message: expect.stringContaining('an array of 2147483648 bytes cannot be sent'),
    });
    const get = (): Promise<Value> => s.run(new GetRequest(s.channel('p'), { timeout: 0 }));
    const { get: real } = pv;
    Object.assign(pv, { get: huge });
    await expect(get()).rejects.toThrow('p: an array of 2147483648 bytes cannot be sent');
    Object.assign(pv, { get: real });
    expect((await get()).get('value')).toEqual(new Uint8Array(3));
    expect(s.connections).toHaveLength(1);
  });
});

describe('receiving', () => {
  it.each([
    [
      'a count of doubles that makes 2 GiB',
      DOUBLES,
      '01 02 fe 00 00 00 10',
      /array of 2147483648 bytes at offset 2, at most 2147483647 are taken/,
    ],
    [
      'the largest count there is',
      BYTES,
      '01 02 fe fe ff ff 7f',
      /count 2147483646 at offset 2 needs more than the 0 byte/,
    ],
    ['a count beyond that', BYTES, '01 02 fe ff ff ff 7f', /size out of range/],
    ['a negative count', BYTES, '01 02 fe ff ff ff ff', /size out of range/],
  ])('refuses %s', (_what, type, hex, why) => {
    const r = new WireReader(fromHex(hex));
    const decode = (): unknown => Value.decodePartial(type, r, new DecodeContext());
    expect(decode).toThrow(DecodeError);
    r.offset = 0;
    expect(decode).toThrow(why);
  });

  it('refuses more booleans than there may be heap for: each is a reference there, not a byte', () => {
    const flags = struct('', { value: 'boolean[]' });
    const decode = (n: number): unknown => {
      const message = Buffer.alloc(n + 7);
      message.set([1, 2, 0xfe]);
      message.writeUInt32LE(n, 3);
      return Value.decodePartial(flags, new WireReader(message), new DecodeContext()).get('value');
    };
    expect(decode(3)).toEqual([false, false, false]);
    // Refused before the list is made: 120 million of them ended the process.
    const before = process.memoryUsage().heapUsed;
    for (const n of [MAX_MESSAGE_HEAP_BYTES / 16 + 1, 120_000_000])
      expect(() => decode(n)).toThrow(/^message of too many booleans, strings, structures, unions or any$/);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(16 * 1024 * 1024);
  });

  it('refuses a header that announces more than the limit, whole or in segments, when only that is there', () => {
    const decoder = (): FrameDecoder => new FrameDecoder({ onFrame: () => expect.unreachable() });
    const before = process.memoryUsage().arrayBuffers;
    for (const flags of ['00', '10'])
      expect(() => decoder().push(fromHex(`ca 02 ${flags} 0b ff ff ff 7f`))).toThrow(
        'message of 2147483647 bytes is larger than the limit of 268435456',
      );
    // Segments, each below the limit, that together are not.
    const small = new FrameDecoder({ onFrame: () => expect.unreachable(), maxMessage: 10 });
    small.push(fromHex('ca 02 10 0b 08 00 00 00 01 02 03 04 05 06 07 08'));
    expect(() => small.push(fromHex('ca 02 30 0b 03 00 00 00 01 02 03'))).toThrow(
      'segmented message is larger than the limit of 10 bytes',
    );
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
  });
});
