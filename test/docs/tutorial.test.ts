/** The last two steps of the tutorial, as they stand there: two consumers share a stream, and the ledger is read. */
import { expect } from 'vitest';
import { statusWhen } from '../e2e/support/consumer.ts';
import { holdSimulator } from '../e2e/support/held-simulator.ts';
import { it, until, withOptions } from '../e2e/support/world.ts';
import { codeBlocks, commandLines } from './support/documents.ts';

const TUTORIAL = 'docs/tutorial.md';

it('two consumers share the stream, and the ledger balances', async ({ world }) => {
  const file = world.file('darkest.ts', codeBlocks(TUTORIAL, 'ts')[0]?.text ?? '');
  const lines = codeBlocks(TUTORIAL, 'sh').flatMap(commandLines);
  const at = lines.findIndex((line) => line.includes('--n-consumers 2'));
  const [consumerLine = '', simulatorLine = '', readIds = ''] = lines.slice(at);

  const consumers = await world.start(consumerLine.replace('darkest.ts', file));
  // No more frames than the two server queues hold.
  const held = await holdSimulator(world, withOptions(simulatorLine, { '-fps': 200, '-rt': 1 }));
  for (const id of [1, 2]) await statusWhen(world, id, 'connected', (s) => s.receiverStats.nReceived === 1);
  held.go();
  const simulator = held.child;
  await simulator.waitForLine(/^Server exiting after reaching runtime/, 25_000);
  const image = await world.context.get('pvapy:image', { pvRequest: 'field(uniqueId)' });
  const last = Number(image.get('uniqueId'));
  expect(last).toBeGreaterThan(10);
  // One consumer has the last frame, the other one the frame before.
  await until(async () => {
    const { stdout } = await world.run(readIds);
    const ids = Array.from(stdout.matchAll(/\buniqueId (\d+)/g), ([, id]) => Number(id));
    expect(ids.sort((x, y) => x - y)).toEqual([last - 1, last]);
  });
  simulator.signal('SIGINT');
  const [, published] = await simulator.waitForLine(/^Published frames: +(\d+) @/, 5_000);
  consumers.signal('SIGINT');
  expect(await consumers.waitForExit(15_000)).toMatchObject({ code: 0, signal: null });

  const output = consumers.lines.map(({ text }) => text);
  const combined = output.slice(output.indexOf('Combined System Stats:')).join('\n');
  const [, processor = ''] = /'processorStats': \{(.*?)\}/.exec(combined) ?? [];
  const count = (name: string): number => Number(new RegExp(`'${name}': (\\d+)`).exec(processor)?.[1]);
  expect(Number(published)).toBe(last);
  expect(count('nProcessed') + count('nErrors') + count('nMissed')).toBe(last);
  expect(count('nMissed')).toBe(0);
  // Every random frame has dark pixels: the processors have counted them all.
  const dark = output.join('\n').matchAll(/'userStats': \{'limit': 10, 'nDark': (\d+)\}/g);
  expect(Array.from(dark, ([, n]) => Number(n)).reduce((x, y) => x + y, 0)).toBe(last);
});
