/**
 * RotateProcessor: turns every image by a multiple of 90 degrees and publishes it.
 *
 * Arguments (also by `configure`): `degrees`, clockwise as seen on a screen whose first row is at the top: 0, 90, 180
 * or 270; default 90.
 *
 *   hpc-consumer -ic pvapy:image -oc 'consumer:*:output' -pc RotateProcessor -pa '{"degrees": 180}'
 */
import { ColorMode, type Dimension, type NTNDArray, type PixelArray } from 'epics-pva-ts';
import type { ProcessorConfig } from '../src/processor/user-data-processor.ts';
import { type Arguments, objectOf } from './arguments.ts';
import { AdImageProcessor } from './image-processor.ts';
import { arrayLike, layoutOf, type TileLayout } from './tile-layout.ts';

type Degrees = 0 | 90 | 180 | 270;

const { RGB1, RGB2, RGB3 } = ColorMode;

export class RotateProcessor extends AdImageProcessor {
  private degrees: Degrees;

  constructor(config: ProcessorConfig) {
    super(config);
    this.degrees = degreesOf(config) ?? 90;
  }

  override configure(args: unknown): void {
    this.degrees = degreesOf(objectOf(args)) ?? this.degrees;
  }

  /**
   * Compressed images leave as pixels, colours in the mode they came in.
   * @throws Error for arrays that are no image: two dimensions, or three with RGB1, RGB2 or RGB3; CodecError
   */
  override process(frame: NTNDArray): NTNDArray | Promise<NTNDArray> {
    if (frame.codec.name !== '') return frame.decompress().then((plain) => this.process(plain));
    const { pixels, dimensions, colorMode } = frame;
    // A detector that has not started yet shows an image without pixels.
    if (pixels && dimensions.length > 0) {
      const layout = imageLayout(dimensions, colorMode);
      frame.pixels = turned(pixels, layout, this.degrees);
      if (this.degrees % 180 !== 0) {
        const { xAxis, yAxis } = layout;
        const [x, y] = [dimensions[xAxis] as Dimension, dimensions[yAxis] as Dimension];
        frame.dimensions = dimensions.map((each, axis) => (axis === xAxis ? y : axis === yAxis ? x : each));
      }
    }
    this.updateOutputChannel(frame);
    return frame;
  }
}

/** Three dimensions without a colour mode may be anything. */
function imageLayout(dimensions: readonly Dimension[], colorMode: number | undefined): TileLayout {
  const layout = layoutOf(dimensions, colorMode);
  const colours = layout.inner * layout.mid * layout.outer;
  const isRgb = colorMode === RGB1 || colorMode === RGB2 || colorMode === RGB3;
  if (dimensions.length === 2 || (dimensions.length === 3 && isRgb && colours === 3)) return layout;
  const sizes = dimensions.map(({ size }) => size).join(' x ');
  throw new Error(
    `RotateProcessor turns images of two dimensions, or of three with RGB1, RGB2 or RGB3, not ${sizes}`,
  );
}

function degreesOf(args: Arguments): Degrees | undefined {
  const value = args['degrees'];
  if (value === undefined) return undefined;
  if (value === 0 || value === 90 || value === 180 || value === 270) return value;
  throw new Error(`argument degrees: ${JSON.stringify(value)} is not one of 0, 90, 180, 270`);
}

/** Pixels (x, y) go to origin + x * dx + y * dy, the elements of one colour by colour. */
function turned(pixels: PixelArray, layout: TileLayout, degrees: Degrees): PixelArray {
  if (degrees === 0) return pixels;
  const { nx, ny, inner, mid, outer } = layout;
  const out = arrayLike(pixels, pixels.length);
  // The element type does not matter to the loop, only to the engine: BigInt arrays go the same way.
  const from = pixels as unknown as number[];
  const to = out as unknown as number[];
  const width = degrees === 180 ? nx : ny;
  const row = mid * width * inner;
  const [origin, dx, dy] =
    degrees === 90
      ? [(ny - 1) * inner, row, -inner]
      : degrees === 180
        ? [(nx - 1) * inner + (ny - 1) * row, -inner, -row]
        : [(nx - 1) * row, -row, inner];
  let i = 0;
  for (let plane = 0; plane < outer; plane++)
    for (let y = 0; y < ny; y++)
      for (let m = 0; m < mid; m++) {
        let j = plane * nx * ny * mid * inner + m * width * inner + origin + y * dy;
        for (let x = 0; x < nx; x++, j += dx) for (let k = 0; k < inner; k++) to[j + k] = from[i++] as number;
      }
  return out;
}
