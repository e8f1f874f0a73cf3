/** `hpc-pipeline`: a chain is started, supervised, ended in order, accounted for, and leaves nothing behind. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { control, statusWhen } from './support/consumer.ts';
import {
  BROKEN,
  chain,
  FIFTY_IMAGES,
  FIXTURES,
  flowing,
  ledgerOf,
  outputOf,
  PATIENCE_MS,
  runFile,
  stagePid,
} from './support/pipeline.ts';
import { descendants, gone } from './support/processes.ts';
import { it, type World } from './support/world.ts';

describe('a chain that is ended by a signal', () => {
  it.for(['SIGINT', 'SIGTERM'] as const)(
    '%s: in flow order, with nothing lost',
    async (signal, { world }) => {
      const child = await runFile(world, chain());
      await flowing(child, 'last');
      const pids = descendants(child.pid);
      child.signal(signal);
      expect(await child.waitForExit(PATIENCE_MS)).toMatchObject({ code: 0 });
      const output = outputOf(child);
      const { stages, verdict, lost } = ledgerOf(output);
      const published = stages['det']?.['published'] ?? 0;
      expect({ verdict, lost }).toEqual({ verdict: 'balanced', lost: 0 });
      expect(published).toBeGreaterThan(0);
      for (const name of ['middle', 'last'])
        expect(stages[name]).toMatchObject({
          received: published,
          processed: published,
          missed: 0,
          published,
        });
      const ended = ['det', 'middle', 'last'].map((name) =>
        output.search(new RegExp(`^${name} +\\| .*(Published frames|'processorStats')`, 'm')),
      );
      expect(ended).toEqual(ended.toSorted((a, b) => a - b));
      expect(ended[0]).toBeGreaterThan(0);
      await gone(pids);
    },
  );

  it('ends at once on the second signal, and leaves no process behind', async ({ world }) => {
    const stuck = `processor-file: '${FIXTURES}/stuck-processor.ts', processor-class: Stuck`;
    const child = await runFile(world, chain(stuck));
    await flowing(child, 'last');
    const pids = descendants(child.pid);
    expect(pids.length).toBeGreaterThanOrEqual(3);
    child.signal('SIGINT');
    await child.waitForLine(/ending in order; once more ends at once/, PATIENCE_MS);
    child.signal('SIGINT');
    expect(await child.waitForExit(5000)).toMatchObject({ code: 130 });
    await gone(pids);
  });

  it('kills a stage that does not end in time, and says so by its exit code', async ({ world }) => {
    const stuck = `processor-file: '${FIXTURES}/stuck-processor.ts', processor-class: Stuck`;
    const child = await runFile(world, chain(stuck).replace('stop-timeout: 10', 'stop-timeout: 1.5'));
    await flowing(child, 'last');
    const pids = descendants(child.pid);
    child.signal('SIGTERM');
    expect(await child.waitForExit(PATIENCE_MS)).toMatchObject({ code: 137 });
    expect(outputOf(child)).toContain('stage middle did not end within 1.5 s (stop-timeout) and is killed');
    await gone(pids);
  });

  it('ends before it has begun', async ({ world }) => {
    const child = await runFile(world, chain());
    await child.waitForLine(/pipeline \| chain: det, middle, last/, PATIENCE_MS);
    child.signal('SIGINT');
    expect(await child.waitForExit(PATIENCE_MS)).toMatchObject({ code: 0 });
    expect(ledgerOf(outputOf(child))).toMatchObject({ verdict: 'balanced', lost: 0 });
  });
});

describe('a chain whose stages are told to reset their statistics', () => {
  const CHAIN = `name: reset
network: environment
stages:
  - name: det
    command: ad-sim-server
    options: { channel-name: det:image, n-x-pixels: 16, n-y-pixels: 16, frame-rate: 100, runtime: 1000, n-frames: 10 }
  - name: mirror
    command: mirror-server
    options: { channel-map: '(mirror:image,det:image,pva,1000)', control-channel: 'mirror:1:control' }
  - name: workers
    command: hpc-consumer
    input: mirror
    options:
      n-consumers: 2
      output-channel: 'worker:*:out'
      control-channel: 'consumer:*:control'
      status-channel: 'consumer:*:status'
      distributor-updates: 1
      server-queue-size: 1000
      receiver-queue-size: 1000
      processor-class: UserDataProcessor
  - name: collector
    command: hpc-collector
    input: workers
    options: { output-channel: 'collector:out', control-channel: 'collector:1:control', collector-cache-size: 1000, server-queue-size: 1000, processor-class: UserDataProcessor }
  - name: last
    command: hpc-consumer
    input: collector
    options: { control-channel: 'last:1:control', server-queue-size: 1000, processor-class: UserDataProcessor }
`;

  it('accounts for every object from its start to its end', async ({ world }) => {
    const child = await runFile(world, CHAIN, '--fail-on-loss');
    await flowing(child, 'last');
    for (const stage of ['mirror:1', 'consumer:1', 'collector:1', 'last:1'])
      expect(await control(world, stage, 'reset_stats')).toBe('Stats reset successful');
    await statusWhen(world, 1, 'flowing again', (s) => s.processorStats.nProcessed > 0);
    child.signal('SIGINT');
    const { code } = await child.waitForExit(PATIENCE_MS);
    const output = outputOf(child);
    expect(code, output).toBe(0);
    const { stages, verdict, lost } = ledgerOf(output);
    expect({ verdict, lost }).toEqual({ verdict: 'balanced', lost: 0 });
    const published = stages['det']?.['published'] ?? 0;
    expect(published).toBeGreaterThan(0);
    for (const name of ['mirror', 'workers', 'collector', 'last'])
      expect(stages[name]).toMatchObject({ received: published, processed: published, missed: 0 });
  });
});

describe('a chain whose parent is killed', () => {
  it('leaves no process behind', async ({ world }) => {
    const child = await runFile(
      world,
      chain('n-consumers: 2, processor-class: UserDataProcessor')
        .replace('middle:out', 'middle:*:out')
        .replace('hpc-consumer\n    input: middle', 'hpc-collector\n    input: middle'),
    );
    await flowing(child, 'last');
    const pids = descendants(child.pid);
    // Three stages, and two consumers of one of them.
    expect(pids.length).toBeGreaterThanOrEqual(5);
    process.kill(child.pid, 'SIGKILL');
    await gone(pids);
  });
});

describe('a stage that dies', () => {
  it('ends the chain in order, with its exit code and its last lines', async ({ world }) => {
    const child = await runFile(world, chain());
    await flowing(child, 'last');
    process.kill(await stagePid(child, 'middle'), 'SIGKILL');
    expect(await child.waitForExit(PATIENCE_MS)).toMatchObject({ code: 137 });
    const output = outputOf(child);
    expect(output).toMatch(/stage middle \(process \d+\) was killed by SIGKILL/);
    expect(output).toContain('the chain ends: middle was killed by SIGKILL');
    expect(ledgerOf(output)).toMatchObject({ verdict: 'incomplete' });
  });

  it('before it is ready ends the chain with the line that says why', async ({ world }) => {
    const child = await runFile(world, chain(BROKEN));
    expect(await child.waitForExit(PATIENCE_MS)).toMatchObject({ code: 1 });
    expect(outputOf(child)).toMatch(
      /its last lines: hpc-consumer: error: .*the beam is off.*\(HPC_PROCESSOR\)/,
    );
  });

  it('is started again when the file says so, and the chain goes on', async ({ world }) => {
    const child = await runFile(world, chain('', 'restart: on-failure'), '--fail-on-loss --quiet');
    await flowing(child, 'last');
    const since = child.lineCount;
    process.kill(await stagePid(child, 'middle'), 'SIGKILL');
    await child.waitForLine(/stage middle: restart 1 of 3 in 0.5 s/, PATIENCE_MS, since);
    await stagePid(child, 'middle', since);
    await child.waitForLine(/middle: running \(1 restarts\) [1-9]\d*\/s/, PATIENCE_MS, since);
    child.signal('SIGINT');
    // What it held when it died is lost or not: nobody knows.
    expect(await child.waitForExit(PATIENCE_MS)).toMatchObject({ code: 3 });
    const output = outputOf(child);
    expect(ledgerOf(output)).toMatchObject({ verdict: 'incomplete' });
    expect(output).toContain('middle died 1 time(s): what it held is not known');
  });

  it('is given up after its restarts', async ({ world }) => {
    const child = await runFile(world, chain(BROKEN, 'restart: on-failure\n    max-restarts: 1'));
    expect(await child.waitForExit(PATIENCE_MS)).toMatchObject({ code: 1 });
    expect(outputOf(child).match(/stage middle \(process \d+\) ended with exit code 1/g)).toHaveLength(2);
  });

  it('may be one the others do without', async ({ world }) => {
    const text = chain().replace('    input: middle\n', '    input: middle\n    essential: false\n');
    const child = await runFile(world, text, '--quiet');
    await flowing(child, 'last');
    process.kill(await stagePid(child, 'last'), 'SIGKILL');
    await child.waitForLine(/stage last \(process \d+\) was killed/, PATIENCE_MS);
    await child.waitForLine(/last: failed/, PATIENCE_MS);
    child.signal('SIGINT');
    expect(await child.waitForExit(PATIENCE_MS)).toMatchObject({ code: 0 });
  });
});

describe('the order in which a chain starts', () => {
  /** A processor whose `start()` takes so long; for ever if Infinity. */
  const slow = (world: World, ms: number): string => {
    const wait = Number.isFinite(ms) ? `setTimeout(resolve, ${ms})` : 'setInterval(() => {}, 1000)';
    const file = world.file(
      'slow.ts',
      `import { UserDataProcessor } from 'epics-hpc';
export class Slow extends UserDataProcessor {
  start(): Promise<void> {
    return new Promise((resolve) => void ${wait});
  }
}`,
    );
    return `processor-file: '${file}', processor-class: Slow`;
  };
  const SHORT = 'frame-rate: 100, runtime: 1, ';
  const short = (text: string): string => text.replace('frame-rate: 100, runtime: 1000, ', SHORT);
  const started = (output: string): string[] =>
    Array.from(output.matchAll(/stage (\w+) runs as process/g), ([, name = '']) => name);

  it('is against the flow: who receives before who sends', async ({ world }) => {
    const child = await runFile(world, short(chain(slow(world, 2000))));
    expect(await child.waitForExit(PATIENCE_MS)).toMatchObject({ code: 0 });
    expect(started(outputOf(child))).toEqual(['last', 'middle', 'det']);
  });

  it('waits for the stages that `after` names, until they have started', async ({ world }) => {
    const text = short(chain(slow(world, 2000))).replace('input: middle', 'input: middle\n    after: middle');
    const child = await runFile(world, text);
    expect(await child.waitForExit(PATIENCE_MS)).toMatchObject({ code: 0 });
    const output = outputOf(child);
    expect(started(output)).toEqual(['middle', 'last', 'det']);
    expect(ledgerOf(output)).toMatchObject({
      verdict: 'balanced',
      lost: 0,
      stages: { last: { processed: 100 } },
    });
  });

  it('ends where a stage that `after` names fails', async ({ world }) => {
    const text = short(chain(BROKEN)).replace('input: middle', 'input: middle\n    after: middle');
    const child = await runFile(world, text);
    expect(await child.waitForExit(PATIENCE_MS)).toMatchObject({ code: 1 });
    expect(started(outputOf(child))).toEqual([]);
  });

  it('says which stage did not start in time, when others wait for it', async ({ world }) => {
    const text = short(chain(slow(world, Number.POSITIVE_INFINITY)))
      .replace('input: middle', 'input: middle\n    after: middle')
      .replace('stop-timeout: 10', 'stop-timeout: 3\nready-timeout: 3');
    const child = await runFile(world, text);
    expect(await child.waitForExit(PATIENCE_MS)).not.toMatchObject({ code: 0 });
    const output = outputOf(child);
    expect(output).toContain('stage middle was not ready within 3 s (ready-timeout): it is still starting');
    expect(started(output)).toEqual([]);
  });

  it('goes on without a stage that is not essential and never starts', async ({ world }) => {
    const text = `${short(chain()).replace('input: middle', 'input: middle\n    after: other')}
  - name: other
    command: hpc-consumer
    essential: false
    input: det
    options: { ${slow(world, Number.POSITIVE_INFINITY)} }
`.replace('stop-timeout: 10', 'stop-timeout: 3\nready-timeout: 15');
    const child = await runFile(world, text);
    await child.waitForExit(PATIENCE_MS);
    const output = outputOf(child);
    expect(output.match(/stage other was not ready within 15 s/g)).toHaveLength(1);
    expect(output).toContain('all stages are ready');
    expect(ledgerOf(output).stages['last']).toMatchObject({ processed: 100 });
  });

  it('takes a stage for ready that is to have started only (`ready: started`)', async ({ world }) => {
    const text = (ready: string, timeout: number): string => `name: early
network: environment
ready-timeout: ${timeout}
stages:
${FIFTY_IMAGES}
  - { name: reader, command: hpc-consumer, input: det, options: { server-queue-size: 100 } }
  - { name: later, command: hpc-consumer, ready: ${ready}, options: { input-channel: comes:later } }
`;
    const early = await runFile(world, text('started', 30));
    await early.waitForLine(/det: finished .* reader: running .* processed=50 /, PATIENCE_MS);
    // A stage whose objects come from outside has no end of its own.
    early.signal('SIGINT');
    expect(await early.waitForExit(PATIENCE_MS)).toMatchObject({ code: 0 });
    expect(outputOf(early)).not.toContain('was not ready');
    expect(ledgerOf(outputOf(early))).toMatchObject({
      stages: { reader: { processed: 50 }, later: { received: 0 } },
    });
    // Time enough for the reader: who is late is named.
    const late = await runFile(world, text('connected', 12));
    expect(await late.waitForExit(PATIENCE_MS)).toMatchObject({ code: 1 });
    expect(outputOf(late)).toContain('stage later was not ready within 12 s (ready-timeout): ');
  });
});

