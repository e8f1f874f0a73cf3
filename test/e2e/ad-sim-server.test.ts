/** The command ad-sim-server as its clients see it: images, rates, caches, delays, reports. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { NTNDArray, toSeconds } from 'epics-pva-ts';
import { afterAll, beforeAll, describe, expect, it as plain } from 'vitest';
import type { Child } from '../../bench/peers/child.ts';
import { idsFrom } from './support/consumer.ts';
import { holdSimulator } from './support/held-simulator.ts';
import { collectImages } from './support/processing.ts';
import { it, ROOT, until, World } from './support/world.ts';

/** One image, with all that was read from it at once. */
interface Image {
  readonly id: number;
  readonly pixels: ArrayLike<number>;
  readonly dimensions: readonly number[];
  /** Seconds. */
  readonly time: number;
}

/** The images of a channel from the present one on. */
function collect(world: World, channel = 'pvapy:image'): Promise<readonly Image[]> {
  return collectImages(world, channel, (frame) => ({
    id: frame.uniqueId,
    pixels: frame.pixels as ArrayLike<number>,
    dimensions: frame.dimensions.map((d) => d.size),
    time: toSeconds(frame.timeStamp),
  }));
}

/** A file in NumPy's format, version 1.0. */
function npy(
  descr: string,
  shape: readonly number[],
  data: Uint8Array | Uint16Array | Float32Array,
): Uint8Array {
  const dictionary = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;
  const header = `${dictionary.padEnd(117)}\n`;
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return Buffer.concat([Buffer.from('\x93NUMPY\x01\x00\x76\x00', 'latin1'), Buffer.from(header), bytes]);
}

/** When a simulator that has ended printed the first such line, in ms of its own clock (stamp-lines.mjs). */
function timeOf(child: Child, pattern: RegExp): number {
  const stamps = child.lines.map(({ text }) => /^@([\d.]+) (.*)/.exec(text));
  return Number(stamps.find((stamp) => stamp && pattern.test(stamp[2] as string))?.[1]);
}

