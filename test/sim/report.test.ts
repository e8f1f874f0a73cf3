import { describe, expect, it } from 'vitest';
import { DATA_TYPES } from '../../sim/data-type.ts';
import { FrameCache } from '../../sim/frame-cache.ts';
import { frameShape } from '../../sim/frame-source.ts';
import { GeneratedFrames } from '../../sim/generated-frames.ts';
import { exitLine, frameRateOf, reportLine, startLines, summaryLines } from '../../sim/report.ts';

function source(nFrames: number, colorMode: 0 | 2 = 0): GeneratedFrames {
  const shape = frameShape(128, 64, colorMode);
  return new GeneratedFrames({ shape, dataType: DATA_TYPES.uint16, nFrames, cacheSize: 100 });
}

const NONE = { nPublished: 0, firstTime: 0, lastTime: 0 };
const ONE = { nPublished: 1, firstTime: 1_700_000_000.5, lastTime: 1_700_000_000.5 };
const MANY = { nPublished: 1001, firstTime: 1_700_000_000.5, lastTime: 1_700_000_010.5 };

describe('start', () => {
  it('describes source, size, cache and data rate', () => {
    const frames = source(0);
    expect(startLines(frames, new FrameCache({ source: frames, cacheSize: 100 }), 1000)).toEqual([
      'Generating random frames using color mode: MONO',
      'Generated frame shape: [128, 64]',
      'Range of generated values: [0,65535)',
      'Number of input frames: 100 (size: 128x64, 16384B, type: uint16, compressor: none, compressed size: 16384B)',
      'Frame cache type: all frames, recycled until the runtime is over (cache size: 100)',
      'Expected data rate: 16.3840MBps (uncompressed: 16.3840MBps)',
    ]);
  });

  it('says when frames are published once, and when they go as fast as possible', () => {
    const frames = source(200);
    const lines = startLines(frames, new FrameCache({ source: frames, cacheSize: 100 }), 0);
    expect(lines.slice(-2)).toEqual([
      'Frame cache type: queue, each frame is published once (cache size: 100)',
      'Expected data rate: as fast as possible',
    ]);
  });

  it('counts all planes of colour frames', () => {
    const frames = source(1, 2);
    const lines = startLines(frames, new FrameCache({ source: frames }), 10);
    expect(lines.at(-3)).toContain('(size: 128x64, 49152B, ');
    expect(lines.at(-1)).toBe('Expected data rate: 0.4915MBps (uncompressed: 0.4915MBps)');
  });
});

describe('compressed frames', () => {
  const frames = Object.assign(source(2), { codec: 'bslz4', frame: () => new Uint8Array(4096) });

  it('have two sizes and two rates', () => {
    const lines = startLines(frames, new FrameCache({ source: frames }), 1000);
    expect(lines.slice(-3)).toEqual([
      'Number of input frames: 2 (size: 128x64, 16384B, type: uint16, compressor: bslz4, compressed size: 4096B)',
      'Frame cache type: all frames, recycled until the runtime is over (cache size: 1000)',
      'Expected data rate: 4.0960MBps (uncompressed: 16.3840MBps)',
    ]);
    expect(summaryLines(frames, MANY, 4000)[2]).toBe('Data rate: 0.4000MBps (uncompressed: 1.6384MBps)');
  });
});

describe('reports', () => {
  it('have the format of PvaPy', () => {
    expect(reportLine(1001, MANY.lastTime, MANY)).toBe(
      'Published frame id   1001 @ 1700000010.500s (frame rate: 100.0000fps; runtime: 10.000s)',
    );
    expect(reportLine(1, ONE.lastTime, ONE)).toBe(
      'Published frame id      1 @ 1700000000.500s (frame rate: 0.0000fps; runtime: 0.000s)',
    );
  });

  it('take the rate from the first to the last frame', () => {
    expect([NONE, ONE, MANY].map(frameRateOf)).toEqual([0, 0, 100]);
    // Two frames in one tick of the clock have no rate.
    expect(frameRateOf({ nPublished: 2, firstTime: 5, lastTime: 5 })).toBe(0);
  });
});

describe('end', () => {
  it('says why', () => {
    expect(exitLine('runtime', MANY)).toBe('Server exiting after reaching runtime of 10.000 seconds');
    expect(exitLine('all-published', MANY)).toBe('Server exiting after publishing 1001 frames');
    expect(exitLine('interrupted', MANY)).toBe('Server was interrupted after 10.000 seconds, exiting...');
  });

  it('sums up frames, mean rate and data rate', () => {
    expect(summaryLines(source(1), MANY)).toEqual([
      'Server runtime: 10.0000 seconds',
      'Published frames:   1001 @ 100.0000 fps',
      'Data rate: 1.6384MBps',
    ]);
    expect(summaryLines(source(1, 2), MANY).at(-1)).toBe('Data rate: 4.9152MBps');
  });

  it('is zeros when nothing or one frame was published', () => {
    expect(summaryLines(source(1), NONE)).toEqual([
      'Server runtime: 0.0000 seconds',
      'Published frames:      0 @ 0.0000 fps',
      'Data rate: 0.0MBps',
    ]);
    expect(summaryLines(source(1), ONE)[1]).toBe('Published frames:      1 @ 0.0000 fps');
  });
});
