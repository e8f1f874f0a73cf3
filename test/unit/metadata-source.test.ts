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
    for (const u of this.arrived) {
      if (this.gone.has(u)) continue;
      if (u.time - time > this.rule.tolerance) return undefined;
      this.gone.add(u);
      if (time - u.time <= this.rule.tolerance) return u.value;
    }
    return undefined;
  }

  private interpolated(time: number): number | undefined {
    const { interpolation, tolerance } = this.rule;
    this.newest = Math.max(this.newest, time);
    let latest = Number.NEGATIVE_INFINITY;
    const ordered = this.arrived.filter((u) => {
      const goesOn = u.time > latest;
      latest = Math.max(latest, u.time);
      return goesOn;
    });
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

/** Times go on in steps that are seldom backwards, for updates of a channel and for images; some images are very late. */
const events = fc
  .array(
    fc.record({
      isImage: fc.boolean(),
      step: fc.integer({ min: -2, max: 12 }),
      late: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 150 })),
      value: fc.integer(),
    }),
    { maxLength: 120 },
  )
  .map((list) => {
    const now = { image: 100, update: 100 };
    return list.map(({ isImage, step, late, value }): Event => {
      now[isImage ? 'image' : 'update'] += step;
      return isImage ? { image: now.image - late } : { update: { time: now.update, value } };
    });
  });

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
      fc.property(events, rules, (sequence, rule) => {
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
      fc.property(events, rules, (sequence, rule) => {
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
          const { held } = source as unknown as { held: { value: unknown; used: boolean }[] };
          expect(held.length).toBeLessThanOrEqual(KEPT);
          if (rule.interpolation === 'linear') continue;
          const idle = held.filter(({ value }) => !used.has(value)).length;
          expect(arrived).toBe(queue.length + source.discarded + used.size + idle);
        }
      }),
      { numRuns: 500 },
    );
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
