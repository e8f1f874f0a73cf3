/**
 * Who gets which update, by the distributor alone (pvapy-behaviour.md 10.2 to 10.5): every sequence verified with
 * PvaPy, and the places where PvaPy has faults that this one must not have.
 */
import { describe, expect, it } from 'vitest';
import {
  Distributor,
  type DistributorRequest,
  parseDistributorRequest,
} from '../../src/server/distributor.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';

const TYPE = struct('', {
  uniqueId: 'int',
  timeStamp: struct('time_t', { secondsPastEpoch: 'long', nanoseconds: 'int' }),
});

function update(n: number, time = n): Value {
  return Value.create(TYPE, { uniqueId: n, timeStamp: { secondsPastEpoch: 1n, nanoseconds: time } });
}

/** Clients by name, what each got, and the updates routed so far. */
class Clients {
  readonly got: Record<string, number[]> = {};
  private readonly distributor = new Distributor<string>();
  private readonly requests = new Map<string, DistributorRequest>();
  private n = 0;

  join(name: string, request: string): this {
    const parsed = parseDistributorRequest(request);
    if (!parsed) throw new Error(`'${request}' asks for no distribution`);
    this.got[name] ??= [];
    this.requests.set(name, parsed);
    this.distributor.join(name, parsed);
    return this;
  }

  leave(...names: string[]): this {
    for (const name of names) this.distributor.leave(name, this.requests.get(name) as DistributorRequest);
    return this;
  }

  /** Routes the next `count` updates. */
  run(count: number): this {
    for (let i = 0; i < count; i++) this.route(update(++this.n), this.n);
    return this;
  }

  route(value: Value, n: number): this {
    this.distributor.route(value, (name) => (this.got[name] as number[]).push(n));
    return this;
  }
}

describe('the request', () => {
  const defaults = { group: 'default', set: 'default', trigger: 'timeStamp', updates: 1, mode: 'one' };
  it.each<[string, Partial<DistributorRequest> | undefined]>([
    ['', {}],
    ['updates:1', {}],
    ['updates:5', { updates: 5 }],
    ['set:S1', { set: 'S1', mode: 'all' }],
    ['set:S1;mode:one', { set: 'S1', mode: 'one' }],
    ['mode:ONE;set:S1', { set: 'S1', mode: 'one' }],
    ['mode:all', { mode: 'all' }],
    ['mode:sometimes', {}],
    ['set:S1;mode:sometimes', { set: 'S1', mode: 'all' }],
    ['trigger:uniqueId', { trigger: 'uniqueId' }],
    ['trigger:a.b.c', { trigger: 'a.b.c' }],
    [
      'group:G;set:S;trigger:t;updates:3;mode:all',
      { group: 'G', set: 'S', trigger: 't', updates: 3, mode: 'all' },
    ],
    ['updates:3;mode:all;group:G', { group: 'G', updates: 3, mode: 'all' }],
    ['GROUP:g;Updates:2', { group: 'g', updates: 2 }],
    ['groupX:a', { group: 'a' }],
    ['group:Abc', { group: 'Abc' }],
    ['group:a:b', { group: 'a:b' }],
    ['nonsense;updates:2;;', { updates: 2 }],
    ['group', {}],
    ['unknown:1', {}],
    ['updates:7seven', { updates: 7 }],
    // atoi of these is 0: such a client is not part of any distribution.
    ['updates:0', undefined],
    ['updates:-1', undefined],
    ['updates:many', undefined],
    ['updates:', undefined],
  ])("'%s'", (text, expected) => {
    expect(parseDistributorRequest(text)).toEqual(expected && { ...defaults, ...expected });
  });
});

