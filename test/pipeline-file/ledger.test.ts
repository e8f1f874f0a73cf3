/** The ledger of a chain from the figures of its stages: what balances, what does not, and where objects were lost. */
import { describe, expect, it } from 'vitest';
import { ledgerText, plainLine, tableText } from '../../src/pipeline-file/chain-text.ts';
import { type Ledger, ledgerOf } from '../../src/pipeline-file/ledger.ts';
import { type MemberFigures, NO_FIGURES } from '../../src/pipeline-file/stage-messages.ts';
import { plan } from './planning.ts';

type Figures = Readonly<Record<string, readonly (Partial<MemberFigures> & { readonly id: number })[]>>;

function ledger(text: string, figures: Figures, deaths: Readonly<Record<string, number>> = {}): Ledger {
  return ledgerOf(plan(text).stages, (name) => ({
    members: new Map((figures[name] ?? []).map((member) => [member.id, { ...NO_FIGURES, ...member }])),
    deaths: deaths[name] ?? 0,
  }));
}

/** A consumer that received `n` objects, and published what it processed. */
function consumer(id: number, n: number, more: Partial<MemberFigures> = {}) {
  return { id, connected: 1, received: n, processed: n, published: n, ...more };
}

const CHAIN = `name: chain
stages:
  - { name: det, command: ad-sim-server }
  - { name: a, command: hpc-consumer, input: det, options: { output-channel: a:out } }
  - { name: b, command: hpc-consumer, input: a }
`;

const SHARED = `name: shared
stages:
  - { name: det, command: ad-sim-server }
  - name: a
    command: hpc-consumer
    input: det
    options: { n-consumers: 2, output-channel: 'a:*', distributor-updates: 1 }
  - { name: b, command: hpc-collector, input: a }
`;

