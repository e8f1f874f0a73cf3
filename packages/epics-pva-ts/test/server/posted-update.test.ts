/** One update for many: encoded once, forwarded as it came, and its receive memory given back as soon as it was sent. */
import { describe, expect, it } from 'vitest';
import { Command } from '../../src/frame/command.ts';
import { PostedUpdate } from '../../src/server/posted-update.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { DecodeContext } from '../../src/value/decode-context.ts';
import { bounded, struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { BitSet } from '../../src/wire/bit-set.ts';
import { type MemoryBlock, MemoryPool } from '../../src/wire/memory-block.ts';
import { WireReader } from '../../src/wire/reader.ts';
import { WireWriter } from '../../src/wire/writer.ts';
import { settled } from '../support/memory-transport.ts';
import { destroyRequest, init, request, updated } from '../support/requests.ts';
import { ServerSession } from '../support/server-session.ts';

const IMAGE = struct('', { id: 'int', pixels: 'ubyte[]' });

/** An update as a client receives it: undecoded, in counted memory. */
function received(id: number, size: number, littleEndian = true): { value: Value; block: MemoryBlock } {
  const w = new WireWriter(littleEndian);
  Value.create(IMAGE, { id, pixels: new Uint8Array(size).fill(id) }).encodePartial(w);
  const bytes = w.finishBytes();
  const block = new MemoryPool().take(bytes.length);
  block.bytes.set(bytes);
  const context = new DecodeContext();
  context.block = block;
  const r = new WireReader(block.bytes, littleEndian, 0, bytes.length);
  return { value: Value.decodePartial(IMAGE, r, context, true), block };
}

describe('a posted update', () => {
  it('is encoded once for all who want every field', () => {
    const update = new PostedUpdate(Value.create(IMAGE, { id: 1, pixels: new Uint8Array(10) }));
    expect(update.chunks()).toBe(update.chunks());
    expect(update.borrowsMemory).toBe(false);
  });

  it('that was received is sent on as the same bytes, not copied, unless the byte order differs', () => {
    const { value, block } = received(7, 50_000);
    const update = new PostedUpdate(value);
    const chunks = update.chunks();
    expect(chunks).toHaveLength(1);
    expect(chunks[0]?.buffer).toBe(block.bytes.buffer);
    expect(update.borrowsMemory).toBe(true);
    const big = new PostedUpdate(received(7, 50_000, false).value);
    const again = Buffer.concat(big.chunks());
    expect(again.equals(chunks[0] as Uint8Array)).toBe(true);
    expect(big.borrowsMemory).toBe(false);
  });

  it('is encoded by itself for who wants some fields', () => {
    const update = new PostedUpdate(received(7, 50_000).value);
    const w = new WireWriter();
    update.writeTo(w, BitSet.of(1));
    expect(w.finishBytes().toString('hex')).toBe('010207000000');
  });

  it('that cannot be encoded leaves nothing behind for the next one', () => {
    const type = struct('', { a: 'int', fixed: bounded('int', 'fixed', 3) });
    const bad = Value.create(type, { a: 5 });
    bad.setNode(type.node('fixed'), new Int32Array(1));
    expect(() => new PostedUpdate(bad).chunks()).toThrow('fixed array needs 3 elements');
    const good = new PostedUpdate(Value.create(struct('', { a: 'int' }), { a: 6 }));
    expect(Buffer.concat(good.chunks()).toString('hex')).toBe('010206000000');
  });
});

describe('receive memory that is sent on', () => {
  it.each([1000, 5000, 300_000, 5_000_000])(
    'is free when %i bytes have left and the PV has another value, with nothing sent after them',
    async (size) => {
      const pv = SharedPV.readonly(Value.create(IMAGE));
      const session = await ServerSession.ready({ p: pv });
      const sid = await session.createChannel('p');
      session.peer.write(init(Command.MONITOR, sid, 5), request(Command.MONITOR, sid, 5, 0x44));
      await session.peer.replies();
      const { value, block } = received(9, size);
      pv.post(value);
      value.release();
      expect(block.holders).toBeGreaterThan(1);
      const { id, pixels } = updated(IMAGE, await session.peer.reply()).fields as {
        id: number;
        pixels: Uint8Array;
      };
      expect([id, Buffer.alloc(size, 9).equals(pixels)]).toEqual([9, true]);
      session.peer.write(destroyRequest(sid, 5));
      await settled();
      pv.post(Value.create(IMAGE, { id: 10, pixels: new Uint8Array(1) }));
      expect(block.holders).toBe(1);
    },
  );

  it('is held until a slow client has taken it', async () => {
    const pv = SharedPV.readonly(Value.create(IMAGE));
    const session = await ServerSession.ready({ p: pv });
    const sid = await session.createChannel('p');
    session.peer.write(init(Command.MONITOR, sid, 5), request(Command.MONITOR, sid, 5, 0x44));
    await session.peer.replies();
    session.peer.transport.pauseReading();
    const { value, block } = received(9, 300_000);
    pv.post(value);
    value.release();
    pv.post(Value.create(IMAGE, { id: 10, pixels: new Uint8Array(1) }));
    await settled();
    expect(block.holders).toBe(2);
    session.peer.transport.resumeReading();
    const [first] = await session.peer.replies();
    expect(updated(IMAGE, first as NonNullable<typeof first>).fields).toMatchObject({ id: 9 });
    expect(block.holders).toBe(1);
  });

  it('is free when the client goes away before it has taken it', async () => {
    const pv = SharedPV.readonly(Value.create(IMAGE));
    const session = await ServerSession.ready({ p: pv });
    const sid = await session.createChannel('p');
    session.peer.write(init(Command.MONITOR, sid, 5), request(Command.MONITOR, sid, 5, 0x44));
    await session.peer.replies();
    session.peer.transport.pauseReading();
    const updates = Array.from({ length: 8 }, (_, i) => received(i, 2_000_000));
    for (const { value } of updates) {
      pv.post(value);
      value.release();
    }
    session.peer.transport.close();
    await settled();
    pv.post(Value.create(IMAGE, { id: 10, pixels: new Uint8Array(1) }));
    expect(updates.map(({ block }) => block.holders)).toEqual(updates.map(() => 1));
  });
});
