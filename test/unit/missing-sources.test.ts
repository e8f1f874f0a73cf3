/** When a mirror without a source is told of: once, and once more when its source has been there meanwhile. */
import { expect, it } from 'vitest';
import { createLogging } from '../../src/log.ts';
import { MissingSources } from '../../src/mirror/missing-sources.ts';

/** Mirrors `m1`, `m2`, ... of `s1`, `s2`, ..., without a source at first, and the mirrors named in each line logged. */
function make(n: number) {
  const lines: string[] = [];
  const { logger } = createLogging({ name: 'test', output: { write: (text) => lines.push(text) } });
  const mirrors = Array.from({ length: n }, (_, i) => ({
    spec: { mirror: `m${i + 1}`, source: `s${i + 1}`, queueSize: 1, nMonitors: 1, request: '' },
    connected: false,
  }));
  const missing = new MissingSources(mirrors, logger);
  /** Looks once a second. */
  const watch = (from: number, to: number): void => {
    for (let s = from; s <= to; s++) missing.check(s * 1000);
  };
  const named = () => lines.map((line) => /still searching: (.*?);/.exec(line)?.[1]);
  /** The source of a mirror comes, or goes. */
  const change = (mirror: string, connected: boolean): void => {
    for (const each of mirrors)
      if (each.spec.mirror === mirror) {
        each.connected = connected;
        missing.seen(each);
      }
  };
  return { watch, change, named };
}

it('sources that are not there for 10 s are named, in one line and once', () => {
  const { watch, named } = make(2);
  watch(0, 9);
  expect(named()).toEqual([]);
  watch(10, 60);
  expect(named()).toEqual(['m1 from s1, m2 from s2']);
});

it('one that is there is not missed, and is 10 s after it went', () => {
  const { watch, change, named } = make(1);
  change('m1', true);
  watch(0, 60);
  change('m1', false);
  watch(61, 70);
  expect(named()).toEqual([]);
  watch(71, 100);
  expect(named()).toEqual(['m1 from s1']);
});

it('one that came and went between two looks is missed anew', () => {
  const { watch, change, named } = make(2);
  watch(0, 20);
  change('m2', true);
  change('m2', false);
  watch(21, 30);
  expect(named()).toEqual(['m1 from s1, m2 from s2']);
  watch(31, 60);
  expect(named()).toEqual(['m1 from s1, m2 from s2', 'm2 from s2']);
});

it('one that comes and goes all the time is not missed', () => {
  const { watch, change, named } = make(1);
  for (let s = 0; s < 60; s += 8) {
    change('m1', true);
    change('m1', false);
    watch(s, s + 7);
  }
  expect(named()).toEqual([]);
});