describe('a chain', () => {
  it('is balanced when everything published was received and processed', () => {
    const found = ledger(CHAIN, {
      det: [{ id: 0, published: 100 }],
      a: [consumer(1, 100)],
      b: [consumer(1, 100, { published: 0 })],
    });
    expect(found).toMatchObject({ verdict: 'balanced', lost: 0, settled: true, reasons: [] });
    expect(found.links).toMatchObject([
      { from: 'det', to: ['a'], published: 100, received: 100, lost: 0 },
      { from: 'a', to: ['b'], published: 100, received: 100, lost: 0 },
    ]);
  });

  it('knows how many were lost, and where', () => {
    const found = ledger(CHAIN, {
      det: [{ id: 0, published: 100 }],
      a: [consumer(1, 90, { missed: 10, processed: 85, errors: 2, rejected: 3, published: 85 })],
      b: [consumer(1, 85)],
    });
    // 10 on the way, 2 errors, 3 refused.
    expect(found).toMatchObject({ verdict: 'balanced', lost: 15, settled: false });
    expect(ledgerText('chain', found)).toBe(
      [
        'stage  received  processed  errors  rejected  queued  missed  published',
        'det           0          0       0         0       0       0        100',
        'a            90         85       2         3       0      10         85',
        'b            85         85       0         0       0       0         85',
        'det -> a: published=100 received=90 lost=10',
        'a -> b: published=85 received=85 lost=0',
        'ledger of chain: 3 stages, 2 links, lost=15 balanced',
      ].join('\n'),
    );
  });

  it('counts once what the next stage received and refused, or answered with an error', () => {
    const text = `name: calls
stages:
  - { name: det, command: ad-sim-server }
  - { name: a, command: hpc-consumer, input: det, options: { output-channel: in, output-mode: rpc } }
  - { name: b, command: hpc-consumer, input: a, options: { input-mode: rpc } }
`;
    const found = ledger(text, {
      det: [{ id: 0, published: 100 }],
      a: [consumer(1, 100, { published: 94, publishErrors: 6 })],
      b: [{ id: 1, received: 99, processed: 94, errors: 3, rejected: 2 }],
    });
    // Six failed: three in processing, two were refused, and one never arrived.
    expect(found).toMatchObject({ verdict: 'balanced', lost: 6, reasons: [] });
    expect(found.links).toMatchObject([{ lost: 0 }, { published: 94, received: 99, lost: 0, failed: 5 }]);
  });

  it('is not settled while objects are under way or in queues', () => {
    const figures = {
      det: [{ id: 0, published: 100 }],
      a: [consumer(1, 100, { processed: 98, queued: 2, published: 98 })],
      b: [consumer(1, 98)],
    };
    expect(ledger(CHAIN, figures).settled).toBe(false);
    expect(ledger(CHAIN, { ...figures, a: [consumer(1, 100)] }).settled).toBe(false);
    expect(ledger(CHAIN, { ...figures, a: [consumer(1, 100)], b: [consumer(1, 100)] }).settled).toBe(true);
  });

  it('is unbalanced when a stage cannot say what became of an object', () => {
    const found = ledger(CHAIN, {
      det: [{ id: 0, published: 100 }],
      a: [consumer(1, 100, { processed: 99, published: 100 })],
      b: [consumer(1, 101)],
    });
    expect(found).toMatchObject({ verdict: 'UNBALANCED', settled: false });
    expect(found.reasons).toEqual([
      'a: received 100 is not processed 99 + errors 0 + rejected 0 + queued 0',
      expect.stringContaining('a -> b: 101 arrived of 100 published'),
    ]);
  });

  it('is balanced when a stage takes what its channel held for an object', () => {
    const found = ledger(CHAIN, {
      det: [{ id: 0, published: 100 }],
      a: [consumer(1, 100, { initial: 1, processed: 101, published: 100 })],
      b: [consumer(1, 100)],
    });
    expect(found).toMatchObject({ verdict: 'balanced', lost: 0, settled: true, reasons: [] });
    expect(found.links).toMatchObject([
      { to: ['a'], published: 100, received: 100, lost: 0 },
      { to: ['b'], published: 100, received: 100, lost: 0 },
    ]);
    expect(found.stages[1]).toMatchObject({ received: 101, processed: 101 });
  });

  it('has what a stage leaves out on purpose in a column of its own, not among what is lost', () => {
    const figures = (processed: number) => ({
      det: [{ id: 0, published: 100 }],
      a: [consumer(1, 100, { skipped: 4, processed, published: processed })],
      b: [consumer(1, processed)],
    });
    const found = ledger(CHAIN, figures(96));
    expect(found).toMatchObject({ verdict: 'balanced', lost: 0, settled: true, reasons: [] });
    expect(ledgerText('chain', found).split('\n').slice(0, 3)).toEqual([
      'stage  received  processed  errors  rejected  skipped  queued  missed  published',
      'det           0          0       0         0        0       0       0        100',
      'a           100         96       0         0        4       0       0         96',
    ]);
    expect(ledger(CHAIN, figures(95)).reasons).toEqual([
      'a: received 100 is not processed 95 + errors 0 + rejected 0 + skipped 4 + queued 0',
    ]);
  });

  it('is incomplete when a stage died', () => {
    const figures = { det: [{ id: 0, published: 100 }], a: [consumer(1, 90)], b: [consumer(1, 90)] };
    expect(ledger(CHAIN, figures, { a: 2 })).toMatchObject({
      verdict: 'incomplete',
      lost: 10,
      reasons: ['a died 2 time(s): what it held is not known'],
    });
  });

  it('is incomplete when one consumer of a stage died', () => {
    const found = ledger(SHARED, {
      det: [{ id: 0, published: 100 }],
      a: [consumer(1, 50), consumer(2, 40, { deaths: 1 })],
      b: [{ id: 1, received: 90, processed: 90 }],
    });
    expect(found).toMatchObject({
      verdict: 'incomplete',
      lost: 10,
      reasons: ['consumer 2 of a died 1 time(s): what it held is not known'],
    });
  });

  it('counts for a stage without a predecessor what it missed itself', () => {
    const alone =
      'name: x\nnetwork: environment\nstages:\n  - { name: a, command: hpc-consumer, options: { input-channel: i } }\n';
    expect(ledger(alone, { a: [consumer(1, 90, { missed: 4 })] })).toMatchObject({ links: [], lost: 4 });
  });
});

