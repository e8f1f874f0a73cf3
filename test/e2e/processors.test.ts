/** The user's class: found wherever it lies, called as promised, its errors survived. */
import { describe, expect } from 'vitest';
import { control, expectLedger, idsFrom, status } from './support/consumer.ts';
import { Detector, pixelsOf } from './support/detector.ts';
import { consume, done, fixture, LINE, watch } from './support/processing.ts';
import { it, until } from './support/world.ts';

const THRESHOLD = `
import { UserDataProcessor, type NTNDArray } from 'epics-hpc';

export class Threshold extends UserDataProcessor {
  private limit = 0;
  configure(args: { limit: number }) { this.limit = args.limit; }
  process(frame: NTNDArray) {
    frame.pixels = (frame.pixels as Uint8Array).map((pixel) => (pixel < this.limit ? 0 : pixel));
    this.updateOutputChannel(frame);
    return frame;
  }
  getStats() { return { limit: this.limit }; }
  getStatsPvaTypes() { return { limit: 'double' }; }
}
`;

/** Counts its images; `what` shows which of several files was loaded. */
const counting = (what: string, head: string): string => `
${head} {
  n = 0;
  process() { this.n++; }
  getStats() { return { n: this.n, what: '${what}', dropped: 1 }; }
  getStatsPvaTypes() { return { n: 'uint', what: 'string' }; }
}
`;
const IMPORT = `import { UserDataProcessor } from 'epics-hpc';`;

describe.concurrent('a processor of one file in a folder of its own', () => {
  it('configures, processes, publishes and shows its figures', async ({ world }) => {
    const detector = await Detector.start(world);
    const file = world.file('threshold.ts', THRESHOLD);
    const args = `--processor-file ${file} --processor-class Threshold`;
    await consume(world, detector, `${LINE} ${args}`);
    expect((await status(world, 1)).userStats).toEqual({ limit: 0 });
    const seen = watch(
      world,
      'consumer:1:output',
      (v) => (v.get('value') as { value: Uint8Array } | null)?.value,
    );
    await until(() => expect(seen.length).toBe(1));
    await detector.publish(1);
    await until(() => expect(seen.length).toBe(2));
    expect(await control(world, 1, 'configure', '{"limit": 100.5}')).toBe('Configuration successful');
    await detector.publish(1);
    await until(() => expect(seen.length).toBe(3));
    expect(seen[1]).toEqual(pixelsOf(1));
    expect(seen[2]).toEqual(pixelsOf(2).map((pixel) => (pixel < 100.5 ? 0 : pixel)));
    expect((await done(world, 1, 2)).userStats).toEqual({ limit: 100.5 });
    const { type } = await world.context.info('consumer:1:status');
    expect(type.find('userStats.limit')?.type.kind).toBe('double');
  });

  it('may be TypeScript, JavaScript or an ES module, and need not be named when it is the only class', async ({
    world,
  }) => {
    const detector = await Detector.start(world);
    const extend = 'class Counting extends UserDataProcessor';
    const files = [
      [world.file('a.ts', counting('ts', `${IMPORT}\nexport ${extend}`)), '--processor-class Counting'],
      [world.file('b.js', counting('js', `${IMPORT}\nexport ${extend}`)), '--processor-class Counting'],
      [world.file('c.mjs', counting('mjs', `${IMPORT}\nexport ${extend}`)), ''],
      [world.file('d.ts', counting('default', `${IMPORT}\nexport default ${extend}`)), ''],
    ] as const;
    const lines = files.map(([file, name], i) => `${LINE} -id ${i + 1} -pf ${file} ${name}`);
    await Promise.all(lines.map((line) => world.start(line)));
    await detector.subscribers(4);
    await detector.publish(5);
    const all = await Promise.all([1, 2, 3, 4].map((id) => done(world, id, 5)));
    // A figure without a declared type is not on the channel.
    expect(all.map((s) => s.userStats)).toEqual(
      ['ts', 'js', 'mjs', 'default'].map((what) => ({ n: 5, what })),
    );
  });
});

