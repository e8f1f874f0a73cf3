/** Field selection at every depth: get, monitor, put-get, and what happens at arrays of structures, unions and any. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GetRequest } from '../../src/client/requests.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { PvRequest, parsePvRequest } from '../../src/value/pv-request.ts';
import { arrayOf, type FieldNode, struct, type TypeDef, union } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { structType } from '../support/arbitrary.ts';
import { JoinedSession } from '../support/joined-session.ts';
import { settled } from '../support/memory-transport.ts';

const ELEMENT = struct('', { size: 'int', tags: 'string[]' });
const DEEP = struct('deep', {
  top: 'int',
  a: struct('', { x: 'int', b: struct('', { y: 'int', c: struct('', { z: 'int', w: 'string' }) }) }),
  list: arrayOf(ELEMENT),
  choice: union('', { n: 'int', s: ELEMENT }),
  choices: arrayOf(union('', { n: 'int', s: ELEMENT })),
  anything: 'any',
});

const leaves = (type: TypeDef): FieldNode[] => type.nodes.filter((n) => !n.isStruct);
const came = (value: Value): string[] =>
  leaves(value.type)
    .filter((n) => value.isMarked(n.path))
    .map((n) => n.path);

describe('a get of', () => {
  it.each([
    ['top', ['top']],
    ['a', ['a.x', 'a.b.y', 'a.b.c.z', 'a.b.c.w']],
    ['a.b.c.z', ['a.b.c.z']],
    ['a{x,b{c{w}}}', ['a.x', 'a.b.c.w']],
    ['a.b.c,top,a.x', ['top', 'a.x', 'a.b.c.z', 'a.b.c.w']],
    // What is inside of these cannot be addressed: they come whole (PVXS).
    ['list', ['list']],
    ['list.size', ['list']],
    ['choice.s.size', ['choice']],
    ['choices.n,anything.whatever', ['choices', 'anything']],
    ['a.b.nope,top', ['top']],
    ['', leaves(DEEP).map((n) => n.path)],
  ])('%s', async (fields, expected) => {
    const value = Value.create(DEEP, { 'a.b.c.z': 5, list: [{ size: 3 }, null], 'choice->n': 4 });
    const s = new JoinedSession({ p: SharedPV.readonly(value) });
    const got = await s.run(new GetRequest(s.channel('p'), { timeout: 0, pvRequest: `field(${fields})` }));
    expect(came(got)).toEqual(expected);
    if (expected.includes('list')) expect(got.toJS()).toMatchObject({ list: [{ size: 3 }, null] });
  });
});

describe('any selection of any type', () => {
  /** A type, names of some of its fields, and for each of some updates the fields it changes. */
  const cases = structType
    .filter((type) => type.nodes.length > 1 && type.members.every((m) => m.name !== '_'))
    .chain((type) => {
      const node = fc.constantFrom(...type.nodes.slice(1));
      return fc.record({
        type: fc.constant(type),
        asked: fc.array(node, { minLength: 1, maxLength: 5 }),
        updates: fc.array(fc.array(fc.constantFrom(...type.nodes), { maxLength: 4 }), { maxLength: 4 }),
      });
    });
  const isIn = (leaf: FieldNode, nodes: readonly FieldNode[]): boolean =>
    nodes.some((n) => leaf.index >= n.index && leaf.index < n.end);

  it('is the leaves below the names', () => {
    fc.assert(
      fc.property(cases, ({ type, asked }) => {
        const request = new PvRequest(parsePvRequest(`field(${asked.map((n) => n.path).join(',')})`));
        fc.pre(asked.every((n) => !/_options|_$/.test(n.path)));
        const { mask, unknown } = request.select(type);
        // `a,a.b` is written as `a{b}`, which asks for a.b only.
        const narrowed = asked.filter(
          (n) => !asked.some((m) => m.path.startsWith(`${n.path}.`) && n.path !== m.path),
        );
        const expected = leaves(type).filter((leaf) => isIn(leaf, narrowed));
        expect(unknown).toEqual([]);
        expect(leaves(type).filter((leaf) => mask?.get(leaf.index))).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('is what a monitor brings of every update, and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ type, asked, updates }) => {
        fc.pre(asked.every((n) => !/_options|_$/.test(n.path)));
        const pvRequest = `field(${asked.map((n) => n.path).join(',')})`;
        const { mask } = new PvRequest(parsePvRequest(pvRequest)).select(type);
        const wanted = (nodes: readonly FieldNode[]): string[] =>
          leaves(type)
            .filter((leaf) => mask?.get(leaf.index) && isIn(leaf, nodes))
            .map((n) => n.path);
        const pv = new SharedPV();
        pv.open(Value.create(type));
        const s = new JoinedSession({ p: pv });
        const seen: string[][] = [];
        const update = (value: Value): void => void seen.push(came(value));
        const subscription = s.monitor('p', { update }, { pvRequest });
        await settled();
        const expected = [wanted(type.nodes.slice(0, 1))];
        for (const nodes of updates) {
          const value = Value.create(type);
          for (const n of nodes) value.mark(n.path);
          pv.post(value);
          await settled();
          const fields = wanted(nodes);
          // An update that changes nothing of it is none.
          if (fields.length > 0) expected.push(fields);
        }
        subscription.close();
        expect(seen.filter((fields) => fields.length > 0)).toEqual(
          expected.filter((fields) => fields.length > 0),
        );
      }),
      { numRuns: 100 },
    );
  });
});
