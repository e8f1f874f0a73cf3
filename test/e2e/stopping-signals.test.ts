/**
 * hpc-collector, mirror-server and the output of hpc-consumer told to end by SIGINT or SIGTERM, once and twice, as hpc-consumer in
 * stopping.test.ts: the first signal has them give away what they hold, within a bound; the second ends them at once.
 */
import { NTNDArray, Server, SharedPV, serverConfigFromEnv, struct, Value } from 'epics-pva-ts';
import { describe, expect } from 'vitest';
import { statusWhen } from './support/consumer.ts';
import { Detector } from './support/detector.ts';
import { mirrorRows } from './support/mirror.ts';
import { Unguarded } from './support/unguarded.ts';
import { it, until, type World } from './support/world.ts';

const ONCE = ['SIGTERM', 'SIGINT'] as const;
const TWICE = [
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const;

describe.concurrent('hpc-collector', () => {
  const SORTING =
    'hpc-collector -ic producer:* -pid 1,2 -sc consumer:1:status -sp 0.1 -ccs 50 -ll warning ' +
    '-pf test/e2e/fixtures/lifecycle-processor.ts';
  const COLLECTOR = `${SORTING} -pc Asynchronous`;
  const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

  /** Has received these objects of two producers, the first of which is being processed. */
  async function collecting(world: World, line: string, ids: readonly number[]): Promise<Unguarded> {
    const pvs = [1, 2].map(() => SharedPV.readonly(NTNDArray.create({ uniqueId: 0 }).value));
    const server = new Server({ ...serverConfigFromEnv(world.env), tcpPort: 0 });
    for (const [i, pv] of pvs.entries()) server.addPV(`producer:${i + 1}`, pv);
    world.own(await server.start());
    const collector = Unguarded.start(world, line);
    const figure = async (path: string): Promise<unknown> => {
      const status = await world.context.get('consumer:1:status', { timeout: 30 });
      return status.get(path);
    };
    await until(async () => expect(await figure('collectorStats.nConnected')).toBe(2), 30_000);
    for (const [index, id] of ids.entries()) {
      pvs[id % 2]?.post(NTNDArray.create({ uniqueId: id }).value.mark());
      // The queues of the producers' server are short: each update is there before the next of its producer.
      await until(async () => expect(await received(world)).toBe(index + 3));
    }
    return collector;
  }

  async function received(world: World): Promise<number> {
    const status = await world.context.get('consumer:1:status', { timeout: 30 });
    return [1, 2].reduce(
      (sum, id) => sum + Number(status.get(`producerStats_${id}.receiverStats.nReceived`)),
      0,
    );
  }

  it.for(ONCE)('%s: works off what it has collected, in order', async (signal, { world }) => {
    const line = `${COLLECTOR} --processor-args '{"ms":200}' --drain-timeout 30`;
    const collector = await collecting(world, line, upTo(10));
    collector.signal(signal);
    expect(await collector.exited).toEqual({ code: 0, signal: null });
    const ends = world.lines('events-1').filter((event) => event.startsWith('end '));
    expect(ends).toEqual(Array.from({ length: 10 }, (_, i) => `end ${i + 1}`));
    expect(world.lines('events-1').at(-1)).toBe('stop');
    expect(collector.stdout).toMatch(/'nProcessed': 10,/);
    expect(collector.stdout).not.toContain('Not processed');
  });

  /** What is behind 3, which does not come, stays in the cache. */
  const GAP = [1, 2, 4, 6, 8, 10, 12, 14];

  it('ends when the time to drain is over, though its processor blocks', async ({ world }) => {
    const line = `${SORTING} -pc Synchronous --processor-args '{"ms":500}' -gt 1000 --drain-timeout 1`;
    const collector = await collecting(world, line, GAP);
    collector.signal('SIGTERM');
    expect(await collector.exited).toEqual({ code: 0, signal: null });
    const ends = world.lines('events-1').filter((event) => event.startsWith('end '));
    expect(ends).toEqual(GAP.slice(0, ends.length).map((id) => `end ${id}`));
    expect(ends.length).toBeGreaterThan(2);
    expect(ends.length).toBeLessThan(GAP.length);
    expect(collector.stdout).toContain(`Not processed: ${GAP.length - ends.length} object(s)`);
  });

  it('drops what it has collected if there is no time to drain', async ({ world }) => {
    const line = `${SORTING} -pc Synchronous -gt 1000 --drain-timeout 0`;
    const collector = await collecting(world, line, GAP);
    collector.signal('SIGTERM');
    expect(await collector.exited).toEqual({ code: 0, signal: null });
    const ends = world.lines('events-1').filter((event) => event.startsWith('end '));
    expect(ends).toEqual(['end 1', 'end 2']);
    expect(collector.stdout).toContain('Not processed: 6 object(s)');
  });

  it.for(TWICE)('a second %s ends it at once, with exit code %d', async ([signal, code], { world }) => {
    // More than the test waits for. Each producer is held back while an object of its is due and not processed.
    const line = `${COLLECTOR} --processor-args '{"ms":100000}' --drain-timeout 1000`;
    const collector = await collecting(world, line, upTo(2));
    const state = async (): Promise<unknown> => (await world.context.get('consumer:1:status')).get('state');
    expect(await state()).toBe('running');
    collector.signal(signal);
    await until(async () => expect(await state()).toBe('draining'));
    collector.signal(signal);
    expect(await collector.exited).toEqual({ code, signal: null });
    expect(world.lines('events-1')).not.toContain('stop');
    await collector.nothingLeft();
  });
});

describe.concurrent('the output of a stage', () => {
  /** More than the computer's buffers hold. */
  const IMAGES = 40;
  const STAGE = `hpc-consumer -ic pvapy:image -oc first:out -sc consumer:1:status -cc consumer:1:control -sqs ${IMAGES} -pc UserDataProcessor`;

  /** Has published so many images of 1 MB. */
  async function published(world: World, detector: Detector, count: number): Promise<void> {
    await detector.publish(count);
    await statusWhen(world, 1, 'published', (s) => s.publisherStats.nPublished === count);
  }

  it.for(ONCE)('%s: gives a slow reader everything that was published', async (signal, { world }) => {
    const detector = await Detector.start(world, { nx: 1000, ny: 1000 });
    const first = Unguarded.start(world, `${STAGE} --drain-timeout 60`);
    const reader = Unguarded.start(
      world,
      `hpc-consumer -id 2 -ic first:out -sc consumer:2:status -cc consumer:2:control -sqs ${IMAGES} ` +
        `-pf test/e2e/fixtures/lifecycle-processor.ts -pc Asynchronous --processor-args '{"ms":100}'`,
    );
    await detector.subscribers(1);
    await statusWhen(world, 2, 'connected', (s) => s.receiverStats.nReceived === 1);
    await published(world, detector, IMAGES);
    first.signal(signal);
    expect(await first.exited).toEqual({ code: 0, signal: null });
    expect(first.stdout).not.toContain('Not sent');
    const ends = (): string[] => world.lines('events-2').filter((event) => event.startsWith('end '));
    await until(() => expect(ends()).toEqual(Array.from({ length: IMAGES }, (_, i) => `end ${i + 1}`)));
    reader.signal('SIGTERM');
    expect(await reader.exited).toEqual({ code: 0, signal: null });
    expect(reader.stdout).toMatch(/'nMissed': 0,/);
  });

  it.for([1, 2])(
    'that a client does not take is counted when the time to drain is over: %d consumer(s)',
    async (count, { world }) => {
      const detector = await Detector.start(world, { nx: 1000, ny: 1000 });
      const line = STAGE.replace('first:out', 'first:*').replaceAll('consumer:1', 'consumer:*');
      const first = Unguarded.start(world, `${line} -nc ${count} --drain-timeout 0 --fail-on-loss`);
      const request = `pvmonitor -r 'record[queueSize=${IMAGES}]field()'`;
      const client = Unguarded.start(world, `${request} first:1`);
      await detector.subscribers(count);
      await client.printed(/^first:1/);
      client.signal('SIGSTOP');
      await published(world, detector, IMAGES);
      first.signal('SIGTERM');
      expect(await first.exited).toEqual({ code: 3, signal: null });
      const [, unsent = ''] =
        /^Not sent: (\d+) object\(s\) that clients of the output channel did not take$/m.exec(first.stdout) ??
        [];
      expect(Number(unsent)).toBeGreaterThan(0);
      expect(Number(unsent)).toBeLessThanOrEqual(IMAGES);
      expect(first.stderr).toContain(
        `hpc-consumer: objects were lost: ${unsent} not sent when it ended (--fail-on-loss)`,
      );
    },
  );
});

describe.concurrent('mirror-server', () => {
  const UPDATES = 40;
  const MIRROR = `mirror-server -cm '(mirror,source,pva,${UPDATES})' -sc mirror:status`;
  const type = struct('', { n: 'int', data: 'ubyte[]' });

  interface Mirror {
    readonly mirror: Unguarded;
    readonly source: SharedPV;
  }

  async function mirroring(world: World, line: string): Promise<Mirror> {
    const source = SharedPV.readonly(Value.create(type, { n: 0 }));
    world.own(await new Server({ ...serverConfigFromEnv(world.env) }).addPV('source', source).start());
    return { mirror: Unguarded.start(world, line), source };
  }

  /** Has more for a client than the computer's buffers hold, and the client takes none of it. */
  async function stuck(world: World, line: string): Promise<Mirror> {
    const started = await mirroring(world, line);
    const client = Unguarded.start(world, `pvmonitor -r 'record[queueSize=${UPDATES}]field()' mirror`);
    await client.printed(/^mirror/);
    client.signal('SIGSTOP');
    const data = new Uint8Array(1_000_000);
    for (let n = 1; n <= UPDATES; n++) started.source.post(Value.create(type, { n, data }));
    await until(async () =>
      expect((await mirrorRows(world)).get('mirror')).toMatchObject({ nReceived: BigInt(UPDATES + 1) }),
    );
    return started;
  }

  it.for(ONCE)('%s: gives its clients what was received, and ends', async (signal, { world }) => {
    const { mirror, source } = await mirroring(world, MIRROR);
    const seen: number[] = [];
    world.context.monitor(
      'mirror',
      { pvRequest: `record[queueSize=${UPDATES}]field()` },
      { update: (value) => void seen.push(Number(value.get('n'))) },
    );
    await until(() => expect(seen).toEqual([0]), 30_000);
    for (let n = 1; n <= UPDATES; n++) source.post(Value.create(type, { n }));
    await until(() => expect(seen.length).toBeGreaterThan(1));
    mirror.signal(signal);
    expect(await mirror.exited).toEqual({ code: 0, signal: null });
    const [, received] = /'nReceived': (\d+)/.exec(mirror.stdout) ?? [];
    await until(() => expect(seen).toEqual(Array.from({ length: Number(received) }, (_, n) => n)));
    expect(mirror.stdout).toMatch(/^Server was interrupted after/m);
    expect(mirror.stdout).not.toContain('Not sent');
  });

  it('ends when the time to drain is over, and counts what a client has not taken', async ({ world }) => {
    const { mirror } = await stuck(world, `${MIRROR} --drain-timeout 0.5`);
    mirror.signal('SIGTERM');
    expect(await mirror.exited).toEqual({ code: 0, signal: null });
    const [, unsent] = /^Not sent: (\d+) update\(s\) that clients did not take$/m.exec(mirror.stdout) ?? [];
    expect(Number(unsent)).toBeGreaterThan(0);
    expect(Number(unsent)).toBeLessThanOrEqual(UPDATES);
  });

  it.for(TWICE)('a second %s ends it at once, with exit code %d', async ([signal, code], { world }) => {
    const { mirror, source } = await stuck(world, `${MIRROR} --drain-timeout 1000`);
    expect(source.subscriberCount).toBe(1);
    mirror.signal(signal);
    // It receives nothing more: now it waits for the client.
    await until(() => expect(source.subscriberCount).toBe(0));
    mirror.signal(signal);
    expect(await mirror.exited).toEqual({ code, signal: null });
    expect(mirror.stdout).not.toContain('Channel counters');
    await mirror.nothingLeft();
  });
});