describe.concurrent('what is called', () => {
  it('comes in the promised order with the promised arguments', async ({ world }) => {
    const detector = await Detector.start(world);
    const line = `${fixture('lifecycle-processor', 'Lifecycle')} --processor-args '{"x":[1],"processorId":99}'`;
    const consumer = await consume(world, detector, line);
    await detector.publish(2);
    await done(world, 1, 2);
    expect(await control(world, 1, 'configure', '{"limit":5,"nested":{"a":null}}')).toBe(
      'Configuration successful',
    );
    expect(await control(world, 1, 'configure', 'not JSON {')).toBe('Configuration successful');
    expect(await control(world, 1, 'reset_stats')).toBe('Stats reset successful');
    const s = await status(world, 1);
    expect(s.receiverStats.nReceived).toBe(0);
    expect(s.processorStats).toMatchObject({ nProcessed: 0, firstObjectId: 0, lastObjectId: 0, nMissed: 0 });
    expect(await control(world, 1, 'rest_stats')).toMatch(
      /^Ignoring request: command 'rest_stats' is not one of/,
    );
    await detector.publish(1);
    expect((await done(world, 1, 3)).processorStats).toMatchObject({ nProcessed: 1, firstObjectId: 3 });
    expect(await control(world, 1, 'stop')).toBe('Stop flag set');
    expect(await consumer.waitForExit(10_000)).toMatchObject({ code: 0 });
    const [constructed = '', ...calls] = world.lines('events-1');
    expect(JSON.parse(constructed.replace(/^constructor /, ''))).toEqual({
      x: [1],
      processorId: 1,
      inputChannel: 'pvapy:image',
      inputMode: 'pva',
      outputChannel: 'consumer:1:output',
      outputMode: 'pvas',
      objectIdField: 'uniqueId',
      skipInitialUpdates: 1,
      objectIdOffset: 1,
      nSequentialUpdates: 1,
      fieldRequest: '',
    });
    expect(calls).toEqual([
      'resetStats',
      'start {"processorId":1,"inputChannel":"pvapy:image","outputChannel":"consumer:1:output","objectIdField":"uniqueId"}',
      'process 1',
      'process 2',
      'configure {"limit":5,"nested":{"a":null}}',
      'configure "not JSON {"',
      'resetStats',
      'process 3',
      'stop',
    ]);
  });

  it('waits for an asynchronous process: in order, one at a time, nothing lost', async ({ world }) => {
    const detector = await Detector.start(world);
    const line = `${fixture('lifecycle-processor', 'Asynchronous')} --processor-args '{"ms":2}'`;
    await consume(world, detector, line);
    await detector.publish(300);
    expectLedger(await done(world, 1, 300), 300);
    const calls = world.lines('events-1').filter((call) => /^(begin|end) /.test(call));
    expect(calls).toEqual(idsFrom(1, 300).flatMap((id) => [`begin ${id}`, `end ${id}`]));
  });

  it.for([
    // So slow that it still works on the first image when it is told.
    ['the image it works on', 3000, '', ['begin 1', 'end 1', 'stop']],
    [
      'all in the receiver queue',
      700,
      '--receiver-queue-size 10',
      ['begin 1', 'end 1', 'begin 2', 'end 2', 'begin 3', 'end 3', 'stop'],
    ],
  ] as const)('when told to end it finishes %s first', async ([, ms, options, expected], { world }) => {
    const detector = await Detector.start(world);
    const line = `${fixture('lifecycle-processor', 'Asynchronous')} --processor-args '{"ms":${ms}}' ${options}`;
    const consumer = await consume(world, detector, line);
    await detector.publish(3);
    await until(() => expect(world.lines('events-1')).toContain('begin 1'));
    consumer.signal('SIGTERM');
    expect(await consumer.waitForExit(10_000)).toMatchObject({ code: 0, signal: null });
    expect(world.lines('events-1').slice(3)).toEqual(expected);
    await consumer.waitForLine(new RegExp(`'nProcessed': ${(expected.length - 1) / 2},`), 100);
  });
});

describe.concurrent('a processor that fails', () => {
  it.for([
    ['throws', 'process(frame)', 'throw'],
    ['rejects', 'async process(frame)', 'await null; throw'],
    [
      'throws what is no error',
      'process(frame)',
      'if (frame.uniqueId % 4 === 1) throw undefined; else throw',
    ],
  ])('%s: the failures are counted and the stream goes on', async ([, head, fail], { world }) => {
    const detector = await Detector.start(world);
    const file = world.file(
      'failing.ts',
      `${IMPORT}
      export class Failing extends UserDataProcessor {
        ${head} {
          if (frame.uniqueId % 2 === 1) { ${fail} new RangeError('odd ' + frame.uniqueId); }
          this.updateOutputChannel(frame);
        }
      }`,
    );
    const consumer = await consume(world, detector, `${LINE} -pf ${file} -pc Failing`);
    await detector.publish(60);
    const s = await done(world, 1, 60);
    expect(s.processorStats).toMatchObject({ nProcessed: 30, nErrors: 30, nMissed: 0 });
    expect(s.publisherStats).toMatchObject({ nPublished: 30, nErrors: 0 });
    expectLedger(s, 60);
    await consumer.waitForLine(
      /ERROR consumer\.1: processing failed \(object id 1, 1 error\(s\) so far\): (RangeError: odd 1|Error: undefined)/,
      1_000,
    );
    // At most a line a second, and no stack traces unless asked for.
    expect(consumer.lines.filter((line) => /processing failed/.test(line.text)).length).toBeLessThan(5);
    expect(consumer.lines.filter((line) => /^\s+at /.test(line.text))).toEqual([]);
  });

  it('in getStats or with figures of the wrong type goes on without them', async ({ world }) => {
    const detector = await Detector.start(world);
    const file = world.file(
      'stats.ts',
      `${IMPORT}
      export class Stats extends UserDataProcessor {
        n = 0;
        process() { this.n++; }
        getStats() {
          if (this.n === 2) throw new Error('no figures today');
          return { good: this.n, bad: 'many' };
        }
        getStatsPvaTypes() { return { good: 'int', bad: 'int' }; }
      }`,
    );
    const consumer = await consume(world, detector, `${LINE} -pf ${file} -ll warning`);
    await consumer.waitForLine(/WARNING consumer\.1: getStats: 'bad': /, 5_000);
    await detector.publish(1);
    expect((await done(world, 1, 1)).userStats).toEqual({ good: 1, bad: 0 });
    await detector.publish(1);
    expect((await done(world, 1, 2)).processorStats).toMatchObject({ nProcessed: 2, nErrors: 0 });
    await consumer.waitForLine(/ERROR consumer\.1: getStats failed: Error: no figures today/, 5_000);
  });
});
