/** Monitors with flow control (`record[pipeline=true]`): what the client tells the server, and that nothing is lost. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Subscription } from '../../src/client/subscription.ts';
import { MAX_UNSENT_BYTES } from '../../src/limits.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { JoinedSession } from '../support/joined-session.ts';
import { settled } from '../support/memory-transport.ts';

const COUNTER = struct('', { value: 'int' });

function counter(n: number): Value {
  return Value.create(COUNTER, { value: n });
}

/** Windows the client opened and widened: `init n` and `ack n`. */
function windows(s: JoinedSession): string[] {
  return s
    .sentByClient()
    .filter((m) => m.name === 'MONITOR')
    .flatMap((m) => {
      const subcommand = m.payload[8] as number;
      if ((subcommand & 0x80) === 0) return [];
      return [`${subcommand === 0x88 ? 'init' : 'ack'} ${m.payload.readUInt32LE(m.payload.length - 4)}`];
    });
}

function seenBy(s: JoinedSession, pvRequest: string): { seen: unknown[]; subscription: Subscription } {
  const seen: unknown[] = [];
  const update = (v: Value) => {
    seen.push(v.get('value'));
  };
  return { seen, subscription: s.monitor('p', { update }, { pvRequest }) };
}

describe('a monitor with flow control', () => {
  // The report after a moment comes when a test says so.
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('gets everything, and reports when half of the queue is consumed', async () => {
    const pv = SharedPV.mailbox(counter(0));
    const s = new JoinedSession({ p: pv });
    const { seen } = seenBy(s, 'record[pipeline=true,queueSize=6]');
    await settled();
    for (let i = 1; i <= 8; i++) {
      pv.post(counter(i));
      await settled();
    }
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(windows(s)).toEqual(['init 6', 'ack 3', 'ack 3', 'ack 3']);
  });

  it.each([
    ['record[pipeline=true]', ['init 4', 'ack 2', 'ack 2']],
    ['record[pipeline=true,queueSize=6,ackAny=1]', ['init 6', 'ack 1', 'ack 1', 'ack 1', 'ack 1']],
    ['record[pipeline=true,queueSize=8,ackAny=50%]', ['init 8', 'ack 4']],
    ['record[pipeline=true,queueSize=8,ackAny=37.5%]', ['init 8', 'ack 3']],
    ['record[pipeline=true,queueSize=2,ackAny=100]', ['init 2', 'ack 2', 'ack 2']],
    ['record[pipeline=false,queueSize=2]', []],
  ])('%s', async (pvRequest, expected) => {
    const pv = SharedPV.mailbox(counter(0));
    const s = new JoinedSession({ p: pv });
    const { seen } = seenBy(s, pvRequest);
    await settled();
    for (let i = 1; i <= 3; i++) {
      pv.post(counter(i));
      await settled();
    }
    expect(seen).toEqual([0, 1, 2, 3]);
    expect(windows(s)).toEqual(expected);
  });

  it('reports less than that after a moment, so that a server with a shorter queue goes on', async () => {
    const s = new JoinedSession({ p: SharedPV.mailbox(counter(0)) });
    const { seen } = seenBy(s, 'record[pipeline=true,queueSize=100]');
    await settled();
    expect(seen).toEqual([0]);
    expect(windows(s)).toEqual(['init 100']);
    vi.advanceTimersByTime(50);
    await settled();
    expect(windows(s)).toEqual(['init 100', 'ack 1']);
  });

  it('is not sent more than it has room for until it reads on', async () => {
    const pv = SharedPV.mailbox(counter(0));
    const s = new JoinedSession({ p: pv });
    const subscription = s.monitor('p', {}, { pvRequest: 'record[pipeline=true,queueSize=4]' });
    await settled();
    for (let i = 1; i <= 8; i++) pv.post(counter(i));
    await settled();
    expect(subscription.stats).toMatchObject({ received: 4, queued: 4, squashed: 0 });
    const seen: unknown[] = [];
    while (seen.at(-1) !== 8) {
      seen.push(subscription.pop()?.get('value'));
      await settled();
    }
    // Four in the client's queue, four in the server's, the oldest of which was being sent: one was merged.
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 8]);
    expect(subscription.stats).toMatchObject({ received: 8, overruns: 1, squashed: 0 });
  });

  it('waits for the promise of a callback before it reports', async () => {
    const pv = SharedPV.mailbox(counter(0));
    const s = new JoinedSession({ p: pv });
    let done = (): void => {};
    const update = () => new Promise<void>((resolve) => (done = resolve));
    s.monitor('p', { update }, { pvRequest: 'record[pipeline=true,queueSize=2]' });
    await settled();
    expect(windows(s)).toEqual(['init 2']);
    vi.advanceTimersByTime(1000);
    await settled();
    expect(windows(s)).toEqual(['init 2']);
    done();
    await settled();
    expect(windows(s)).toEqual(['init 2', 'ack 1']);
  });

  it('does not report an update of a stream that is over when it is done with it', async () => {
    const s = new JoinedSession({ p: SharedPV.mailbox(counter(0)) });
    const done: (() => void)[] = [];
    const update = () => new Promise<void>((resolve) => done.push(resolve));
    s.monitor('p', { update }, { pvRequest: 'record[pipeline=true,queueSize=2]' });
    await settled();
    s.currentLink.connection.close();
    s.serverDown();
    await settled();
    s.serverUp();
    await settled();
    expect([done.length, windows(s)]).toEqual([2, ['init 2', 'init 2']]);
    done[0]?.();
    await settled();
    vi.advanceTimersByTime(1000);
    await settled();
    expect(windows(s)).toEqual(['init 2', 'init 2']);
    done[1]?.();
    await settled();
    expect(windows(s)).toEqual(['init 2', 'init 2', 'ack 1']);
  });

  it('reports nothing to a server that does not read, and all of it together when that reads on', async () => {
    const pv = SharedPV.mailbox(counter(0));
    const s = new JoinedSession({ p: pv });
    const { seen } = seenBy(s, 'record[pipeline=true,queueSize=8,ackAny=1]');
    await settled();
    expect(windows(s)).toEqual(['init 8', 'ack 1']);
    let pendingBytes = MAX_UNSENT_BYTES + 1;
    Object.defineProperty(s.now.client, 'pendingBytes', { get: () => pendingBytes });
    for (let i = 1; i <= 5; i++) {
      pv.post(counter(i));
      await settled();
    }
    vi.advanceTimersByTime(1000);
    await settled();
    expect(seen).toEqual([0, 1, 2, 3, 4, 5]);
    expect(windows(s)).toEqual(['init 8', 'ack 1']);
    pendingBytes = MAX_UNSENT_BYTES;
    vi.advanceTimersByTime(50);
    await settled();
    expect(windows(s)).toEqual(['init 8', 'ack 1', 'ack 5']);
    // Nothing is left that would be told again.
    expect(vi.getTimerCount()).toBe(0);
  });

  it('opens the window anew when it is connected again, less what is still queued', async () => {
    const pv = SharedPV.mailbox(counter(0));
    const s = new JoinedSession({ p: pv });
    const subscription = s.monitor('p', {}, { pvRequest: 'record[pipeline=true,queueSize=4]' });
    await settled();
    pv.post(counter(1));
    pv.post(counter(2));
    await settled();
    subscription.pop();
    s.serverDown();
    await settled();
    s.serverUp();
    await settled();
    expect(windows(s)).toEqual(['init 4', 'init 2']);
    for (let i = 0; i < 2; i++) subscription.pop();
    await settled();
    expect(windows(s)).toEqual(['init 4', 'init 2', 'ack 2']);
    expect(subscription.pop()?.get('value')).toBe(2);
    subscription.close();
    vi.advanceTimersByTime(1000);
    await settled();
    expect(windows(s)).toEqual(['init 4', 'init 2', 'ack 2']);
  });
});