describe('the verified sequences', () => {
  it('3 clients, default set, one update each', () => {
    const c = new Clients().join('a', '').join('b', '').join('c', '').run(9);
    expect(c.got).toEqual({ a: [1, 4, 7], b: [2, 5, 8], c: [3, 6, 9] });
  });

  it('2 sets of 2 clients, 3 updates: all of a set get the same', () => {
    const c = new Clients();
    for (const name of ['a1', 'a2']) c.join(name, 'set:S1;updates:3');
    for (const name of ['b1', 'b2']) c.join(name, 'set:S2;updates:3');
    c.run(12);
    const s1 = [1, 2, 3, 7, 8, 9];
    const s2 = [4, 5, 6, 10, 11, 12];
    expect(c.got).toEqual({ a1: s1, a2: s1, b1: s2, b2: s2 });
  });

  it('2 groups, mode one, 1 and 3 updates: independent of each other', () => {
    const c = new Clients();
    for (const name of ['g1', 'g2']) c.join(name, 'group:G1;updates:1');
    for (const name of ['h1', 'h2']) c.join(name, 'group:G2;updates:3');
    c.run(12);
    expect(c.got).toEqual({
      g1: [1, 3, 5, 7, 9, 11],
      g2: [2, 4, 6, 8, 10, 12],
      h1: [1, 2, 3, 7, 8, 9],
      h2: [4, 5, 6, 10, 11, 12],
    });
  });

  it('2 sets with mode one: one client of each set in turn', () => {
    const c = new Clients();
    for (const name of ['a1', 'a2']) c.join(name, 'set:A;mode:one;updates:1');
    for (const name of ['b1', 'b2']) c.join(name, 'set:B;mode:one;updates:1');
    c.run(8);
    expect(c.got).toEqual({ a1: [1, 5], b1: [2, 6], a2: [3, 7], b2: [4, 8] });
  });

  it('one client gets everything', () => {
    expect(new Clients().join('a', 'updates:3').run(5).got).toEqual({ a: [1, 2, 3, 4, 5] });
  });

  it('3 clients, 2 updates each', () => {
    const c = new Clients().join('a', 'updates:2').join('b', 'updates:2').join('c', 'updates:2').run(8);
    expect(c.got).toEqual({ a: [1, 2, 7, 8], b: [3, 4], c: [5, 6] });
  });
});

describe('without the faults of PvaPy', () => {
  it('two groups in mode all do not disturb each other', () => {
    const c = new Clients();
    for (const group of ['G', 'H']) {
      for (const name of ['a1', 'a2']) c.join(group + name, `group:${group};set:A`);
      for (const name of ['b1', 'b2']) c.join(group + name, `group:${group};set:B`);
    }
    c.run(6);
    for (const group of ['G', 'H'])
      for (const n of ['1', '2']) {
        expect(c.got[`${group}a${n}`]).toEqual([1, 3, 5]);
        expect(c.got[`${group}b${n}`]).toEqual([2, 4, 6]);
      }
  });

  it('groups of the same name on two channels are two groups', () => {
    const one = new Clients().join('a', 'group:G').join('b', 'group:G');
    const two = new Clients().join('x', 'group:G').join('y', 'group:G');
    for (let i = 0; i < 4; i++) {
      one.run(1);
      two.run(1);
    }
    expect([one.got, two.got]).toEqual([
      { a: [1, 3], b: [2, 4] },
      { x: [1, 3], y: [2, 4] },
    ]);
  });
});

describe('the trigger', () => {
  it.each(['one', 'all'])('unchanged: nobody of the group gets the update (mode %s)', (mode) => {
    const c = new Clients().join('a', `set:A;mode:${mode}`).join('b', `set:B;mode:${mode}`);
    c.route(update(1), 1)
      .route(update(2, 1), 2)
      .route(update(3, 1), 3)
      .route(update(4), 4)
      .route(update(5), 5);
    expect(c.got).toEqual({ a: [1, 5], b: [4] });
  });

  it('is the named field, not the time', () => {
    const c = new Clients().join('a', 'trigger:uniqueId').join('b', 'trigger:uniqueId');
    c.route(update(1, 0), 1).route(update(2, 0), 2).route(update(2, 5), 3).route(update(3, 5), 4);
    expect(c.got).toEqual({ a: [1, 4], b: [2] });
  });

  it('that the structure does not have makes every update a new one', () => {
    const c = new Clients().join('a', 'trigger:nope').join('b', 'trigger:nope');
    c.route(update(1), 1).route(update(1), 2).route(update(1), 3);
    expect(c.got).toEqual({ a: [1, 3], b: [2] });
  });

  it('may be part of a structure', () => {
    const c = new Clients().join('a', 'trigger:timeStamp.nanoseconds');
    c.route(update(1, 1), 1).route(update(2, 1), 2).route(update(3, 2), 3);
    expect(c.got).toEqual({ a: [1, 3] });
  });
});

