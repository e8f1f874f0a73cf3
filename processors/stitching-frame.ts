/**
 * StitchingFrame: the tiles of one image as they come, and the image when all are there. It knows when that is by the
 * pixels: the tiles must make exactly the wanted size, whatever their own sizes are.
 */
import { type Dimension, NTNDArray, type PixelArray, type TypeDef } from 'epics-pva-ts';
import { arrayLike, copyRectangle, elementsOf, layoutOf, type TileLayout } from './tile-layout.ts';
import { commonFields, copyCommon, imageTypeOf, TILE_COLUMN, TILE_ROW } from './tile-type.ts';

/** What is kept of a tile. */
export interface Tile {
  readonly row: number;
  readonly column: number;
  readonly pixels: PixelArray;
  readonly dimensions: readonly Dimension[];
  readonly layout: TileLayout;
  /** In ns since 1970; 0 if it has none. */
  readonly time: bigint;
}

/** Reads a tile. @throws Error when the image is no tile, or larger than the wanted image */
export function readTile(frame: NTNDArray, nx: number, ny: number): Tile {
  imageTypeOf(frame.value.type);
  const { pixels, dimensions } = frame;
  const layout = layoutOf(dimensions, dimensions.length > 2 ? frame.colorMode : undefined);
  if (!pixels || pixels.length !== elementsOf(layout))
    throw new Error(`${pixels?.length ?? 0} pixels do not make the ${elementsOf(layout)} of the dimensions`);
  if (layout.nx > nx || layout.ny > ny)
    throw new Error(`a tile of ${layout.nx} x ${layout.ny} does not fit into an image of ${nx} x ${ny}`);
  const { secondsPastEpoch, nanoseconds } = frame.timeStamp;
  const time = secondsPastEpoch * 1_000_000_000n + BigInt(nanoseconds);
  const row = Number(frame.get(TILE_ROW));
  const column = Number(frame.get(TILE_COLUMN));
  return { row, column, pixels, dimensions, layout, time };
}

export class StitchingFrame {
  readonly id: number;
  private readonly tiles = new Map<string, Tile>();
  /** Pixels of all tiles, as width x height. */
  private area = 0;
  private latest = 0n;
  /** The frame of the upper left tile so far: what the image has beside pixels comes from it. */
  private corner: { readonly tile: Tile; readonly frame: NTNDArray } | undefined;

  constructor(id: number) {
    this.id = id;
  }

  /** Tiles there are. */
  get size(): number {
    return this.tiles.size;
  }

  /** Is there a tile at this place already? */
  has(tile: Tile): boolean {
    return this.tiles.has(keyOf(tile));
  }

  /** Would this tile begin another image with the same number: was its place taken, by a tile that is older? */
  isSucceededBy(tile: Tile): boolean {
    return this.has(tile) && tile.time > this.latest;
  }

  /** Takes a tile in whose place is free. */
  add(tile: Tile, frame: NTNDArray): void {
    this.tiles.set(keyOf(tile), tile);
    this.area += tile.layout.nx * tile.layout.ny;
    if (tile.time > this.latest) this.latest = tile.time;
    const { corner } = this;
    const first = !corner || before(tile, corner.tile);
    // The memory it was received in is not ours.
    if (first) this.corner = { tile, frame: frame.clone() };
  }

  /** Are there as many pixels as the wanted image has? */
  isComplete(nx: number, ny: number): boolean {
    return this.area >= nx * ny;
  }

  /** Gives the pixels up; which tiles there were is still known. */
  forget(): void {
    for (const key of this.tiles.keys()) this.tiles.set(key, GONE);
    this.corner = undefined;
  }

  /** The image. @throws Error when the tiles make another one than wanted, or differ in more than their size */
  stitch(nx: number, ny: number): NTNDArray {
    const { corner, tiles } = this;
    if (!corner) throw new Error(`image ${this.id} has no tiles`);
    const all = [...tiles.values()];
    const columns = edges(all, 'column', nx);
    const rows = edges(all, 'row', ny);
    if (!columns || !rows || columns.size * rows.size !== all.length)
      throw new Error(
        `the ${all.length} tiles of image ${this.id} do not make one of ${nx} x ${ny}: what are nx and ny?`,
      );
    const { pixels: like, layout: part } = corner.tile;
    const layout = { ...part, nx, ny };
    const pixels = arrayLike(like, elementsOf(layout));
    for (const tile of all) {
      const { inner, mid, outer } = tile.layout;
      if (!sameClass(tile.pixels, like) || inner !== part.inner || mid !== part.mid || outer !== part.outer)
        throw new Error(`the tiles of image ${this.id} differ in their colours or type of pixels`);
      const x = columns.get(tile.column) as number;
      const y = rows.get(tile.row) as number;
      const from = { pixels: tile.pixels, layout: tile.layout, x: 0, y: 0 };
      copyRectangle(from, { pixels, layout, x, y }, tile.layout.nx, tile.layout.ny);
    }
    return imageOf(corner.frame, all, layout, pixels);
  }
}

const GONE: Tile = {
  row: 0,
  column: 0,
  pixels: [],
  dimensions: [],
  layout: { xAxis: 0, yAxis: 1, nx: 0, ny: 0, inner: 1, mid: 1, outer: 1 },
  time: 0n,
};

const keyOf = ({ row, column }: Tile): string => `${row},${column}`;

const before = (a: Tile, b: Tile): boolean => a.row < b.row || (a.row === b.row && a.column < b.column);

function sameClass(a: PixelArray, b: PixelArray): boolean {
  return Object.prototype.toString.call(a) === Object.prototype.toString.call(b);
}

/** Where each column (row) of tiles begins; undefined when they differ in width (height) or do not make `size`. */
function edges(
  tiles: readonly Tile[],
  line: 'row' | 'column',
  size: number,
): ReadonlyMap<number, number> | undefined {
  const sizes = new Map<number, number>();
  for (const tile of tiles) {
    const own = line === 'row' ? tile.layout.ny : tile.layout.nx;
    if ((sizes.get(tile[line]) ?? own) !== own) return undefined;
    sizes.set(tile[line], own);
  }
  const begins = new Map<number, number>();
  let at = 0;
  for (const [index, own] of [...sizes].sort(([a], [b]) => a - b)) {
    begins.set(index, at);
    at += own;
  }
  return at === size ? begins : undefined;
}

const plans = new WeakMap<TypeDef, ReturnType<typeof commonFields>>();

function imageOf(
  corner: NTNDArray,
  tiles: readonly Tile[],
  layout: TileLayout,
  pixels: PixelArray,
): NTNDArray {
  const from = corner.value.type;
  const type = imageTypeOf(from);
  const fields = plans.get(from) ?? commonFields(from, type);
  plans.set(from, fields);
  const image = new NTNDArray(copyCommon(corner, type, fields));
  image.pixels = pixels;
  image.dimensions = corner.dimensions.map((d, axis) => {
    if (axis !== layout.xAxis && axis !== layout.yAxis) return d;
    const size = axis === layout.xAxis ? layout.nx : layout.ny;
    const offset = tiles.reduce((n, t) => Math.min(n, t.dimensions[axis]?.offset ?? n), d.offset);
    // PvaPy's tiles say that they are all of a detector.
    return { ...d, size, offset, fullSize: Math.max(d.fullSize, size) };
  });
  return image;
}
