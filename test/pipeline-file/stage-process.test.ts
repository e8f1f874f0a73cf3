/** A stage as a child process: what it is asked, when the answer counts, and how often it is started again. */
import { describe, expect, it, onTestFinished, vi } from 'vitest';
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

describe('a stage that is to be started again once', () => {
  /** Answers when it is asked, and fails when it is told to finish. */
  const FAILING = `
process.on('message', ({ type, requestId }) => {
  if (type === 'finish') process.exit(7);
  process.send({ type: 'figures', requestId, members: [] });
});
process.send({ type: 'started' });`;

  function started(healthyMs: number): { readonly child: StageProcess; readonly events: string[] } {
    const text = `name: one
stages:
  - { name: det, command: ad-sim-server, restart: on-failure, max-restarts: 1, options: { channel-name: det:image } }
`;
    const events: string[] = [];
    const child = new StageProcess({
      stage: stage(plan(text), 'det'),
      command: [process.execPath, '-e', FAILING],
      directory: '.',
      environment: process.env,
      onLine: () => {},
      onEvent: (event) => void events.push(event),
      onChange: () => {},
      answerMs: 20_000,
      healthyMs,
    });
    onTestFinished(() => child.kill());
    child.start();
    return { child, events };
  }

  const inState = (child: StageProcess, state: string): Promise<void> =>
    vi.waitFor(() => expect(child.state).toBe(state), { timeout: 10_000 });

  async function failWhenReady(child: StageProcess): Promise<void> {
    await inState(child, 'connecting');
    await child.ask();
    await inState(child, 'running');
    child.finish();
  }

  const restarts = (events: readonly string[]): string[] => events.filter((text) => text.includes('restart'));
  const AGAIN = 'stage det: restart 1 of 1 in 0.5 s';

  it('is given up when it fails again too soon', async () => {
    const { child, events } = started(60_000);
    await failWhenReady(child);
    await failWhenReady(child);
    await inState(child, 'failed');
    expect(restarts(events)).toEqual([AGAIN]);
  });

  it('is started again whenever it was well before, as quickly as the first time; all restarts are counted', async () => {
    const { child, events } = started(0);
    for (let i = 0; i < 3; i++) await failWhenReady(child);
    await inState(child, 'restarting');
    expect(restarts(events)).toEqual([AGAIN, AGAIN, AGAIN]);
    expect(child.restarts).toBe(3);
    // It has not been ready since: it is not well.
    await inState(child, 'connecting');
    child.finish();
    await inState(child, 'failed');
    expect(child.restarts).toBe(3);
  });
});
