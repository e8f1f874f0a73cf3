/** The inputs of ad-sim-server as clients see them: HDF5, TIFF and raw binary files, colour layouts, compression. */
import { copyFileSync, mkdirSync } from 'node:fs';
import { NTNDArray } from 'epics-pva-ts';
import { describe, expect } from 'vitest';
import { codeBlocks, commandLinesOf } from '../docs/support/documents.ts';
import { status } from './support/consumer.ts';
import { holdSimulator } from './support/held-simulator.ts';
import { collectImages } from './support/processing.ts';
import { it, until, type World, withOptions } from './support/world.ts';

const HDF5 = 'test/fixtures/hdf5/v110.h5';
const TIFF = 'test/fixtures/tiff';

const whole = (frame: NTNDArray): NTNDArray => frame;

/** Runs a simulator until `n` frames have come, and says what it printed. */
async function stream(
  world: World,
  options: string,
  n: number,
  channel = 'pvapy:image',
): Promise<{ all: readonly NTNDArray[]; text: string }> {
  const simulator = await world.start(
    `ad-sim-server -cn ${channel} ${options} -fps 50 -std 0.5 -rt 30 -shd 0 -rp 0`,
  );
  await simulator.waitForLine(/^Serving /, 30_000);
  const all = await collectImages(world, channel, whole);
  await until(() => expect(all.length).toBeGreaterThanOrEqual(n), 30_000);
  expect(await simulator.stop()).toMatchObject({ code: 0, killed: false });
  return { all, text: simulator.lines.map((line) => line.text).join('\n') };
}

/** Pixels of frame `f` of the HDF5 files (make.py). */
const hdf5Pixels = (f: number): Uint16Array =>
  Uint16Array.from({ length: 64 * 80 }, (_, i) => f * 1000 + Math.floor(i / 64) * 5 + ((i % 64) >> 4));

describe.concurrent('HDF5 files', () => {
  it('are decompressed', async ({ world }) => {
    const { all, text } = await stream(world, `-if ${HDF5} -hds /entry/data/bslz4`, 5);
    expect(text).toMatch(/^Loaded input file .*v110\.h5 \(3 frames of 64x80 uint16\)$/m);
    for (const frame of all) {
      expect([frame.codec.name, frame.width, frame.height]).toEqual(['', 64, 80]);
      expect(frame.pixels).toEqual(hdf5Pixels((frame.uniqueId - 1) % 3));
    }
  });

  it.for(['bslz4', 'lz4', 'blosc'])('are streamed as they are stored, %s', async (codec, { world }) => {
    const { all, text } = await stream(world, `-if ${HDF5} -hds /entry/data/${codec} -hcm`, 3);
    const size = all[0]?.compressedSize;
    expect(text).toMatch(
      new RegExp(`^Number of input frames: 3 .*compressor: ${codec}, compressed size: \\d+B\\)$`, 'm'),
    );
    expect(size).toBeLessThan(2000);
    for (const frame of all) {
      expect([frame.codec, frame.uncompressedSize]).toEqual([{ name: codec, parameters: 6 }, 10_240]);
      expect(frame.compressedSize).toBe((frame.pixels as Uint8Array).length);
      expect((await frame.decompress()).pixels).toEqual(hdf5Pixels((frame.uniqueId - 1) % 3));
    }
  });
});

describe.concurrent('TIFF and raw binary files', () => {
  it('of a directory, once, in order', async ({ world }) => {
    mkdirSync(`${world.folder}/scan`);
    for (const name of ['stack.tif', 'lzw-predictor.tif'])
      copyFileSync(`${TIFF}/${name}`, `${world.folder}/scan/${name}`);
    world.file('scan/log.txt', 'not an image');
    const held = await holdSimulator(
      world,
      `ad-sim-server -id ${world.folder}/scan --playback once -fps 50 -rt 30 -rp 0`,
    );
    const simulator = held.child;
    await simulator.waitForLine(/^Skipped 1 file \(not .*\): log\.txt$/, 15_000);
    await simulator.waitForLine(/^Frame cache type: queue, each frame is published once /, 15_000);
    const all = await collectImages(world, 'pvapy:image', whole);
    held.go();
    await simulator.waitForLine(/^Server exiting after publishing 4 frames$/, 15_000);
    await until(() => expect(all.map((frame) => frame.uniqueId)).toEqual([1, 2, 3, 4]));
    expect(all.map((frame) => (frame.pixels as Uint16Array)[0])).toEqual([0, 0, 1000, 2000]);
    expect(await simulator.stop()).toMatchObject({ code: 0, killed: false });
  });

  it('in the layout of colours that is asked for', async ({ world }) => {
    const { all, text } = await stream(world, `-if ${TIFF}/rgb.tif -cm 4`, 2);
    expect(text).toMatch(/^Publishing color mode: RGB3$/m);
    const [frame] = all as [NTNDArray];
    expect([frame.colorMode, frame.dimensions.map((d) => d.size)]).toEqual([4, [20, 18, 3]]);
    const first = ((frame.uniqueId - 1) % 2) * 1000;
    // The first pixels of the planes red, green and blue.
    const pixels = frame.pixels as Uint8Array;
    expect([pixels[0], pixels[1], pixels[360], pixels[720]]).toEqual(
      [first, first + 1, first + 7, first + 14].map((v) => v & 255),
    );
  });

  it('as a description in YAML says', async ({ world }) => {
    world.file(
      'frames.bin',
      Buffer.concat([Buffer.alloc(16), Buffer.from([0, 1, 0, 2, 0, 3, 0, 4, 9, 0, 5, 0, 6, 0, 7, 0, 8])]),
    );
    const config = world.file(
      'frames.yaml',
      'file_info:\n  header_offset: 16\n  between_frames: 1\n  width: 2\n  height: 2\n  datatype: uint16\n  endian: big\n  ordered_files: [frames.bin]\n',
    );
    const { all } = await stream(world, `-cfg ${config}`, 2);
    for (const frame of all)
      expect(Array.from(frame.pixels as Uint16Array)).toEqual(
        frame.uniqueId % 2 === 1 ? [1, 2, 3, 4] : [5, 6, 7, 8],
      );
  });
});

