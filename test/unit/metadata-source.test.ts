/**
 * Which value of a metadata channel belongs to an image: for any sequence of updates and images the same as a simple
 * model says, every update accounted for, memory bounded.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AssociationRule,
  INTERPOLATIONS,
  MetadataSource,
  type Sample,
} from '../../processors/metadata-source.ts';

/** Updates kept that are older than the newest image, and one that is newer. */
const KEPT = 17;

interface Update {
  readonly time: number;
  readonly value: number;
}
type Event = { readonly update: Update } | { readonly image: number };

/** The rules of docs/reference/processors.md, over lists of everything that ever came. */
class Model {
  private readonly arrived: Update[] = [];
  private newest = Number.NEGATIVE_INFINITY;
  private readonly gone = new Set<Update>();
  private readonly rule: AssociationRule;

  constructor(rule: AssociationRule) {
    this.rule = rule;
  }

  update({ time, value }: Update): void {
    this.arrived.push({ time: time + this.rule.offset, value });
  }

  image(time: number): number | undefined {
    return this.rule.interpolation === 'none' ? this.once(time) : this.interpolated(time);
  }

  private once(time: number): number | undefined {
    for (;;) {
      const waiting = this.arrived.filter((u) => !this.gone.has(u));
      const [first] = waiting;
      if (!first) return undefined;
      if (first.time - time > this.rule.tolerance) {
        const setBack = waiting.findIndex((u) => u.time < first.time);
        const valid = setBack < 0 ? inOrder(waiting) : waiting.slice(setBack);
        for (const u of waiting) if (!valid.includes(u)) this.gone.add(u);
        if (setBack < 0) return undefined;
        continue;
      }
      this.gone.add(first);
      if (time - first.time <= this.rule.tolerance) return first.value;
    }
  }

  private interpolated(time: number): number | undefined {
    const { interpolation, tolerance } = this.rule;
    this.newest = Math.max(this.newest, time);
    const ordered = inOrder(this.arrived).filter((u, i, all) => u.time !== all[i - 1]?.time);
    const ahead = ordered.findIndex((u) => u.time > this.newest);
    const known = ordered.slice(0, ahead < 0 ? undefined : ahead + 1).slice(-KEPT);
    const older = known.filter((u) => u.time <= time).at(-1);
    const newer = known.find((u) => u.time > time);
    const near = (u: Update | undefined): u is Update => !!u && Math.abs(u.time - time) <= tolerance;
    if (interpolation === 'previous') return near(older) ? older.value : undefined;
    if (interpolation === 'nearest') {
      const all = [...known].sort(
        (a, b) => Math.abs(a.time - time) - Math.abs(b.time - time) || a.time - b.time,
      );
      return near(all[0]) ? all[0].value : undefined;
    }
    if (older?.time === time) return older.value;
    if (!near(older) || !near(newer)) return undefined;
    return older.value + ((newer.value - older.value) * (time - older.time)) / (newer.time - older.time);
  }
}

/** Those that no later one comes before: of two updates the one that came later is right. */
function inOrder(updates: readonly Update[]): Update[] {
  return updates.filter((u, i) => updates.slice(i + 1).every((later) => later.time >= u.time));
}

/** Times of images go on in steps that are seldom backwards, those of a channel as `step` says; some images are very late. */
const eventsOf = (step: fc.Arbitrary<number>, maxLength: number) =>
  fc
    .array(
      fc.record({
        isImage: fc.boolean(),
        step: fc.integer({ min: -2, max: 12 }),
        updateStep: step,
        late: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 150 })),
        value: fc.integer(),
      }),
      { maxLength },
    )
    .map((list) => {
      const now = { image: 100, update: 100 };
      return list.map(({ isImage, step, updateStep, late, value }): Event => {
        if (isImage) {
          now.image += step;
          return { image: now.image - late };
        }
        now.update += updateStep;
        return { update: { time: now.update, value } };
      });
    });

const events = eventsOf(fc.integer({ min: 0, max: 12 }), 120);
/** Clocks are set, and go back; fewer updates than are kept. */
const clocksSet = eventsOf(
  fc.oneof(fc.integer({ min: -2, max: 12 }), fc.integer({ min: -60, max: 60 })),
  KEPT - 1,
);

const rules = fc.record({
  interpolation: fc.constantFrom(...INTERPOLATIONS),
  tolerance: fc.integer({ min: 0, max: 40 }),
  offset: fc.integer({ min: -10, max: 10 }),
});

function sourceOf(queue: Sample[]): MetadataSource {
  return new MetadataSource('x', () => queue.shift());
}

