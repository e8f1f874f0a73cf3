/**
 * The README's first screen holds the two commands, and what it says next works: its processor, as it stands there, run by
 * its own command lines. Only the times are shorter, and the network is loopback.
 */
import { describe, expect } from 'vitest';
import { statusWhen } from '../e2e/support/consumer.ts';
import { it, until, withOptions } from '../e2e/support/world.ts';
import { codeBlocks, commandLines, read } from './support/documents.ts';

describe('the first screen', () => {
  const firstScreen = read('README.md').split(/^## /m)[0] ?? '';

  it('is one sentence and exactly two commands', () => {
    const [title, sentence] = firstScreen.split('\n\n');
    expect(title).toBe('# epics-hpc');
    expect(sentence?.match(/\.(\s|$)/g)).toHaveLength(1);
    const commands = Array.from(firstScreen.matchAll(/^```sh\n([\s\S]*?)^```$/gm), ([, text]) => text);
    expect(commands).toEqual(['npm ci && npm start\n', 'npm ci && npm test\n']);
    expect(firstScreen).toContain('`ledger: published=N received=N lost=N balanced`');
  });

  it('is a screen', () => {
    expect(firstScreen.split('\n').length).toBeLessThan(30);
  });
});

describe('the processor', () => {
  const [code] = codeBlocks('README.md', 'ts');
  const lines = codeBlocks('README.md', 'sh').slice(2).flatMap(commandLines);
  const [consumerLine = '', simulatorLine = '', ...toolLines] = lines;

  it('runs by the command lines around it', async ({ world }) => {
    const file = world.file('threshold.ts', code?.text ?? '');
    expect(consumerLine).toContain('--processor-file threshold.ts ');
    const consumer = await world.start(consumerLine.replace('threshold.ts', file));
    await world.context.get('consumer:1:status', { timeout: 15 });
    await world.start(withOptions(simulatorLine, { '-std': 1, '-rt': 30 }));
    await consumer.waitForLine(/INFO consumer\.1\.Threshold: frame \d+: \d+ pixels above 0$/, 15_000);

    const [readId = '', configure = '', readControl = '', getStats = '', readStats = '', stop = ''] =
      toolLines;
    expect(toolLines).toHaveLength(6);
    const printed = async (line: string): Promise<string> => {
      const { code: exitCode, stdout, stderr } = await world.run(line);
      expect(stderr, line).toBe('');
      expect(exitCode, line).toBe(0);
      return stdout;
    };
    expect(await printed(readId)).toMatch(/\buniqueId [1-9]\d*\b/);
    await printed(configure);
    await until(async () => expect(await printed(readControl)).toContain('Configuration successful'));
    await consumer.waitForLine(/: \d+ pixels above 200$/, 5_000);
    await printed(getStats);
    await until(async () => expect(await printed(readStats)).toMatch(/\blimit 200\b/));

    const status = await statusWhen(world, 1, 'configured', ({ userStats }) => userStats?.['limit'] === 200);
    // Random pixels from 0 to 254: 54 of 255 values are above 200.
    const expected = (128 * 128 * 54) / 255;
    expect(Math.abs(Number(status.userStats?.['nAbove']) - expected)).toBeLessThan(expected / 10);
    expect(status.publisherStats.nPublished).toBe(status.processorStats.nProcessed);
    expect(status.processorStats).toMatchObject({ nMissed: 0, nErrors: 0 });

    await printed(stop);
    expect(await consumer.waitForExit(10_000)).toMatchObject({ code: 0, signal: null });
  });
});
