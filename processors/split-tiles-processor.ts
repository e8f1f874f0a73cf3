/**
 * SplitTilesProcessor: cuts every image into tiles and publishes them one by one, row by row, each as an image with the
 * id of the whole one and with `tileIndexX` (row) and `tileIndexY` (column) in it.
 *
 * Arguments (also by `configure`): `nx`, `ny`, width and height of a tile; 0, the default, is all of the image. Where
 * the image's size is no multiple, the tiles at the right and lower edge are smaller. Figures: `nProcessed`, `nTiles`,
 * `processingTime` (s), `processingRate` (images/s of processing time).
 *
 *   hpc-consumer -ic pvapy:image -oc 'split:*:output' -pc SplitTilesProcessor -pa '{"nx": 1920, "ny": 1080}'
 *
 * After PvaPy's splitAdImageProcessorExample.py (pvapy-behaviour.md 7.5), which drops colour images and fails where the
 * size is no multiple. Tiles keep what their image has: attributes, times, and its place on the detector by `offset` of
 * their dimensions. Only `timeStamp` is 1 ns later with every tile: a distributor takes objects with the same time
 * stamp for one, and gives the others to nobody.
 */
import { type Dimension, NTNDArray, type TypeDef } from 'epics-pva-ts';
import type { ProcessorConfig, PvObject } from '../src/processor/user-data-processor.ts';
import { type Arguments, numberArgument, objectOf } from './arguments.ts';
import { AdImageProcessor } from './image-processor.ts';
import { arrayLike, copyRectangle, elementsOf, layoutOf, type TileLayout } from './tile-layout.ts';
import { commonFields, copyCommon, TILE_COLUMN, TILE_ROW, tileTypeOf } from './tile-type.ts';

/** An image cut into more pieces was not meant to be. */
const MAX_TILES = 10_000;
const NS = 1_000_000_000;

interface Rectangle {
  readonly row: number;
  readonly column: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export class SplitTilesProcessor extends AdImageProcessor {
  private nx = 0;
  private ny = 0;
  private type: TypeDef | undefined;
  private fields: ReturnType<typeof commonFields> = [];
  private nProcessed = 0;
  private nTiles = 0;
  /** In s. */
  private processingTime = 0;

  constructor(config: ProcessorConfig) {
    super(config);
    this.setSize(config);
  }

  override configure(args: unknown): void {
    this.setSize(objectOf(args));
  }

  private setSize(args: Arguments): void {
    const size = (name: 'nx' | 'ny'): number =>
      numberArgument(args, name, { default: this[name], least: 0, whole: true });
    const [nx, ny] = [size('nx'), size('ny')];
    this.nx = nx;
    this.ny = ny;
  }

  override getOutputPvObjectType(frame: PvObject): TypeDef {
    if (!(frame instanceof NTNDArray))
      throw new Error(`SplitTilesProcessor takes NTNDArrays, not ${frame.id}`);
    return tileTypeOf(frame.value.type);
  }

  /** @throws Error for images with fewer than two dimensions, or with more than 10,000 tiles; CodecError */
  override process(frame: NTNDArray): NTNDArray | undefined | Promise<NTNDArray> {
    // A detector that has not started yet shows an image without pixels.
    if (frame.dimensions.length === 0) return undefined;
    if (frame.codec.name === '') return this.split(frame);
    return frame.decompress().then((image) => this.split(image));
  }

  private split(frame: NTNDArray): NTNDArray {
    const begin = performance.now();
    const { pixels, dimensions } = frame;
    const layout = layoutOf(dimensions, dimensions.length > 2 ? frame.colorMode : undefined);
    if (!pixels || pixels.length !== elementsOf(layout))
      throw new Error(
        `${pixels?.length ?? 0} pixels do not make the ${elementsOf(layout)} of the dimensions`,
      );
    const type = tileTypeOf(frame.value.type);
    if (type !== this.type) {
      this.type = type;
      this.fields = commonFields(frame.value.type, type);
    }
    const rectangles = this.rectangles(layout);
    for (const [index, rectangle] of rectangles.entries()) {
      const tile = new NTNDArray(copyCommon(frame, type, this.fields));
      const { x, y, width, height, row, column } = rectangle;
      const part = { ...layout, nx: width, ny: height };
      const out = arrayLike(pixels, elementsOf(part));
      copyRectangle({ pixels, layout, x, y }, { pixels: out, layout: part, x: 0, y: 0 }, width, height);
      tile.pixels = out;
      tile.dimensions = tileDimensions(dimensions, layout, rectangle);
      tile.set(TILE_ROW, row).set(TILE_COLUMN, column);
      if (index > 0 && tile.has('timeStamp')) tile.timeStamp = later(frame, index);
      this.updateOutputChannel(tile);
    }
    this.nTiles += rectangles.length;
    this.nProcessed++;
    this.processingTime += (performance.now() - begin) / 1000;
    return frame;
  }

  private rectangles({ nx, ny }: TileLayout): Rectangle[] {
    const width = this.nx || nx;
    const height = this.ny || ny;
    const count = Math.ceil(nx / width) * Math.ceil(ny / height);
    if (count > MAX_TILES)
      throw new Error(`tiles of ${width} x ${height} make ${count} of ${nx} x ${ny}: at most ${MAX_TILES}`);
    const all: Rectangle[] = [];
    for (let y = 0, row = 0; y < ny; y += height, row++)
      for (let x = 0, column = 0; x < nx; x += width, column++)
        all.push({ row, column, x, y, width: Math.min(width, nx - x), height: Math.min(height, ny - y) });
    return all;
  }

  override resetStats(): void {
    this.nProcessed = 0;
    this.nTiles = 0;
    this.processingTime = 0;
  }

  override getStats(): Record<string, number> {
    const { nProcessed, nTiles, processingTime } = this;
    const processingRate = processingTime > 0 ? nProcessed / processingTime : 0;
    return { nProcessed, nTiles, processingTime, processingRate };
  }

  override getStatsPvaTypes(): Record<string, string> {
    return { nProcessed: 'uint', nTiles: 'uint', processingTime: 'double', processingRate: 'double' };
  }
}

/** The tile's axes as a region of the detector: `offset` counts pixels of the detector's own, from its first one. */
function tileDimensions(
  dimensions: readonly Dimension[],
  { xAxis, yAxis }: TileLayout,
  { x, y, width, height }: Rectangle,
): Dimension[] {
  const part = (d: Dimension, begin: number, size: number): Dimension => {
    const before = d.reverse ? d.size - begin - size : begin;
    return { ...d, size, offset: d.offset + before * d.binning };
  };
  return dimensions.map((d, axis) => {
    if (axis === xAxis) return part(d, x, width);
    return axis === yAxis ? part(d, y, height) : d;
  });
}

function later(frame: NTNDArray, ns: number): NTNDArray['timeStamp'] {
  const { secondsPastEpoch, nanoseconds, userTag } = frame.timeStamp;
  const sum = nanoseconds + ns;
  return {
    secondsPastEpoch: secondsPastEpoch + BigInt(Math.floor(sum / NS)),
    nanoseconds: sum % NS,
    userTag,
  };
}