describe.concurrent('compression on the fly', () => {
  it.for(['lz4', 'bslz4', 'lz4hdf5'])('%s: every pixel arrives', async (codec, { world }) => {
    const generated = '-nx 100 -ny 90 -dt uint16 -mn 0 -mx 16 -nf 3';
    const { all, text } = await stream(world, `${generated} --codec ${codec}`, 4);
    expect(text).toMatch(new RegExp(`^Compressing frames: ${codec}$`, 'm'));
    expect(text).toMatch(/^Expected data rate: 0\.\d{4}MBps \(uncompressed: 0\.9000MBps\)$/m);
    expect(text).toMatch(/^Data rate: [\d.]+MBps \(uncompressed: [\d.]+MBps\)$/m);
    // The same frames, not compressed: generated frames are the same in every run.
    const plain = await stream(world, generated, 3, 'plain');
    const pixels = new Map(plain.all.map((frame) => [frame.uniqueId % 3, frame.pixels]));
    for (const frame of all) {
      expect([frame.codec, frame.uncompressedSize]).toEqual([{ name: codec, parameters: 6 }, 18_000]);
      expect(frame.compressedSize).toBeLessThan(codec === 'bslz4' ? 5_500 : 16_000);
      expect(frame.decompressSync().pixels).toEqual(pixels.get(frame.uniqueId % 3));
    }
  });

  it('a consumer measures the pixels, not the bytes', async ({ world }) => {
    const expected = Array.from({ length: 3 }, (_, f) => hdf5Pixels(f)).map((pixels) => ({
      minimum: Math.min(...pixels),
      maximum: Math.max(...pixels),
      sum: pixels.reduce((sum, pixel) => sum + pixel, 0),
    }));
    const simulator = await world.start(
      `ad-sim-server -if ${HDF5} -hds /entry/data/gzip --codec bslz4 -fps 20 -std 1 -rt 60 -shd 0 -rp 0`,
    );
    await simulator.waitForLine(/^Serving /, 30_000);
    await world.start(
      'hpc-consumer --input-channel pvapy:image --output-channel consumer:*:output --status-channel consumer:*:status --processor-class ImageStatisticsProcessor --report-period 0.2',
    );
    await until(async () => {
      const { imageId = 0, ...figures } = (await status(world, 1)).userStats as Record<string, number>;
      expect(imageId).toBeGreaterThan(0);
      expect(figures).toMatchObject(expected[(imageId - 1) % 3] as object);
    }, 30_000);
    const output = new NTNDArray(await world.context.get('consumer:1:output', { timeout: 15 }));
    expect(output.codec.name).toBe('bslz4');
    expect(output.decompressSync().pixels).toEqual(hdf5Pixels((output.uniqueId - 1) % 3));
  });
});

describe.concurrent('the examples of the reference', () => {
  const DOCUMENT = 'docs/reference/ad-sim-server.md';
  const examples = commandLinesOf(['ad-sim-server'])
    .filter(({ place, line }) => place.startsWith(DOCUMENT) && / (-if|-id|-cfg|--codec) /.test(line))
    .map(({ line }) => line);

  /** The files that the examples name. */
  function files(world: World): void {
    copyFileSync(HDF5, `${world.folder}/scan.h5`);
    copyFileSync(`${TIFF}/rgb.tif`, `${world.folder}/colour.tif`);
    mkdirSync(`${world.folder}/scans`);
    for (const name of ['stack.tif', 'tiles.tif'])
      copyFileSync(`${TIFF}/${name}`, `${world.folder}/scans/${name}`);
    mkdirSync(`${world.folder}/raw`);
    for (const name of ['a.bin', 'b.bin', 'c.bin'])
      world.file(`raw/${name}`, new Uint8Array(512 + 3 * 4096 + 2 * 16));
    const [yaml] = codeBlocks(DOCUMENT, 'yaml');
    world.file('frames.yaml', yaml?.text ?? '');
  }

  it.for(examples)('%s', async (example, { world }) => {
    files(world);
    const inFolder = example.replace(/(?<= -(?:if|id|cfg) )\S+/g, (name) => `${world.folder}/${name}`);
    const line = withOptions(inFolder, {
      ...(example.includes('-hds') && { '-hds': '/entry/data/bslz4' }),
      ...(example.includes('-nx') && { '-nx': 128, '-ny': 128 }),
      '-std': 0.1,
      '-rt': 0.5,
      '-shd': 0,
      '-rp': 0,
    });
    const { code, stdout, stderr } = await world.run(line);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(Number(/^Published frames: +(\d+) @/m.exec(stdout)?.[1])).toBeGreaterThan(1);
    if (example.includes('-cfg')) {
      const loaded = Array.from(
        stdout.matchAll(/^Loaded input file .*\/(\w\.bin) \(3 frames of 64x32/gm),
        ([, name]) => name,
      );
      expect(loaded).toEqual(['b.bin', 'a.bin']);
    }
    if (example.includes('-hcm')) expect(stdout).toMatch(/compressor: bslz4, /);
  });

  it('are all there', () => {
    expect(examples.length).toBeGreaterThanOrEqual(6);
  });
});
