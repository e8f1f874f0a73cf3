/** The ledger of `hpc-pipeline` when something happens on the way: a stage that is paused, a consumer that is killed. */
import { describe, expect } from 'vitest';
import { control, statusWhen } from './support/consumer.ts';
import { Detector } from './support/detector.ts';
import {
  FIFTY_IMAGES,
  flowing,
  ledgerOf,
  outputOf,
  PATIENCE_MS,
  runFile,
  stagePid,
} from './support/pipeline.ts';
import { descendants } from './support/processes.ts';
import { it } from './support/world.ts';

const QUEUED = 'server-queue-size: 1000, processor-class: UserDataProcessor';

describe.concurrent('the ledger of a chain', () => {
  it('has what a stage misses while it is paused; what its channel holds when it goes on counts once', async ({
    world,
  }) => {
    const detector = await Detector.start(world);
    const child = await runFile(
      world,
      `name: paused
network: environment
ready-timeout: 30
stages:
  - name: first
    command: hpc-consumer
    options: { input-channel: pvapy:image, output-channel: first:out, ${QUEUED} }
  - name: second
    command: hpc-consumer
    input: first
    options: { control-channel: consumer:second:control, status-channel: consumer:second:status, ${QUEUED} }
`,
    );
    await child.waitForLine(/all stages are ready/, PATIENCE_MS);
    const publish = async (count: number, last = detector.published + count): Promise<void> => {
      await detector.publish(count, 200);
      await statusWhen(world, 'second', `at ${last}`, (s) => s.processorStats.lastObjectId === last);
    };
    // The stream goes on with what the channel holds.
    const resume = async (nReceived: number): Promise<void> => {
      await control(world, 'second', 'resume');
      await statusWhen(world, 'second', 'resumed', (s) => s.receiverStats.nReceived === nReceived);
    };
    await publish(20);
    await control(world, 'second', 'pause');
    await resume(1 + 20 + 1);
    await publish(20);
    await control(world, 'second', 'pause');
    // It comes to `first` on another socket than the next frame. The second answer is from a later turn of its event loop.
    for (let i = 0; i < 2; i++) await world.context.get('first:out');
    await detector.publish(10, 200);
    await child.waitForLine(/first: running.* processed=50 /, PATIENCE_MS);
    await resume(1 + 20 + 1 + 20 + 1);
    await publish(20);
    child.signal('SIGTERM');
    await child.waitForExit(PATIENCE_MS);
    const { stages, links, verdict, lost } = ledgerOf(outputOf(child));
    // Of the ten published meanwhile the channel still held the last one.
    expect({ verdict, lost }).toEqual({ verdict: 'balanced', lost: 9 });
    expect(links).toEqual(['first -> second: published=70 received=61 lost=9']);
    expect(stages['second']).toMatchObject({ received: 61, processed: 61, missed: 9 });
  });

  it('counts what channels held at first apart from what was published, however many updates are skipped', async ({
    world,
  }) => {
    const reader = (name: string, input: string, more: string): string =>
      `  - { name: ${name}, command: hpc-consumer, input: ${input}, options: { ${more}, ${QUEUED} } }\n`;
    const child = await runFile(
      world,
      `name: skipping
stages:
${FIFTY_IMAGES}
${reader('none', 'det', 'skip-initial-updates: 0, output-channel: none:out')}\
${reader('behind', 'none', 'output-channel: behind:out')}\
${reader('five', 'det', 'skip-initial-updates: 5, output-channel: five:out')}\
${reader('two', 'five', 'n-consumers: 2, distributor-updates: 1, skip-initial-updates: 0, output-channel: "two:*"')}\
  - { name: last, command: hpc-collector, input: two, options: { skip-initial-updates: 3, ${QUEUED} } }
`,
      '--fail-on-loss',
    );
    expect(await child.waitForExit(PATIENCE_MS)).toMatchObject({ code: 0 });
    const { stages, links, verdict, lost } = ledgerOf(outputOf(child));
    expect({ verdict, lost }).toEqual({ verdict: 'balanced', lost: 0 });
    expect(stages).toMatchObject({
      none: { received: 51, processed: 51, skipped: 0 },
      behind: { received: 50, processed: 50, skipped: 0 },
      five: { received: 50, processed: 46, skipped: 4 },
      two: { received: 48, processed: 48, skipped: 0 },
      last: { received: 46, processed: 42, skipped: 4 },
    });
    expect([...links].sort()).toEqual([
      'det -> five: published=50 received=50 lost=0',
      'det -> none: published=50 received=50 lost=0',
      'five -> two: published=46 received=46 lost=0',
      'none -> behind: published=50 received=50 lost=0',
      'two -> last: published=46 received=46 lost=0',
    ]);
  });

  it('is incomplete when one of the consumers of a stage was killed, and restarted', async ({ world }) => {
    const child = await runFile(
      world,
      `name: killed
stages:
  - name: det
    command: ad-sim-server
    options: { channel-name: det:image, n-x-pixels: 32, n-y-pixels: 32, frame-rate: 100, runtime: 1000, n-frames: 10 }
  - name: readers
    command: hpc-consumer
    input: det
    options: { n-consumers: 2, distributor-updates: 1, ${QUEUED} }
`,
      '--fail-on-loss',
    );
    await flowing(child, 'readers');
    const since = child.lineCount;
    const [consumer = 0] = descendants(await stagePid(child, 'readers'));
    process.kill(consumer, 'SIGKILL');
    await child.waitForLine(/restart/, PATIENCE_MS, since);
    await flowing(child, 'readers', child.lineCount);
    child.signal('SIGINT');
    expect(await child.waitForExit(PATIENCE_MS)).toMatchObject({ code: 3 });
    const output = outputOf(child);
    expect(ledgerOf(output)).toMatchObject({ verdict: 'incomplete' });
    expect(output).toMatch(/consumer [12] of readers died 1 time\(s\): what it held is not known/);
  });
});
