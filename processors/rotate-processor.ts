/**
 * RotateProcessor: turns every image by a multiple of 90 degrees and publishes it.
 *
 * Arguments (also by `configure`): `degrees`, clockwise as seen on a screen whose first row is at the top: 0, 90, 180
 * or 270; default 90.
 *
 *   hpc-consumer -ic pvapy:image -oc 'consumer:*:output' -pc RotateProcessor -pa '{"degrees": 180}'
 */
import type { NTNDArray } from 'epics-pva-ts';
import { type ProcessorConfig, UserDataProcessor } from '../src/processor/user-data-processor.ts';
import { type Arguments, objectOf } from './arguments.ts';

type Degrees = 0 | 90 | 180 | 270;
type Pixels = NonNullable<NTNDArray['pixels']>;

export class RotateProcessor extends UserDataProcessor {
  private degrees: Degrees;

  constructor(config: ProcessorConfig) {
    super(config);
    this.degrees = degreesOf(config) ?? 90;
  }

  override configure(args: unknown): void {
    this.degrees = degreesOf(objectOf(args)) ?? this.degrees;
  }

  /** Compressed images leave as pixels. @throws Error for images with other than two dimensions, CodecError */
  override process(frame: NTNDArray): NTNDArray | Promise<NTNDArray> {
    if (frame.codec.name !== '') return frame.decompress().then((plain) => this.process(plain));
    const { pixels, dimensions } = frame;
    // A detector that has not started yet shows an image without pixels.
    if (pixels && dimensions.length > 0) {
      const [x, y, ...more] = dimensions;
      if (!x || !y || more.length > 0)
        throw new Error(`RotateProcessor turns images of two dimensions, not of ${dimensions.length}`);
      frame.pixels = rotated(pixels, x.size, y.size, this.degrees);
      if (this.degrees % 180 !== 0) frame.dimensions = [y, x];
    }
    this.updateOutputChannel(frame);
    return frame;
  }
}

function degreesOf(args: Arguments): Degrees | undefined {
  const value = args['degrees'];
  if (value === undefined) return undefined;
  if (value === 0 || value === 90 || value === 180 || value === 270) return value;
  throw new Error(`argument degrees: ${JSON.stringify(value)} is not one of 0, 90, 180, 270`);
}

function rotated(pixels: Pixels, nx: number, ny: number, degrees: Degrees): Pixels {
  if (degrees === 0) return pixels;
  if (degrees === 180) return pixels.slice().reverse();
  // The element type does not matter to the loop, only to the engine: BigInt arrays go the same way.
  const out = new (pixels.constructor as new (length: number) => Pixels)(pixels.length);
  const from = pixels as unknown as number[];
  const to = out as unknown as number[];
  for (let y = 0; y < ny; y++)
    for (let x = 0; x < nx; x++) {
      const [column, row] = degrees === 90 ? [ny - 1 - y, x] : [y, nx - 1 - x];
      to[row * ny + column] = from[y * nx + x] as number;
    }
  return out;
}
