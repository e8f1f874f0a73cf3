/** Compressed frames of ad-sim-server as PVXS (p4p) and pvAccessCPP (PvaPy) read them: codec, sizes and bytes. */
import { loadCodec } from 'epics-pva-ts';
import { describe, expect, it } from 'vitest';
import { until, World } from '../e2e/support/world.ts';
import { startP4pClient, startPvapyClient } from './p4p.ts';
import { ensurePeers } from './peers.ts';

const peers = await ensurePeers();

interface Image {
  readonly uniqueId: number;
  readonly codec: { readonly name: string; readonly parameters: unknown };
  readonly compressedSize: number;
  readonly uncompressedSize: number;
  readonly value: unknown;
}

/** The numbers in the JSON of a union or an any, whatever names the peer gives its parts. */
function numbersIn(value: unknown): number[] {
  if (typeof value === 'number' || typeof value === 'bigint') return [Number(value)];
  if (typeof value === 'string') return [];
  if (Array.isArray(value)) return value.flatMap(numbersIn);
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : [];
}

/** Pixels of frame `f` of test/fixtures/hdf5 (make.py). */
const pixels = (f: number): Uint16Array =>
  Uint16Array.from({ length: 64 * 80 }, (_, i) => f * 1000 + Math.floor(i / 64) * 5 + ((i % 64) >> 4));

describe.skipIf(!peers.available).each([
  ['PVXS', startP4pClient],
  ['pvAccessCPP', startPvapyClient],
] as const)('%s', (_, startClient) => {
  it.each([
    ['bslz4', '-hds /entry/data/gzip --codec bslz4'],
    ['lz4', '-hds /entry/data/gzip --codec lz4'],
    ['bslz4', '-hds /entry/data/bslz4 -hcm'],
  ])('reads frames of %s (%s)', async (codec, options) => {
    const world = await World.create();
    try {
      const simulator = await world.start(
        `ad-sim-server -if test/fixtures/hdf5/v110.h5 ${options} -fps 20 -std 0 -rt 60 -shd 0 -rp 0`,
      );
      await simulator.waitForLine(/^Serving /, 30_000);
      const client = await startClient(peers, world.env);
      try {
        const image = await until(async () => {
          const { value } = await client.get('pvapy:image');
          expect((value as unknown as Image).uniqueId).toBeGreaterThan(0);
          return value as unknown as Image;
        }, 30_000);
        expect(image.codec.name).toBe(codec);
        expect(numbersIn(image.codec.parameters)).toEqual([6]);
        expect(Number(image.uncompressedSize)).toBe(64 * 80 * 2);
        const bytes = Uint8Array.from(numbersIn(image.value));
        expect(bytes.length).toBe(Number(image.compressedSize));
        const { decode } = await loadCodec(codec);
        const decoded = (await decode({
          bytes,
          size: 64 * 80 * 2,
          kind: 'ushort',
          elementSize: 2,
          dimensions: [64, 80],
          colorMode: 0,
        })) as Uint8Array<ArrayBuffer>;
        expect(new Uint16Array(decoded.buffer, 0, 64 * 80)).toEqual(pixels((Number(image.uniqueId) - 1) % 3));
      } finally {
        await client.stop();
      }
    } finally {
      await world[Symbol.asyncDispose]();
    }
  });
});