describe('who joins', () => {
  it('takes part from the next turn on', () => {
    const c = new Clients().join('a', '').run(2).join('b', '').run(4).join('c', '').run(6);
    expect(c.got).toEqual({ a: [1, 2, 3, 5, 7, 10], b: [4, 6, 8, 11], c: [9, 12] });
  });

  it('a set that exists works as its first member said', () => {
    const c = new Clients()
      .join('a', 'set:S;updates:2;mode:one')
      .join('b', 'set:S;updates:9;mode:all;trigger:nope')
      .run(8);
    expect(c.got).toEqual({ a: [1, 2, 5, 6], b: [3, 4, 7, 8] });
  });

  it('with a new set of a group comes behind the sets there are', () => {
    const c = new Clients().join('a', 'set:A;mode:one').join('b', 'set:B;mode:one').run(1);
    c.join('c', 'set:C;mode:one').run(5);
    expect(c.got).toEqual({ a: [1, 4], b: [2, 5], c: [3, 6] });
  });
});

describe('who leaves', () => {
  it('leaves the rest of a turn to the next one', () => {
    const c = new Clients().join('a', 'updates:3').join('b', 'updates:3').join('c', 'updates:3').run(4);
    // b has had one of its three.
    c.leave('b').run(8);
    expect(c.got).toEqual({ a: [1, 2, 3, 7, 8, 9], b: [4], c: [5, 6, 10, 11, 12] });
  });

  it('from before or behind whose turn it is changes nothing for that one', () => {
    const before = new Clients().join('a', '').join('b', '').join('c', '').run(2).leave('a').run(4);
    expect(before.got).toEqual({ a: [1], b: [2, 4, 6], c: [3, 5] });
    const behind = new Clients().join('a', '').join('b', '').join('c', '').run(1).leave('c').run(4);
    expect(behind.got).toEqual({ a: [1, 3, 5], b: [2, 4], c: [] });
  });

  it('as the last in the row hands over to the first', () => {
    const c = new Clients().join('a', '').join('b', '').run(1).leave('b').run(3);
    expect(c.got).toEqual({ a: [1, 2, 3, 4], b: [] });
  });

  it('as the last of a set takes the set with it; the next set has its turn', () => {
    for (const [leaving, others] of [
      ['a', { b: [2, 4, 6], c: [3, 5, 7], a: [1] }],
      ['b', { a: [1, 3, 5, 7], c: [2, 4, 6], b: [] }],
      ['c', { a: [1, 3, 5, 7], b: [2, 4, 6], c: [] }],
    ] as const) {
      const c = new Clients();
      for (const name of ['a', 'b', 'c']) c.join(name, `set:${name};mode:one`);
      c.run(1).leave(leaving).run(6);
      expect(c.got, `${leaving} leaves`).toEqual(others);
    }
  });

  it('as the last of a group takes the group with it; who comes later begins anew', () => {
    const c = new Clients().join('a', '').run(1).leave('a');
    c.route(update(1), 1);
    c.join('b', '');
    // The trigger of the group that is gone is forgotten, too.
    c.route(update(1), 2);
    expect(c.got).toEqual({ a: [1], b: [2] });
  });

  it('twice, or without having joined, is no harm', () => {
    const c = new Clients().join('a', '').join('b', '').leave('b').leave('b').run(2);
    new Distributor<string>().leave('x', parseDistributorRequest('') as DistributorRequest);
    expect(c.got).toEqual({ a: [1, 2], b: [] });
  });

  it('while updates go on: every update is given to exactly one, whatever joins and leaves happen', () => {
    const c = new Clients();
    let members: string[] = [];
    let count = 0;
    let state = 12345;
    const random = (below: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      return (state >>> 8) % below;
    };
    let made = 0;
    for (let i = 0; i < 500; i++) {
      const joins = members.length < 2 || random(3) === 0;
      if (joins) {
        const name = `m${made++}`;
        members.push(name);
        c.join(name, 'updates:2');
      } else if (random(3) === 0) {
        const name = members[random(members.length)] as string;
        members = members.filter((m) => m !== name);
        c.leave(name);
      }
      c.run(1);
      count++;
    }
    const all = Object.values(c.got)
      .flat()
      .sort((a, b) => a - b);
    expect(all).toEqual(Array.from({ length: count }, (_, i) => i + 1));
  });
});

describe('in mode all', () => {
  it('members that come or go during a turn of their set share the rest of it', () => {
    const c = new Clients().join('a1', 'set:A;updates:3').join('b1', 'set:B;updates:3').run(1);
    c.join('a2', 'set:A').run(1).leave('a1').run(1);
    expect(c.got).toEqual({ a1: [1, 2], a2: [2, 3], b1: [] });
    c.run(3);
    expect(c.got['b1']).toEqual([4, 5, 6]);
  });
});
