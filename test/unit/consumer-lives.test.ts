/** A consumer that dies and comes back: its lives are added up as far as it told of them. */
import { describe, expect, it } from 'vitest';
import { ConsumerLives, systemStats, systemTotals } from '../../src/pipeline/consumer-lives.ts';
import type { ConsumerStats } from '../../src/pipeline/consumer-stats.ts';

interface Told {
  readonly n: number;
  readonly startTime?: number;
  readonly nInFlight?: number;
  readonly state?: string;
}

/** What a consumer that has processed `n` objects, 1 to n of its life, tells. */
function told({ n, startTime = 1000, nInFlight = 0, state = 'running' }: Told) {
  const stats = {
    consumerId: 1,
    receiverStats: { nReceived: n + nInFlight, receivedRate: 10 },
    queueStats: { nReceived: n + nInFlight, nDelivered: n, nQueued: nInFlight, nRejected: 1 },
    processorStats: {
      startTime,
      endTime: 0,
      runtime: 5,
      firstObjectId: 1,
      lastObjectId: n,
      firstObjectTime: startTime + 1,
      lastObjectTime: startTime + 4,
      nProcessed: n,
      processedRate: 10,
      nMissed: 2,
      nErrors: 0,
      nInFlight,
    },
    rateStats: { window: 5, processedRate: 9 },
    resourceStats: { cpuTime: 2.5, residentBytes: 50e6 },
    state,
  } as unknown as ConsumerStats;
  return {
    stats,
    totals: {
      processorStats: {
        nProcessed: n,
        nErrors: 0,
        nMissed: 2,
        nLost: 0,
        nSkipped: 1,
        nInFlight,
        nInitial: 1,
      },
      nMetadataConnected: 0,
    },
  };
}

const totals = (lives: ConsumerLives) => systemTotals([lives]);
const system = (...lives: ConsumerLives[]) => systemStats(lives, { nAlive: 1, nRestarts: 1 });

describe('a consumer that was restarted', () => {
  it('keeps the counts of its lives, and the rates of the present one', () => {
    const lives = new ConsumerLives();
    lives.report(told({ n: 100, nInFlight: 3 }));
    lives.died();
    lives.died();
    expect(system(lives)).toMatchObject({
      processorStats: { nProcessed: 100, processedRate: 0, nInFlight: 0 },
      queueStats: { nQueued: 0, nReceived: 103, nRejected: 1 },
      rateStats: { window: 0 },
      resourceStats: { cpuTime: 2.5, residentBytes: 0 },
      nLostInRestarts: 3,
      state: 'disconnected',
    });
    lives.report(told({ n: 7, startTime: 2000 }));
    lives.died();
    lives.report(told({ n: 20, startTime: 3000, nInFlight: 1 }));
    const stats = system(lives);
    expect(stats).toMatchObject({
      receiverStats: { nReceived: 103 + 7 + 21, receivedRate: 10 },
      queueStats: { nQueued: 1, nDelivered: 127, nRejected: 3 },
      processorStats: {
        nProcessed: 127,
        nMissed: 6,
        processedRate: 10,
        startTime: 1000,
        endTime: 0,
        firstObjectTime: 1001,
        lastObjectTime: 3004,
        nInFlight: 1,
      },
      rateStats: { processedRate: 9 },
      resourceStats: { cpuTime: 7.5, residentBytes: 50e6 },
      nLostInRestarts: 3,
      state: 'running',
      stateMessage: '1 of 1 consumers receive',
    });
    expect(stats.unreportedTime).toBeGreaterThan(0);
  });

  it('counts a life once, whether or not it told anything', () => {
    const lives = new ConsumerLives();
    lives.died();
    expect(system(lives)).toMatchObject({ processorStats: { nProcessed: 0 }, unreportedTime: 0 });
    lives.report(told({ n: 4 }));
    lives.report(told({ n: 5 }));
    expect(system(lives).processorStats).toMatchObject({ nProcessed: 5 });
  });

  it('lived unreported if it died before its first report', () => {
    const lives = new ConsumerLives();
    lives.begin();
    lives.died();
    const { unreportedTime } = system(lives);
    expect(unreportedTime).toBeGreaterThan(0);
    lives.begin();
    lives.report(told({ n: 4 }));
    lives.died();
    lives.begin();
    lives.died();
    lives.died();
    expect(system(lives)).toMatchObject({ processorStats: { nProcessed: 4 }, nLostInRestarts: 0 });
    expect(system(lives).unreportedTime).toBeGreaterThan(unreportedTime);
  });

  it('forgets the lives before when its statistics are reset', () => {
    const lives = new ConsumerLives();
    lives.report(told({ n: 100, nInFlight: 3 }));
    lives.died();
    lives.report(told({ n: 20, startTime: 2000 }));
    lives.report(told({ n: 1, startTime: 2005 }));
    expect(system(lives)).toMatchObject({
      processorStats: { nProcessed: 1 },
      nLostInRestarts: 0,
      unreportedTime: 0,
    });
  });

  it('has lost all the same what it lost before its statistics were reset', () => {
    const lives = new ConsumerLives();
    lives.report(told({ n: 100, nInFlight: 3 }));
    lives.died();
    lives.report(told({ n: 20, startTime: 2000 }));
    const { unreportedTime } = totals(lives);
    // The totals of this life go on.
    const { stats } = told({ n: 1, startTime: 2005 });
    lives.report({ ...told({ n: 21 }), stats });
    expect(system(lives)).toMatchObject({
      processorStats: { nProcessed: 1, nMissed: 2 },
      nLostInRestarts: 0,
    });
    expect(totals(lives)).toMatchObject({
      processorStats: { nProcessed: 121, nMissed: 4, nInFlight: 0 },
      nLostInRestarts: 3,
    });
    expect(totals(lives).unreportedTime).toBeGreaterThanOrEqual(unreportedTime);
    expect(unreportedTime).toBeGreaterThan(0);
  });
});