describe('generated images', () => {
  const TYPES = {
    int8: Int8Array,
    uint8: Uint8Array,
    int16: Int16Array,
    uint16: Uint16Array,
    int32: Int32Array,
    uint32: Uint32Array,
    int64: BigInt64Array,
    uint64: BigUint64Array,
    float32: Float32Array,
    float64: Float64Array,
  } as const;
  /** Colour mode to dimensions of 6 x 4 pixels, fastest first (areaDetector). */
  const MODES = { 0: [6, 4], 2: [3, 6, 4], 3: [6, 3, 4], 4: [6, 4, 3] } as const;
  const all = Object.keys(TYPES).flatMap((type) => Object.keys(MODES).map((mode) => [type, mode] as const));

  let world: World;
  beforeAll(async () => {
    world = await World.create();
  });
  afterAll(() => world[Symbol.asyncDispose]());

  plain.concurrent.for(all)('%s, colour mode %s', async ([type, mode]) => {
    const channel = `camera:${type}:${mode}`;
    const simulator = await world.start(
      `ad-sim-server -cn ${channel} -nx 6 -ny 4 -dt ${type} -cm ${mode} -nf 2 -fps 50 -std 0.2 -shd 0 -rp 0`,
    );
    await simulator.waitForLine(/^Serving /, 15_000);
    const seen: NTNDArray[] = [];
    world.context.monitor(channel, {}, { update: (value) => void seen.push(new NTNDArray(value)) });
    await until(() => expect(seen.at(-1)?.uniqueId).toBeGreaterThan(0));
    const frame = seen.at(-1) as NTNDArray;
    const elementType = TYPES[type as keyof typeof TYPES];
    const dimensions = MODES[Number(mode) as keyof typeof MODES];
    const nElements = dimensions.reduce((n, size) => n * size, 1);
    expect(frame.pixels).toBeInstanceOf(elementType);
    expect(frame.pixels?.length).toBe(nElements);
    expect(frame.dimensions.map((d) => d.size)).toEqual(dimensions);
    expect([frame.width, frame.height, frame.colorMode]).toEqual([6, 4, Number(mode)]);
    expect(frame.uncompressedSize).toBe(nElements * elementType.BYTES_PER_ELEMENT);
    expect(frame.codec.name).toBe('');
    expect(frame.timeStamp).toEqual(frame.dataTimeStamp);
    expect(Math.abs(Number(frame.timeStamp.secondsPastEpoch) - Date.now() / 1000)).toBeLessThan(30);
    expect(await simulator.stop()).toMatchObject({ code: 0, killed: false });
  });

  plain.concurrent.for([
    ['integers, the maximum excluded', 'uint8 -mn 10 -mx 13', [10, 11, 12]],
    ['negative numbers', 'int16 -mn -2 -mx 1', [-2, -1, 0]],
    ['one value', 'uint16 -mn 700 -mx 700', [700]],
  ] as const)('values in a range: %s', async ([, options, values]) => {
    const channel = `range:${values.join(':')}`;
    const simulator = await world.start(
      `ad-sim-server -cn ${channel} -nx 32 -ny 32 -nf 1 -fps 50 -std 0 -shd 0 -rp 0 -dt ${options}`,
    );
    await simulator.waitForLine(/^Serving /, 15_000);
    const images = await collect(world, channel);
    await until(() => expect(images.length).toBeGreaterThan(0));
    expect([...new Set(Array.from(images[0]?.pixels ?? []))].sort((a, b) => a - b)).toEqual(values);
    expect(await simulator.stop()).toMatchObject({ code: 0 });
  });

  plain.concurrent('before the first image the channel holds an empty one', async () => {
    const simulator = await world.start('ad-sim-server -cn empty -nf 1 -std 60');
    const frame = new NTNDArray(await world.context.get('empty', { timeout: 15 }));
    expect([frame.uniqueId, frame.pixels, frame.dimensions]).toEqual([0, undefined, []]);
    expect(await simulator.stop()).toMatchObject({ code: 0, killed: false });
  });
});

