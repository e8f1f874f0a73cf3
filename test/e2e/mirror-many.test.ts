/** One mirror-server for hundreds of channels: all of them right, counted one by one, over one connection a server. */
import { readdirSync, readFileSync } from 'node:fs';
import { Server, SharedPV, serverConfigFromEnv, struct, Value } from 'epics-pva-ts';
import { describe, expect } from 'vitest';
import { mirrorRows } from './support/mirror.ts';
import { it, until, type World } from './support/world.ts';

const CHANNELS = 500;
/** Large enough that values which are kept by mistake are seen in the memory of the process. */
const BYTES = 10_000;
const TYPE = struct('', { n: 'int', data: 'ubyte[]' });

interface Sources {
  readonly server: Server;
  readonly pvs: readonly SharedPV[];
}

/** A value whose data belong to its number. */
function holding(n: number): Value {
  return Value.create(TYPE, { n, data: new Uint8Array(BYTES).fill(n) });
}

/** Serves `<name>:0`, `<name>:1`, ..., which hold their own numbers. */
async function serve(world: World, name: string, count: number): Promise<Sources> {
  const server = new Server({ ...serverConfigFromEnv(world.env), tcpPort: 0 });
  const pvs = numbers(count, (i) => SharedPV.readonly(holding(i)));
  for (const [i, pv] of pvs.entries()) server.addPV(`${name}:${i}`, pv);
  world.own(await server.start());
  return { server, pvs };
}

/** The channel map that mirrors them as `mirror:<name>:0`, ... */
function mapOf(name: string, count: number): string {
  return numbers(count, (i) => `(mirror:${name}:${i},${name}:${i},pva,100)`).join(',');
}

/** How often channel i changes. */
const changes = (i: number): number => 1 + (i % 7);

/** Channel i goes on from n = i + before to i + before + changes(i). */
function change({ pvs }: Sources, before = 0): void {
  for (const [i, pv] of pvs.entries()) for (let k = 1; k <= changes(i); k++) pv.post(holding(i + before + k));
}

/** The n of every mirror; each has the data that belong to it. */
async function mirrored(world: World, name: string, count: number): Promise<number[]> {
  return Promise.all(
    numbers(count, async (i) => {
      const value = await world.context.get(`mirror:${name}:${i}`, { timeout: 30 });
      const [n, data] = [Number(value.get('n')), value.get('data') as Uint8Array];
      const wrong = data.findIndex((byte) => byte !== n % 256);
      expect([i, data.length, wrong]).toEqual([i, BYTES, -1]);
      return n;
    }),
  );
}

function numbers<T>(count: number, of: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => of(i));
}

/** Waits until so many mirrors are served. */
async function served(world: World, count: number): Promise<void> {
  await until(async () => {
    const rows = [...(await mirrorRows(world)).values()];
    expect(rows.filter(({ connected }) => connected)).toHaveLength(count);
  }, 30_000);
}

describe('mirror-server with hundreds of channels', () => {
  it('serves each with its value, counts each, and ends', async ({ world }) => {
    const sources = await serve(world, 'a', CHANNELS);
    const mirror = await world.start(`mirror-server -cm '${mapOf('a', CHANNELS)}' -sc mirror:status`);
    await served(world, CHANNELS);
    expect(await mirrored(world, 'a', CHANNELS)).toEqual(numbers(CHANNELS, (i) => i));

    change(sources);
    await until(async () => {
      const rows = await mirrorRows(world);
      const counted = numbers(CHANNELS, (i) => Number(rows.get(`mirror:a:${i}`)?.['nReceived']));
      expect(counted.findIndex((n, i) => n !== 1 + changes(i))).toBe(-1);
    }, 30_000);
    expect(await mirrored(world, 'a', CHANNELS)).toEqual(numbers(CHANNELS, (i) => i + changes(i)));
    const rows = await mirrorRows(world);
    expect(rows.size).toBe(CHANNELS);
    for (let i = 0; i < CHANNELS; i++)
      expect(rows.get(`mirror:a:${i}`)).toMatchObject({
        source: `a:${i}`,
        connected: true,
        nReceived: BigInt(1 + changes(i)),
        nPublished: BigInt(1 + changes(i)),
        nOverruns: 0n,
        nDisconnects: 0n,
        monitors: 1,
        connectedMonitors: 1,
      });

    expect(await mirror.stop()).toMatchObject({ code: 0, killed: false });
    const printed = mirror.lines.map(({ text }) => text.replace(/ @ [\d.]+:/, ':'));
    expect(printed.slice(printed.indexOf('Channel counters:') + 1)).toEqual(
      numbers(CHANNELS, (i) => `Channel mirror:a:${i}: {'nReceived': ${1 + changes(i)}, 'nOverruns': 0}`),
    );
    await until(() => expect(sources.server.report().connections).toEqual([]));
  });

  // Handles and memory are read from /proc.
  it.skipIf(process.platform !== 'linux')(
    'needs one connection to each of their servers, and keeps no old values',
    async ({ world }) => {
      const half = CHANNELS / 2;
      const [a, b] = [await serve(world, 'a', half), await serve(world, 'b', half)];
      const map = `${mapOf('a', half)},${mapOf('b', half)}`;
      const mirror = await world.start(`mirror-server -cm '${map}' -sc mirror:status`);
      const handles = (): number => readdirSync(`/proc/${mirror.pid}/fd`).length;
      const megabytes = (): number => {
        const [, kB] = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${mirror.pid}/status`, 'utf8')) ?? [];
        return Number(kB) / 1000;
      };
      const connections = (...all: Sources[]): number[] =>
        all.map(({ server }) => server.report().connections.length);
      await served(world, CHANNELS);
      expect(connections(a, b)).toEqual([1, 1]);
      // Two connections and a client, the sockets of searches, and what Node itself needs; those of its warm-up for a moment.
      const before = await until(() => {
        const count = handles();
        expect(count).toBeLessThan(50);
        return count;
      });

      const last: number[] = [];
      world.context.monitor(
        `mirror:a:${half - 1}`,
        { pvRequest: 'record[queueSize=100]field(n)' },
        { update: (value) => void last.push(Number(value.get('n'))) },
      );
      const memory = megabytes();
      const rounds = 40;
      const step = changes(half - 1);
      for (let round = 0; round < rounds; round++) {
        change(a, round * step);
        await until(() => expect(last.at(-1)).toBe(half - 1 + (round + 1) * step), 30_000);
      }
      const sent = (rounds * numbers(half, changes).reduce((sum, n) => sum + n, 0) * BYTES) / 1e6;
      expect(sent).toBeGreaterThan(350);
      expect(megabytes() - memory).toBeLessThan(sent / 2);

      await a.server.close();
      await served(world, half);
      const again = await serve(world, 'a', half);
      await served(world, CHANNELS);
      expect(connections(again, b)).toEqual([1, 1]);
      expect(await mirrored(world, 'a', half)).toEqual(numbers(half, (i) => i));
      expect(handles() - before).toBeLessThan(5);
      const rows = await mirrorRows(world);
      for (const [name, nDisconnects] of [
        ['a', 1n],
        ['b', 0n],
      ] as const)
        for (let i = 0; i < half; i++)
          expect(rows.get(`mirror:${name}:${i}`)).toMatchObject({ nDisconnects });
      expect(await mirror.stop()).toMatchObject({ code: 0, killed: false });
    },
  );
});