it('a system is paused when one is and none receives', () => {
  const [one, two] = [new ConsumerLives(), new ConsumerLives()];
  one.report(told({ n: 1, state: 'paused' }));
  two.report(told({ n: 2 }));
  expect(system(one, two).state).toBe('running');
  two.report(told({ n: 2, state: 'disconnected' }));
  expect(system(one, two)).toMatchObject({ state: 'paused', stateMessage: '0 of 2 consumers receive' });
});

it('a system is stopped when all have ended in good order', () => {
  const [one, two] = [new ConsumerLives(), new ConsumerLives()];
  one.report(told({ n: 1, state: 'stopped' }));
  two.report(told({ n: 2 }));
  expect(system(one, two).state).toBe('running');
  two.report(told({ n: 2, state: 'stopped' }));
  expect(system(one, two)).toMatchObject({ state: 'stopped', processorStats: { nProcessed: 3 } });
});

describe('a system of which none receives', () => {
  it('is starting as long as all that live are', () => {
    const [one, two] = [new ConsumerLives(), new ConsumerLives()];
    const state = () => system(one, two).state;
    expect(state()).toBe('starting');
    one.begin();
    expect(state()).toBe('starting');
    one.report(told({ n: 0, state: 'disconnected' }));
    expect(state()).toBe('disconnected');
    one.report(told({ n: 1 }));
    expect(state()).toBe('running');
    for (const each of [one, two]) {
      each.exit();
      each.died();
    }
    expect(state()).toBe('disconnected');
    one.start();
    expect(state()).toBe('starting');
  });

  it('is draining as long as all that live are', () => {
    const [one, two] = [new ConsumerLives(), new ConsumerLives()];
    const state = () => system(one, two).state;
    one.report(told({ n: 1, state: 'draining' }));
    two.report(told({ n: 1, state: 'disconnected' }));
    expect(state()).toBe('disconnected');
    two.report(told({ n: 1, state: 'draining' }));
    expect(state()).toBe('draining');
    two.report(told({ n: 1, state: 'stopped' }));
    expect(state()).toBe('draining');
    one.report(told({ n: 1, state: 'stopped' }));
    expect(state()).toBe('stopped');
  });
});
