/** Requests that are not answered yet: when reading is held, when it goes on, and when nobody answers any more. */
import { describe, expect, it } from 'vitest';
import { UnderWay } from '../../src/connection/under-way.ts';

class Reader {
  held = 0;
  holdReading(): void {
    this.held++;
  }
  releaseReading(): void {
    this.held--;
  }
}

function underWay(most: number, mostBytes: number): { u: UnderWay; reader: Reader } {
  const reader = new Reader();
  return { u: new UnderWay(reader, most, mostBytes), reader };
}

describe('requests under way', () => {
  it('hold reading when there are too many, once, until half of them are answered', () => {
    const { u, reader } = underWay(4, 1000);
    const held: number[] = [];
    for (let i = 0; i < 6; i++) {
      u.begin();
      held.push(reader.held);
    }
    for (let i = 0; i < 6; i++) {
      u.end(0);
      held.push(reader.held);
    }
    expect(held).toEqual([0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0]);
    expect([u.count, u.stalls]).toEqual([0, 1]);
  });

  it('hold it when they have too many bytes, each as many as its own message', () => {
    const { u, reader } = underWay(100, 1000);
    u.messageBytes = 900;
    const large = u.begin();
    u.messageBytes = 100;
    const small = u.begin();
    expect([large, small, reader.held]).toEqual([900, 100, 1]);
    u.end(small);
    expect(reader.held).toBe(1);
    u.end(large);
    expect(reader.held).toBe(0);
  });

  it('are stuck when reading is held and none is answered for so long', () => {
    const { u } = underWay(2, 1000);
    u.begin();
    // Not too many: the client is heard, and may take its time.
    expect([10, 20, 30].map((t) => u.isStuck(t, 10))).toEqual([false, false, false]);
    u.begin();
    u.begin();
    expect([40, 49].map((t) => u.isStuck(t, 10))).toEqual([false, false]);
    u.end(0);
    expect([59, 68, 69].map((t) => u.isStuck(t, 10))).toEqual([false, false, true]);
  });
});
