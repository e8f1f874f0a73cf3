/** A stage as a child process: what it is asked, and when the answer counts. */
import { expect, it, onTestFinished, vi } from 'vitest';
import { StageProcess } from '../../src/pipeline-file/stage-process.ts';
import { plan, stage } from './planning.ts';

/** A child that has received as many objects as it was asked questions, and takes a moment to answer. */
const CHILD = `
let asked = 0;
process.on('message', ({ type, requestId }) => {
  if (type !== 'figures') return;
  const received = ++asked;
  const rest = { connected: 0, processed: 0, errors: 0, rejected: 0, queued: 0, missed: 0, published: 0, publishErrors: 0 };
  setTimeout(() => process.send({ type: 'figures', requestId, members: [{ id: 0, received, ...rest }] }), 100);
});
process.send({ type: 'started' });`;

it('figures are not older than the question, also when an earlier one is under way', async () => {
  const text = `name: one
stages:
  - { name: det, command: ad-sim-server, options: { channel-name: det:image } }
`;
  const child = new StageProcess({
    stage: stage(plan(text), 'det'),
    command: [process.execPath, '-e', CHILD],
    directory: '.',
    environment: process.env,
    onLine: () => {},
    onEvent: () => {},
    onChange: () => {},
    answerMs: 20_000,
  });
  onTestFinished(() => child.kill());
  child.start();
  await vi.waitFor(() => expect(child.state).toBe('connecting'), { timeout: 10_000 });
  const received = (): number | undefined => child.figures.members.get(0)?.received;
  const first = child.ask();
  await Promise.resolve();
  const others = [child.ask(), child.ask()];
  await first;
  expect(received()).toBe(1);
  await Promise.all(others);
  expect(received()).toBe(2);
  // One question was the answer to both.
  await child.ask();
  expect(received()).toBe(3);
});