describe.concurrent('images from files', () => {
  const stack = Uint16Array.from({ length: 3 * 4 * 6 }, (_, i) => i * 100);
  const image = (n: number): number[] => Array.from(stack.subarray(n * 24, (n + 1) * 24));

  it('of a stack are served again and again, numbers going on', async ({ world }) => {
    const file = world.file('stack.npy', npy('<u2', [3, 4, 6], stack));
    const simulator = await world.start(`ad-sim-server -if ${file} -fps 50 -std 0.3 -rt 30 -shd 0 -rp 0`);
    await simulator.waitForLine(/^Number of input frames: 3 \(size: 6x4, 48B, type: uint16, /, 15_000);
    const images = await collect(world);
    await until(() => expect(images.length).toBeGreaterThan(7));
    for (const { id, pixels, dimensions } of images) {
      expect(dimensions).toEqual([6, 4]);
      expect(pixels).toBeInstanceOf(Uint16Array);
      expect(Array.from(pixels)).toEqual(image((id - 1) % 3));
    }
    const ids = images.map(({ id }) => id);
    expect(ids).toEqual(idsFrom(ids[0] ?? 0, ids.at(-1) ?? 0));
    expect(await simulator.stop()).toMatchObject({ code: 0, killed: false });
  });

  it('of a directory come in order of their names, and once when they do not fit the cache', async ({
    world,
  }) => {
    mkdirSync(`${world.folder}/in`);
    world.file('in/b.npy', npy('<u2', [4, 6], stack.subarray(48, 72)));
    world.file('in/a.npy', npy('<u2', [2, 4, 6], stack.subarray(0, 48)));
    world.file('in/notes.txt', 'not an image');
    const simulator = await holdSimulator(
      world,
      `ad-sim-server -id ${world.folder}/in -cs 2 -fps 20 -rt 30 -rp 1`,
    );
    const images = await collect(world);
    simulator.go();
    await simulator.child.waitForLine(/^Server exiting after publishing 3 frames$/, 15_000);
    await until(() => expect(images.map(({ id }) => id)).toEqual([1, 2, 3]));
    expect(images.map(({ pixels }) => Array.from(pixels))).toEqual([image(0), image(1), image(2)]);
    expect(await simulator.child.stop()).toMatchObject({ code: 0, killed: false });
  });
});

describe.concurrent('the cache', () => {
  it('recycles as many different images as asked for', async ({ world }) => {
    const simulator = await world.start(
      'ad-sim-server -nx 8 -ny 8 -nf 3 -cs 10 -fps 100 -std 0.3 -rt 30 -shd 0 -rp 0',
    );
    await simulator.waitForLine(/^Frame cache type: all frames, recycled .* \(cache size: 10\)$/, 15_000);
    const images = await collect(world);
    await until(() => expect(images.length).toBeGreaterThan(8));
    const kinds = new Map<string, Set<number>>();
    for (const { id, pixels } of images) {
      const key = Array.from(pixels).join();
      kinds.set(key, (kinds.get(key) ?? new Set()).add(id % 3));
    }
    expect([...kinds.values()].map((phases) => phases.size)).toEqual([1, 1, 1]);
    expect(await simulator.stop()).toMatchObject({ code: 0 });
  });

  it('that is smaller than the number of images lets each pass once', async ({ world }) => {
    const { code, stdout } = await world.run(
      'ad-sim-server -nx 8 -ny 8 -nf 25 -cs 10 -fps 200 -std 0 -rt 30 -shd 0 -rp 5',
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Frame cache type: queue, each frame is published once \(cache size: 10\)$/m);
    expect(stdout).toMatch(/^Server exiting after publishing 25 frames$/m);
    expect(stdout).toMatch(/^Published frames: +25 @ /m);
  });
});

describe('the rate', () => {
  it('is kept without drift, and every image arrives', async ({ world }) => {
    const [fps, runtime] = [500, 8];
    const held = await holdSimulator(
      world,
      `ad-sim-server -nx 64 -ny 64 -nf 20 -fps ${fps} -rt ${runtime} -rp 0`,
    );
    const simulator = held.child;
    const images = await collect(world);
    held.go();
    await simulator.waitForLine(/^Server exiting after reaching runtime/, 30_000);
    simulator.signal('SIGINT');
    const [, text, rate] = await simulator.waitForLine(/^Published frames: +(\d+) @ ([\d.]+) fps$/, 20_000);
    const published = Number(text);
    await until(() => expect(images.at(-1)?.id).toBe(published));
    expect(images.map(({ id }) => id)).toEqual(idsFrom(1, published));
    // Whoever is late catches up.
    expect(published).toBe(fps * runtime);
    // It may be caught up with after the runtime, for a second.
    expect(Number(rate)).toBeLessThan(1.05 * fps);
    expect(Number(rate)).toBeGreaterThan((0.95 * published) / (runtime + 1));
    // How late images are compared with the schedule: the same at the end as at the beginning, for those that no pause
    // of the computer made later.
    const lateness = images
      .map(({ id, time }) => time - (id - 1) / fps)
      .map((t) => t - (images[0]?.time ?? 0));
    const quarter = Math.floor(published / 4);
    const drift = Math.min(...lateness.slice(-quarter)) - Math.min(...lateness.slice(0, quarter));
    expect(Math.abs(drift)).toBeLessThan(0.02);
  });
});

describe.concurrent('start, reports and end', () => {
  it('keep the delays, and print what PvaPy prints', async ({ world }) => {
    const simulator = await world.start(
      'ad-sim-server -cn det:image -nx 100 -ny 50 -dt uint16 -mn 0 -mx 4095 -nf 5 -fps 100 -rt 0.5 -std 0.7 -shd 0.6 -rp 10',
      { NODE_OPTIONS: `--import=${join(ROOT, 'test/e2e/fixtures/stamp-lines.mjs')}` },
    );
    await simulator.waitForLine(/^Serving det:image on TCP port \d+$/, 15_000);
    await simulator.waitForLine(/^Published frame id +10 @/, 15_000);
    await simulator.waitForLine(/^Server exiting after reaching runtime of \d+\.\d{3} seconds$/, 15_000);
    expect(await simulator.waitForExit(20_000)).toMatchObject({ code: 0, signal: null });
    const [serving = 0, first = 0, exiting = 0, ended = 0] = [
      /^Serving /,
      /^Published frame id +10 @/,
      /^Server exiting /,
      /^exit$/,
    ].map((line) => timeOf(simulator, line));
    // Image 10 is due 0.09 s after the start delay.
    expect(first - serving).toBeGreaterThan(750);
    expect(first - serving).toBeLessThan(10_000);
    expect(ended - exiting).toBeGreaterThan(550);
    expect(ended - exiting).toBeLessThan(10_000);

    const text = simulator.lines.filter(({ stream }) => stream === 'stdout').map((line) => line.text);
    expect(text.filter((line) => /^(Generat|Range|Number of|Frame cache|Expected)/.test(line))).toEqual([
      'Generating random frames using color mode: MONO',
      'Generated frame shape: [100, 50]',
      'Range of generated values: [0,4095)',
      'Number of input frames: 5 (size: 100x50, 10000B, type: uint16, compressor: none, compressed size: 10000B)',
      'Frame cache type: all frames, recycled until the runtime is over (cache size: 1000)',
      'Expected data rate: 1.0000MBps (uncompressed: 1.0000MBps)',
    ]);
    const reports = text.filter((line) => line.startsWith('Published frame id'));
    for (const line of reports)
      expect(line).toMatch(
        /^Published frame id +\d+ @ \d+\.\d{3}s \(frame rate: \d+\.\d{4}fps; runtime: \d+\.\d{3}s\)$/,
      );
    const ids = reports.map((line) => Number(/id +(\d+)/.exec(line)?.[1]));
    expect(ids).toEqual(idsFrom(10, ids.at(-1) ?? 0, 10));
    const [runtime, frames, rate] = text.slice(-3);
    expect(runtime).toMatch(/^Server runtime: \d+\.\d{4} seconds$/);
    const [, n, fps] = /^Published frames: +(\d+) @ (\d+\.\d{4}) fps$/.exec(frames ?? '') ?? [];
    expect(Number(n)).toBeLessThanOrEqual(50);
    expect(Math.floor(Number(n) / 10)).toBe(reports.length);
    // Both lines are rounded from one figure: the rate printed is that of some frame rate that prints as this one.
    const printed = [-5e-5, 5e-5].map((half) => `Data rate: ${((Number(fps) + half) / 100).toFixed(4)}MBps`);
    expect(printed).toContain(rate);
  });

  it.for([
    ['before the first image', /^Serving /, '-std 60', 0],
    ['while it publishes', /^Published frame id +5 /, '-std 0 -rt 60', 5],
    ['while clients catch up', /^Server exiting after/, '-std 0 -rt 0.2 -shd 60', 1],
  ] as const)('Ctrl-C %s ends it at once and in order', async ([, moment, options, least], { world }) => {
    const simulator = await world.start(`ad-sim-server -nx 8 -ny 8 -nf 2 -fps 50 ${options}`);
    await simulator.waitForLine(moment, 15_000);
    simulator.signal('SIGINT');
    const [, published] = await simulator.waitForLine(/^Published frames: +(\d+) @ \d+\.\d{4} fps$/, 20_000);
    expect(Number(published)).toBeGreaterThanOrEqual(least);
    expect(await simulator.waitForExit(20_000)).toMatchObject({ code: 0, signal: null });
  });
});
