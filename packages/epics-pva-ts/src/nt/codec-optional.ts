/**
 * Codecs that packages provide which the user installs: blosc (numcodecs) and jpeg (jpeg-js). The library does not
 * depend on them; without them only these images cannot be read.
 *
 * Both packages are given no more than what was announced: a header that says another size is refused before they
 * take memory for it.
 */
import { CodecError } from '../errors.ts';
import type { CompressedImage, ImageCodec } from './codec-registry.ts';
import { ColorMode } from './nt-nd-array-image.ts';

/** @throws CodecError naming the package if it is not installed */
export async function importPackage<T>(name: string, codec: string): Promise<T> {
  try {
    return (await import(/* @vite-ignore */ name)) as T;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND')
      throw new CodecError(`codec '${codec}' needs the package ${name}: npm install ${name}`);
    throw new CodecError(`codec '${codec}': the package ${name} cannot be loaded: ${message}`);
  }
}

const BLOSC_HEADER = 16;

interface Numcodecs {
  readonly Blosc: { fromConfig(config: { id: 'blosc' }): { decode(bytes: Uint8Array): Promise<Uint8Array> } };
}

export async function loadBlosc(): Promise<ImageCodec> {
  const { Blosc } = await importPackage<Numcodecs>('numcodecs', 'blosc');
  const blosc = Blosc.fromConfig({ id: 'blosc' });
  return {
    async decode({ bytes, size }) {
      if (bytes.length < BLOSC_HEADER)
        throw new CodecError(`not blosc: ${bytes.length} bytes hold no header`);
      const header = new DataView(bytes.buffer, bytes.byteOffset, BLOSC_HEADER);
      const [announced, length] = [header.getUint32(4, true), header.getUint32(12, true)];
      if (announced !== size)
        throw new CodecError(`not blosc of ${size} bytes: its header says ${announced}`);
      if (length < BLOSC_HEADER || length > bytes.length)
        throw new CodecError(`not blosc: its header says ${length} bytes, there are ${bytes.length}`);
      try {
        return await blosc.decode(bytes.subarray(0, length));
      } catch (error) {
        throw new CodecError(`not blosc: ${reason(error)}`);
      }
    },
  };
}

interface JpegJs {
  decode(
    bytes: Uint8Array,
    options: {
      useTArray: true;
      formatAsRGBA: false;
      tolerantDecoding: false;
      maxResolutionInMP: number;
      maxMemoryUsageInMB: number;
    },
  ): { readonly width: number; readonly height: number; readonly data: Uint8Array };
}

export async function loadJpeg(): Promise<ImageCodec> {
  const jpeg = await importPackage<JpegJs & { readonly default?: JpegJs }>('jpeg-js', 'jpeg');
  const { decode } = jpeg.default ?? jpeg;
  return {
    decode(image) {
      const { width, height, channels } = jpegShape(image);
      let decoded: ReturnType<JpegJs['decode']>;
      try {
        decoded = decode(image.bytes, {
          useTArray: true,
          formatAsRGBA: false,
          tolerantDecoding: false,
          maxResolutionInMP: (width * height) / 1e6,
          // Coefficients and planes of every component beside the image.
          maxMemoryUsageInMB: 16 + (width * height * channels * 32) / 2 ** 20,
        });
      } catch (error) {
        throw new CodecError(`not a JPEG image: ${reason(error)}`);
      }
      if (decoded.width !== width || decoded.height !== height)
        throw new CodecError(
          `a JPEG image of ${decoded.width} x ${decoded.height} pixels where the frame says ${width} x ${height}`,
        );
      return layOut(decoded.data, image.colorMode, width, height, channels);
    },
  };
}

/** What a JPEG image of the frame's dimensions looks like (ADCore compressJPEG). */
function jpegShape({ dimensions, colorMode, size }: CompressedImage): {
  width: number;
  height: number;
  channels: number;
} {
  const at = colorMode === ColorMode.RGB1 ? 0 : colorMode === ColorMode.RGB2 ? 1 : 2;
  const [width = 0, height = 0] = dimensions.filter((_, i) => dimensions.length < 3 || i !== at);
  const channels = dimensions.length === 3 ? 3 : 1;
  const fits = dimensions.length === 2 || (dimensions.length === 3 && dimensions[at] === 3);
  if (!fits || width * height * channels !== size)
    throw new CodecError(`dimensions ${dimensions.join(' x ') || '(none)'} are not those of a JPEG image`);
  return { width, height, channels };
}

/** From red, green, blue side by side to the frame's own layout; a mono image has the same value in all three. */
function layOut(
  rgb: Uint8Array,
  colorMode: number | undefined,
  width: number,
  height: number,
  channels: number,
): Uint8Array {
  if (channels === 3 && colorMode === ColorMode.RGB1) return rgb;
  const out = new Uint8Array(width * height * channels);
  // How far the next pixel, row and colour are.
  const [row, plane] = colorMode === ColorMode.RGB2 ? [width * channels, width] : [width, width * height];
  let i = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++, i += 3)
      for (let c = 0; c < channels; c++) out[y * row + c * plane + x] = rgb[i + c] as number;
  return out;
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