describe('consumers of one stream', () => {
  it('share it by a distributor: together they receive all', () => {
    const found = ledger(SHARED, {
      det: [{ id: 0, published: 100 }],
      a: [consumer(1, 50), consumer(2, 48)],
      b: [{ id: 1, received: 98, processed: 98 }],
    });
    expect(found.links).toMatchObject([
      { to: ['a'], published: 100, received: 98, lost: 2 },
      { from: 'a', to: ['b'], published: 98, received: 98, lost: 0 },
    ]);
    expect(found.stages[2]).toMatchObject({ received: 98 });
  });

  it('receive all of it each when they do not', () => {
    const all = SHARED.replace(', distributor-updates: 1', '');
    const found = ledger(all, {
      det: [{ id: 0, published: 100 }],
      a: [consumer(1, 100), consumer(2, 99)],
    });
    expect(found.links.slice(0, 2)).toMatchObject([{ lost: 0 }, { lost: 1 }]);
  });

  it('of one distributor set receive the same, whatever stage they belong to', () => {
    const set = (name: string, id: number, set: string): string =>
      `  - { name: ${name}, command: hpc-consumer, input: det, options: { consumer-id: ${id}, distributor-group: g, distributor-set: ${set} } }\n`;
    const text = `name: x\nstages:\n  - { name: det, command: ad-sim-server }\n${set('a', 1, 's1')}${set('b', 2, 's1')}${set('c', 3, 's2')}`;
    const found = ledger(text, {
      det: [{ id: 0, published: 100 }],
      a: [consumer(1, 50)],
      b: [consumer(2, 47)],
      c: [consumer(3, 49)],
    });
    // One frame reached nobody, and three only one of two.
    expect(found.links).toMatchObject([{ to: ['a', 'b', 'c'], published: 100, received: 99, lost: 4 }]);
  });
});

describe('a mirror server', () => {
  it('passes on what it receives', () => {
    const text = `name: x
stages:
  - { name: det, command: ad-sim-server }
  - { name: m, command: mirror-server, options: { channel-map: '(m:image,pvapy:image,pva,100)' } }
  - { name: a, command: hpc-consumer, options: { input-channel: m:image } }
`;
    const found = ledger(text, {
      det: [{ id: 0, published: 100 }],
      m: [{ id: 0, connected: 1, received: 100, processed: 100, published: 100 }],
      a: [consumer(1, 100)],
    });
    expect(found).toMatchObject({ verdict: 'balanced', lost: 0, settled: true });
    expect(found.stages[1]).toMatchObject({ received: 100, processed: 100, published: 100 });
  });
});

describe('what is shown while a chain runs', () => {
  const rows = ledger(CHAIN, {
    det: [{ id: 0, published: 100 }],
    a: [consumer(1, 90, { missed: 10 })],
  }).stages.map((line, i) => ({ ...line, state: 'running' as const, restarts: i, rate: 10 * i }));

  it('is a table on a terminal', () => {
    expect(tableText(rows, 12.3).split('\n')).toEqual([
      'stage  state                 received  processed  missed  queued  published  objects/s',
      'det    running                                                          100        0.0',
      'a      running (1 restarts)        90         90      10       0         90       10.0',
      'b      running (2 restarts)         0          0       0       0          0       20.0',
      '12 s; Ctrl-C ends the chain in order, once more at once',
    ]);
  });

  it('is a line elsewhere', () => {
    expect(plainLine(rows, 12.3)).toBe(
      '12 s | det: running 0/s published=100 | a: running (1 restarts) 10/s received=90 processed=90 missed=10 | b: running (2 restarts) 20/s received=0 processed=0 missed=0',
    );
  });
});