describe('the value for an image', () => {
  it('is the one the model says, whatever came before', () => {
    fc.assert(
      fc.property(fc.oneof(events, clocksSet), rules, (sequence, rule) => {
        const queue: Sample[] = [];
        const source = sourceOf(queue);
        const model = new Model(rule);
        for (const event of sequence) {
          if ('update' in event) {
            const { time, value } = event.update;
            queue.push({ time: BigInt(time), value });
            model.update(event.update);
            continue;
          }
          const found = source.at(BigInt(event.image), rule);
          const expected = model.image(event.image);
          if (expected === undefined || found === undefined) expect(found).toBe(expected);
          else expect(found).toBeCloseTo(expected, 3);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('is taken of updates that are all accounted for, a bounded number of them held', () => {
    fc.assert(
      fc.property(fc.oneof(events, clocksSet), rules, (sequence, rule) => {
        const queue: Sample[] = [];
        const source = sourceOf(queue);
        const used = new Set<unknown>();
        let arrived = 0;
        for (const event of sequence) {
          if ('update' in event) {
            queue.push({ time: BigInt(event.update.time), value: arrived++ });
            continue;
          }
          const found = source.at(BigInt(event.image), rule);
          if (found !== undefined && rule.interpolation !== 'linear') used.add(found);
          const { held, ahead } = source as unknown as Record<'held' | 'ahead', { value: unknown }[]>;
          expect(held.length).toBeLessThanOrEqual(KEPT);
          if (rule.interpolation === 'linear') continue;
          const idle = [...held, ...ahead].filter(({ value }) => !used.has(value)).length;
          expect(arrived).toBe(queue.length + source.discarded + used.size + idle);
        }
      }),
      { numRuns: 500 },
    );
  });

  it.for(INTERPOLATIONS)(
    'is found again as soon as a clock that was ahead is set back: %s',
    (interpolation) => {
      const rule = { interpolation, tolerance: 10, offset: 0 };
      const queue: Sample[] = [];
      const dropped: number[] = [];
      const source = new MetadataSource(
        'x',
        () => queue.shift(),
        (count) => dropped.push(count),
      );
      queue.push({ time: 100n, value: 1 });
      expect(source.at(100n, rule)).toBe(1);
      queue.push({ time: 1_000_000n, value: 2 }, { time: 1_000_010n, value: 3 });
      expect(source.at(120n, rule)).toBeUndefined();
      queue.push({ time: 140n, value: 4 }, { time: 150n, value: 5 });
      expect(source.at(140n, rule)).toBe(4);
      expect(dropped).toEqual([2]);
      expect(source.discarded).toBe(2);
      expect(source.at(150n, rule)).toBe(5);
    },
  );

  it('is looked for in a bounded number of updates, of which none is lost', () => {
    const rule = { interpolation: 'none', tolerance: 0, offset: 0 } as const;
    const queue = Array.from({ length: 3000 }, (_, i) => ({ time: BigInt(1000 + i), value: i }));
    const source = sourceOf(queue);
    expect(source.at(0n, rule)).toBeUndefined();
    expect(source.at(1n, rule)).toBeUndefined();
    // One is held.
    expect(queue.length).toBe(3000 - 1001);
    for (let i = 0; i < 3000; i++) expect(source.at(BigInt(1000 + i), rule)).toBe(i);
    expect(source.discarded).toBe(0);
  });

  it('is still known for images that are late by 16 updates, and no more', () => {
    const rule = { interpolation: 'previous', tolerance: 0, offset: 0 } as const;
    const source = sourceOf(Array.from({ length: 30 }, (_, i) => ({ time: BigInt(i), value: i })));
    // The next one is looked at already.
    expect(source.at(28n, rule)).toBe(28);
    expect(source.at(13n, rule)).toBe(13);
    expect(source.at(12n, rule)).toBeUndefined();
    expect(source.discarded).toBe(13);
  });

  it('may be of any type where it is taken as it is, and is a number where it is calculated', () => {
    const rule = { interpolation: 'linear', tolerance: 100, offset: 0 } as const;
    const source = sourceOf([
      { time: 10n, value: 'closed' },
      { time: 20n, value: 4n },
      { time: 30n, value: 6 },
    ]);
    expect(source.at(10n, rule)).toBe('closed');
    expect(source.at(15n, rule)).toBeUndefined();
    expect(source.at(20n, rule)).toBe(4n);
    expect(source.at(25n, rule)).toBe(5);
    expect(source.at(26n, { ...rule, interpolation: 'previous' })).toBe(4n);
  });
});
