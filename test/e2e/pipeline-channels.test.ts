/** `hpc-pipeline` with channels that no stage of the chain serves: what is waited for, said, and not lost. */
import { describe, expect } from 'vitest';
import { Detector } from './support/detector.ts';
import { FIFTY_IMAGES, FIXTURES, ledgerOf, outputOf, PATIENCE_MS, runFile } from './support/pipeline.ts';
import { it } from './support/world.ts';

it('a stage reads what the processor of another one serves beside its output', async ({ world }) => {
  const child = await runFile(
    world,
    `name: statistics
stages:
  - name: log
    command: hpc-consumer
    options: { input-channel: measured:statistics, oid-field: imageId, server-queue-size: 100 }
  - name: measure
    command: hpc-consumer
    input: det
    options: { output-channel: measured, server-queue-size: 100, processor-class: ImageStatisticsProcessor }
${FIFTY_IMAGES}
`,
  );
  expect(await child.waitForExit(PATIENCE_MS)).toMatchObject({ code: 0 });
  const { stages, links, verdict } = ledgerOf(outputOf(child));
  expect(verdict).toBe('balanced');
  expect(stages).toMatchObject({ measure: { processed: 50 }, log: { received: 50, processed: 50 } });
  expect(links).toEqual(['det -> measure: published=50 received=50 lost=0']);
});

describe('a chain that reads channels of others', () => {
  const OUTSIDE = `name: outside
network: environment
ready-timeout: 10
stages:
  - name: first
    command: hpc-consumer
    options: { input-channel: pvapy:image, output-channel: first:out, server-queue-size: 1000, processor-class: UserDataProcessor }
  - name: second
    command: hpc-consumer
    input: first
    options: { server-queue-size: 1000, processor-class: UserDataProcessor }
`;

  it('says which stages were not ready when there is no such channel', async ({ world }) => {
    const child = await runFile(world, OUTSIDE);
    expect(await child.waitForExit(PATIENCE_MS)).toMatchObject({ code: 1 });
    const output = outputOf(child);
    expect(output).toContain(
      'stage first was not ready within 10 s (ready-timeout): nothing came from its input pvapy:image;',
    );
    expect(output).toContain('stage second was not ready');
  });

  it('goes on without a stage that is not essential and not ready', async ({ world }) => {
    const text = `name: without
network: environment
ready-timeout: 15
stages:
${FIFTY_IMAGES}
  - { name: reader, command: hpc-consumer, input: det, options: { server-queue-size: 100 } }
  - { name: other, command: hpc-consumer, essential: false, options: { input-channel: nobody } }
`;
    const child = await runFile(world, text);
    expect(await child.waitForExit(PATIENCE_MS)).toMatchObject({ code: 0 });
    const output = outputOf(child);
    expect(output).toContain(
      'stage other was not ready within 15 s (ready-timeout): nothing came from its input nobody;',
    );
    expect(ledgerOf(output)).toMatchObject({
      stages: { reader: { processed: 50 } },
      verdict: 'balanced',
      lost: 0,
    });
  });

  describe('as metadata', () => {
    const WITH_METADATA = (timeout: number): string => `name: with metadata
network: environment
ready-timeout: ${timeout}
stages:
${FIFTY_IMAGES}
  - name: attach
    command: hpc-consumer
    input: det
    options:
      n-consumers: 2
      distributor-updates: 1
      metadata-channels: [pva://motor:x]
      server-queue-size: 100
      processor-class: MetadataProcessor
      processor-args: { interpolation: previous, timestampTolerance: 1.0e10 }
`;

    it('says which of them did not come', async ({ world }) => {
      const child = await runFile(world, WITH_METADATA(12));
      expect(await child.waitForExit(PATIENCE_MS)).toMatchObject({ code: 1 });
      expect(outputOf(child)).toContain(
        'stage attach was not ready within 12 s (ready-timeout): nothing came from its metadata channels motor:x;',
      );
    });

    it('has a value for the first image, however late a channel comes', async ({ world }) => {
      const child = await runFile(world, WITH_METADATA(60));
      await child.waitForLine(/attach: connecting /, PATIENCE_MS);
      await Detector.start(world, { channel: 'unused', metadata: ['motor:x'] });
      expect(await child.waitForExit(PATIENCE_MS)).toMatchObject({ code: 0 });
      const output = outputOf(child);
      expect(ledgerOf(output)).toMatchObject({
        lost: 0,
        stages: { attach: { received: 50, processed: 50 } },
      });
      const figures = Array.from(output.matchAll(/'nFramesProcessed': (\d+)/g), ([, n]) => Number(n));
      expect(figures.length).toBeGreaterThanOrEqual(2);
      expect(figures.slice(-2).reduce((sum, n) => sum + n, 0)).toBe(50);
    });
  });

  it('loses nothing between its own stages when it ends', async ({ world }) => {
    const detector = await Detector.start(world);
    const child = await runFile(world, OUTSIDE.replace('ready-timeout: 10', 'ready-timeout: 30'));
    await child.waitForLine(/all stages are ready/, PATIENCE_MS);
    const ended = child.waitForExit(PATIENCE_MS);
    await detector.publish(300, 300);
    await child.waitForLine(/first: running \d+\/s received=300 /, PATIENCE_MS);
    child.signal('SIGTERM');
    await detector.publishUntil(ended, 200);
    expect(await ended).toMatchObject({ code: 0 });
    const { stages, verdict, lost } = ledgerOf(outputOf(child));
    expect({ verdict, lost }).toEqual({ verdict: 'balanced', lost: 0 });
    expect(stages['first']?.['received']).toBeGreaterThanOrEqual(300);
    expect(stages['second']?.['received']).toBe(stages['first']?.['published']);
  });

  it('keeps a source that is no simulator until a slow reader has everything', async ({ world }) => {
    const detector = await Detector.start(world, { nx: 1000, ny: 1000 });
    const slow = `processor-file: '${FIXTURES}/lifecycle-processor.ts', processor-class: Asynchronous`;
    const text = OUTSIDE.replace('ready-timeout: 10', 'ready-timeout: 30')
      .replace('output-channel', 'drain-timeout: 0.1, output-channel')
      .replace(/(input: first\n.*) processor-class.*}/, `$1 ${slow}, processor-args: { ms: 50 } }`);
    const child = await runFile(world, text);
    await child.waitForLine(/all stages are ready/, PATIENCE_MS);
    await detector.publish(60);
    await child.waitForLine(/first: running \d+\/s received=60 /, PATIENCE_MS);
    child.signal('SIGTERM');
    expect(await child.waitForExit(PATIENCE_MS)).toMatchObject({ code: 0 });
    const { stages, links, verdict, lost } = ledgerOf(outputOf(child));
    expect({ verdict, lost }).toEqual({ verdict: 'balanced', lost: 0 });
    expect(links).toEqual(['first -> second: published=60 received=60 lost=0']);
    expect(stages['second']).toMatchObject({ processed: 60 });
  });
});
