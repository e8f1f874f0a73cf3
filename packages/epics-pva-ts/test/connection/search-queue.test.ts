/** However many names are due at once, datagrams leave at a bounded rate, and none that is found is sent. */
import { describe, expect, it } from 'vitest';
import { SEARCH_BURST, SEARCH_INTERVAL, SearchQueue } from '../../src/connection/search-queue.ts';
import { SearchSchedule } from '../../src/connection/search-schedule.ts';

const MOST_PER_SECOND = (1000 / SEARCH_INTERVAL) * SEARCH_BURST;
const nameOf = (cid: number): string => `BL07:Detector${cid % 40}:Channel-${cid}`;

/** A client in virtual time: schedule and queue as the search engine joins them. */
class Client {
  readonly schedule = new SearchSchedule();
  readonly queue = new SearchQueue();
  private readonly perSecond = new Map<number, number>();
  now = 0;

  add(count: number, reason: 'new' | 'disconnected'): void {
    for (let cid = 0; cid < count; cid++) this.schedule.add(cid, this.now, reason);
  }

  /** Datagrams in each second from one on. */
  datagrams(from = 0): number[] {
    const seconds = Math.floor(this.now / 1000) - from + 1;
    return Array.from({ length: seconds }, (_, i) => this.perSecond.get(from + i) ?? 0);
  }

  /** Goes on until `until`; each datagram that leaves is shown to `server`, which says what it has. */
  run(until: number, server: (cid: number) => boolean): void {
    for (;;) {
      const at = Math.max(this.now, Math.min(this.schedule.nextTime(), this.queue.nextTime()));
      if (at > until) break;
      this.now = at;
      for (const cid of this.schedule.due(at)) this.queue.add(cid, nameOf(cid));
      for (const group of this.queue.take(at)) {
        const second = Math.floor(at / 1000);
        this.perSecond.set(second, (this.perSecond.get(second) ?? 0) + 1);
        for (const { cid } of group)
          if (server(cid)) {
            this.schedule.remove(cid);
            this.queue.remove(cid);
          }
      }
    }
    this.now = until;
  }
}

describe('search queue', () => {
  it('lets so many datagrams leave at once, then pauses', () => {
    const queue = new SearchQueue();
    for (let cid = 0; cid < 5000; cid++) queue.add(cid, nameOf(cid));
    expect(queue.take(1000)).toHaveLength(SEARCH_BURST);
    expect(queue.nextTime()).toBe(1000 + SEARCH_INTERVAL);
    expect(queue.take(1000 + SEARCH_INTERVAL - 1)).toEqual([]);
    expect(queue.take(queue.nextTime())).toHaveLength(SEARCH_BURST);
    expect(queue.counters).toMatchObject({ datagrams: 2 * SEARCH_BURST, peakQueued: 5000 });
    expect(queue.size).toBe(5000 - queue.counters.names);
  });

  it('sends every name once, in the order it came', () => {
    const queue = new SearchQueue();
    for (let cid = 0; cid < 3000; cid++) queue.add(cid, nameOf(cid));
    queue.add(7, nameOf(7));
    const sent: number[] = [];
    for (let time = 0; queue.size > 0; time += SEARCH_INTERVAL)
      for (const group of queue.take(time)) sent.push(...group.map((c) => c.cid));
    expect(sent).toEqual(Array.from({ length: 3000 }, (_, cid) => cid));
    expect(queue.nextTime()).toBe(Number.POSITIVE_INFINITY);
  });

  it('does not send a name that was found while it waited', () => {
    const queue = new SearchQueue();
    queue.add(1, 'a');
    queue.add(2, 'b');
    queue.remove(1);
    expect(queue.take(0)).toEqual([[{ cid: 2, name: 'b' }]]);
  });
});

describe('10,000 channels of a server that dies', () => {
  const COUNT = 10_000;

  it('are searched at a bounded rate, rarer and rarer while it is away, and all found soon when it is back', () => {
    const client = new Client();
    const has = new Set<number>();
    let up = false;
    const server = (cid: number): boolean => up && has.add(cid).has(cid);
    client.add(COUNT, 'disconnected');
    client.run(600_000, server);
    expect(client.schedule.size).toBe(COUNT);
    expect(Math.max(...client.datagrams())).toBeLessThan(MOST_PER_SECOND / 5);
    // Once in 30 s each: the ring is level, about 1/30 of the names a second, some 40 to a datagram.
    const late = client.datagrams(540);
    expect(late.reduce((a, b) => a + b, 0) / late.length).toBeLessThan(12);

    up = true;
    client.schedule.boost(client.now);
    client.run(606_500, server);
    expect(has.size).toBe(COUNT);
    expect(client.schedule.size).toBe(0);
    expect(Math.max(...client.datagrams(600))).toBeLessThan(MOST_PER_SECOND / 5);
  });

  it('are not searched in a storm by a thousand servers that announce themselves', () => {
    const client = new Client();
    client.add(COUNT, 'disconnected');
    for (let beacon = 0; beacon < 1000; beacon++) {
      client.run(beacon * 60, () => false);
      client.schedule.boost(client.now);
    }
    expect(client.schedule.boostCounts).toEqual({ boosts: 2, heldOff: 998 });
    expect(Math.max(...client.datagrams())).toBeLessThan(MOST_PER_SECOND / 2);
  });

  it('that are asked for at once leave within half a second, not in one burst', () => {
    const client = new Client();
    client.add(COUNT, 'new');
    const first: number[] = [];
    client.run(20, (cid) => first.push(cid) > 0);
    expect(client.queue.counters.datagrams).toBeLessThanOrEqual(SEARCH_BURST);
    client.run(700, () => true);
    expect(client.schedule.size).toBe(0);
    expect(client.datagrams()[0]).toBeLessThanOrEqual(MOST_PER_SECOND);
  });
});