describe('stages of other kinds', () => {
  it('a mirror server between simulator and consumers that share the stream', async ({ world }) => {
    const child = await runFile(
      world,
      `name: mirrored
runtime: 3
stages:
  - name: det
    command: ad-sim-server
    options: { n-x-pixels: 32, n-y-pixels: 32, frame-rate: 100, runtime: 1000, n-frames: 10 }
  - name: mirror
    command: mirror-server
    options: { channel-map: '(mirror:image,pvapy:image,pva,1000)' }
  - name: readers
    command: hpc-consumer
    options: { input-channel: mirror:image, n-consumers: 2, distributor-updates: 1, server-queue-size: 1000, processor-class: UserDataProcessor }
`,
      '--fail-on-loss',
    );
    expect(await child.waitForExit(PATIENCE_MS)).toMatchObject({ code: 0 });
    const { stages, verdict, lost } = ledgerOf(outputOf(child));
    expect({ verdict, lost }).toEqual({ verdict: 'balanced', lost: 0 });
    const published = stages['det']?.['published'] ?? 0;
    expect(published).toBeGreaterThan(0);
    expect(stages).toMatchObject({
      mirror: { received: published, published },
      readers: { received: published },
    });
  });

  it('a writer whose files fail after it has taken the images: they are errors of the chain', async ({
    world,
  }) => {
    const folder = join(world.folder, 'frames');
    mkdirSync(join(folder, 'taken.tiff'), { recursive: true });
    const args = `{ outputDirectory: '${folder}', outputFileNameFormat: taken.tiff, maxWritesInFlight: 2 }`;
    const child = await runFile(
      world,
      `name: writing
stages:
  - name: det
    command: ad-sim-server
    options: { n-x-pixels: 32, n-y-pixels: 32, frame-rate: 100, runtime: 1, n-frames: 10 }
  - name: writer
    command: hpc-consumer
    input: det
    options: { server-queue-size: 1000, processor-class: OutputFileProcessor, processor-args: ${args} }
`,
      '--fail-on-loss',
    );
    expect(await child.waitForExit(PATIENCE_MS)).toMatchObject({ code: 3 });
    const { stages, verdict, lost } = ledgerOf(outputOf(child));
    const published = stages['det']?.['published'] ?? 0;
    expect(published).toBe(100);
    expect({ verdict, lost }).toEqual({ verdict: 'balanced', lost: published });
    expect(stages['writer']).toMatchObject({ received: published, processed: 0, errors: published });
  });

  it('a consumer that puts its objects into the next one', async ({ world }) => {
    const child = await runFile(
      world,
      `name: put
stages:
  - name: det
    command: ad-sim-server
    options: { n-x-pixels: 32, n-y-pixels: 32, frame-rate: 100, runtime: 2, n-frames: 10 }
  - name: putting
    command: hpc-consumer
    input: det
    options: { output-channel: 'served:in', output-mode: pva, server-queue-size: 1000, processor-class: UserDataProcessor }
  - name: served
    command: hpc-consumer
    input: putting
    options: { input-mode: pvas, processor-file: '${FIXTURES}/served-processors.ts', processor-class: Served }
`,
      '--fail-on-loss',
    );
    expect(await child.waitForExit(PATIENCE_MS)).toMatchObject({ code: 0 });
    const { stages, verdict, lost } = ledgerOf(outputOf(child));
    expect({ verdict, lost }).toEqual({ verdict: 'balanced', lost: 0 });
    const published = stages['det']?.['published'] ?? 0;
    expect(published).toBeGreaterThan(0);
    expect(stages['served']).toMatchObject({ received: published, processed: published });
    expect(world.lines('ids-1')).toHaveLength(published);
  });
});
