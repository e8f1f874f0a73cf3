/**
 * Updates that are passed on by put or call lie in receive memory that is used again: what arrives is what was sent, and
 * the memory comes back.
 */
import { describe, expect, it } from 'vitest';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { MemoryPool } from '../../src/wire/memory-block.ts';
import { clientOf, Happenings, serve } from '../support/loopback.ts';

const TYPE = struct('', { id: 'int', pixels: 'ubyte[]' });
const N = 200;
const LENGTH = 200_000;

const frame = (id: number): Value =>
  Value.create(TYPE, { id, pixels: new Uint8Array(LENGTH).fill(id) }).mark();

/** The id, if every pixel is of the frame with it. */
function intact(value: Value): number {
  const id = value.get('id') as number;
  const pixels = value.get('pixels') as Uint8Array;
  const foreign = pixels.findIndex((pixel) => pixel !== id % 256);
  return pixels.length === LENGTH && foreign === -1 ? id : Number.NaN;
}

/** The number of an object that nobody looks into. */
const number = (value: Value): number => value.numberAt(TYPE.node('id'));

describe.each(['rpc', 'put'] as const)('updates passed on by %s', (how) => {
  it.each([
    ['arrive as they were', intact],
    ['give their memory back on both sides', number],
  ])('%s', async (_what, look) => {
    const arrived = new Happenings<number>();
    const source = SharedPV.readonly(frame(0));
    const sink = new SharedPV({
      onPut: (_pv, value) => {
        arrived.push(look(value));
        value.release();
      },
      onRpc: (_pv, argument) => {
        arrived.push(look(argument as Value));
        argument?.release();
        return Value.create(TYPE);
      },
    });
    sink.open(frame(0));
    const server = await serve({ source, sink });
    const context = clientOf(server);
    const held: Value[] = [];
    let passed = Promise.resolve();
    const updates = new Happenings<number>();
    const take = MemoryPool.prototype.take;
    let taken = 0;
    const blocks = new Set<ArrayBufferLike>();
    MemoryPool.prototype.take = function (size) {
      const block = take.call(this, size);
      if (block.bytes.length > LENGTH) {
        taken++;
        blocks.add(block.bytes.buffer);
      }
      return block;
    };
    try {
      const update = (value: Value): void => {
        const object = value.snapshot().mark();
        held.push(object);
        const request =
          how === 'rpc'
            ? context.rpc('sink', object)
            : context.put('sink', () => object, { fetch: false, pvRequest: 'field()' });
        passed = Promise.all([passed, request]).then(() => object.release());
        updates.push(number(value));
        value.release();
      };
      context.monitor('source', { pvRequest: 'record[queueSize=300]field()' }, { update });
      await updates.count(1);
      for (let id = 1; id < N; id++) {
        source.post(frame(id));
        // Some are under way at the same time.
        if (id % 5 === 0) await arrived.count(id - 2);
      }
      await arrived.count(N);
      await passed;
    } finally {
      MemoryPool.prototype.take = take;
    }
    expect(arrived.all).toEqual(Array.from({ length: N }, (_, id) => id));
    expect(held).toHaveLength(N);
    expect(taken).toBeGreaterThan(N / 2);
    // What was looked into belongs to whoever looked.
    if (look === number) expect(blocks.size).toBeLessThan(N / 4);
  });
});
