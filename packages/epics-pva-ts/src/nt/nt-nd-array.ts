/**
 * NTNDArray: a detector frame, as a thin view on its Value.
 *
 * Nothing is decoded but what is asked for, nothing is copied, and every member is found by name, so frames of
 * areaDetector, PVXS, p4p and PvaPy are the same to the user (pva-protocol.md 8.4).
 */
import { NoConvertError } from '../errors.ts';
import { AnyValue } from '../value/containers.ts';
import { type TypeDef, typeOf } from '../value/type-def.ts';
import { type PvData, Value } from '../value/value.ts';
import {
  type AttributeOptions,
  bareValue,
  readAttribute,
  readAttributes,
  writeAttribute,
} from './nt-nd-array-attributes.ts';
import {
  compressPixels,
  type DecompressOptions,
  decompressPixels,
  decompressPixelsSync,
} from './nt-nd-array-codec.ts';
import { type Dimension, imageAxes, readDimensions, writeDimensions } from './nt-nd-array-image.ts';
import { type Codec, checkSize, type DimensionInput, type NDArrayOptions } from './nt-nd-array-options.ts';
import { byteSize, type PixelArray, readPixels, selectPixels } from './nt-nd-array-pixels.ts';
import { isNdArray, ND_ARRAY_ID, ndArrayRules, ndArrayType } from './nt-nd-array-type.ts';
import { nowTimeStamp, readTimeStamp, type TimeStamp, writeTimeStamp } from './time-stamp.ts';

export type { Codec, DimensionInput, NDArrayOptions } from './nt-nd-array-options.ts';

const UNSET: TimeStamp = { secondsPastEpoch: 0n, nanoseconds: 0, userTag: 0 };

/**
 * A detector frame, as a thin view on its {@link Value}. Nothing is decoded but what is asked for, nothing is copied, and
 * every member is found by name, so frames of areaDetector, PVXS, p4p and PvaPy are the same to the user.
 */
export class NTNDArray {
  /** `epics:nt/NTNDArray:1.0`. */
  static readonly id: string = ND_ARRAY_ID;

  /** PVXS's and p4p's type with descriptor and display at the end. */
  static readonly type: TypeDef = ndArrayType;

  /** The structure itself. Changes through it or through this object are the same. */
  readonly value: Value;

  /** @throws NoConvertError if the structure is no NTNDArray, see {@link NTNDArray.is} */
  constructor(value: Value) {
    if (!isNdArray(value)) throw new NoConvertError(`${value.id} is not an NTNDArray`);
    this.value = value;
  }

  /**
   * Is the structure or type an NTNDArray 1.x: by its id or, without an id, by a `value` union with NTNDArray's
   * members (or any) together with `dimension` or `uniqueId` (for any: both)?
   */
  static is(from: Value | TypeDef): boolean {
    return isNdArray(from);
  }

  /** Has it all fields of an NTNDArray, whatever its id? What servers that filter fields send has not. */
  static isCompatible(from: Value | TypeDef): boolean {
    return ndArrayRules.isCompatible(from);
  }

  /** The same as the constructor. @throws NoConvertError if the structure is no NTNDArray */
  static wrap(structure: Value): NTNDArray {
    return new NTNDArray(structure);
  }

  /** A new frame. @throws NoConvertError if the dimensions do not make the number of pixels; NoFieldError */
  static create(options: NDArrayOptions = {}): NTNDArray {
    const array = new NTNDArray(Value.create(options.type ?? ndArrayType));
    const { pixels, uniqueId, attributes, colorMode, descriptor } = options;
    const timeStamp = options.timeStamp ?? nowTimeStamp();
    const dimensions = options.dimensions ?? (pixels ? [pixels.length] : undefined);
    if (pixels && dimensions) checkSize(pixels.length, dimensions);
    if (pixels) array.pixels = pixels;
    if (dimensions) array.dimensions = dimensions;
    if (uniqueId !== undefined) array.uniqueId = uniqueId;
    if (options.timeStamp || array.has('timeStamp')) array.timeStamp = timeStamp;
    if (options.dataTimeStamp || array.has('dataTimeStamp'))
      array.dataTimeStamp = options.dataTimeStamp ?? timeStamp;
    if (colorMode !== undefined) array.colorMode = colorMode;
    for (const [name, v] of Object.entries(attributes ?? {})) array.setAttribute(name, v);
    if (descriptor !== undefined) array.set('descriptor', descriptor);
    return array;
  }

  /** The structure itself, as the other normative types call it; the same as `value`. */
  get structure(): Value {
    return this.value;
  }

  /** A copy that shares no fields, with the same marks; pixels are shared until they are set. */
  clone(): NTNDArray {
    return new NTNDArray(this.value.clone());
  }

  /** Any field by path, see Value. @throws NoFieldError */
  get(path: string): PvData {
    return this.value.get(path);
  }

  /** @throws NoFieldError, NoConvertError */
  set(path: string, v: unknown): this {
    this.value.set(path, v);
    return this;
  }

  /** Is there a field at this path? */
  has(path: string): boolean {
    return this.value.has(path);
  }

  /**
   * The pixels in the type the frame has, not copied; with a codec the compressed bytes. A received array may be a
   * view on the received message: it never changes by itself. Undefined if the frame holds none.
   */
  get pixels(): PixelArray | undefined {
    return readPixels(this.value);
  }

  /**
   * Uncompressed pixels, by reference: selects the union member of the array's kind, sets both sizes (if they
   * change) and takes off a codec. Dimensions stay as they are. @throws NoConvertError
   */
  set pixels(pixels: PixelArray | Uint8ClampedArray) {
    selectPixels(this.value, pixels);
    const size = byteSize(pixels as PixelArray);
    this.setSizes(size, size);
    if (this.value.has('codec.name') && this.value.get('codec.name') !== '')
      this.value.set('codec', { name: '', parameters: null });
  }

  /**
   * Compressed pixels, by reference.
   *
   * @param codec `parameters` is the number of the pixels' original type
   * @param uncompressedSize bytes of the original pixels
   * @throws NoConvertError, NoFieldError
   */
  setCompressed(
    bytes: Uint8Array,
    codec: { readonly name: string; readonly parameters?: number },
    uncompressedSize: number,
  ): this {
    selectPixels(this.value, bytes);
    this.setSizes(bytes.length, uncompressedSize);
    const parameters = codec.parameters === undefined ? null : new AnyValue(typeOf('int'), codec.parameters);
    this.value.set('codec', { name: codec.name, parameters });
    return this;
  }

  /**
   * A frame with the pixels as they were before they were compressed; this frame if they are not. Codecs: `lz4`,
   * `bslz4`, `lz4hdf5`, `zlib`; `blosc` with the package numcodecs and `jpeg` with jpeg-js installed; and those of
   * `registerCodec`. The pixels' size is limited by `maxSize` and never exceeds what the frame announces.
   * @throws CodecError if the bytes are wrong, the codec is unknown or its package is missing
   */
  async decompress(options: DecompressOptions = {}): Promise<NTNDArray> {
    if (this.codec.name === '') return this;
    // Copied first: the update may be released before the codec is loaded.
    const frame = this.clone();
    frame.pixels = await decompressPixels(frame, options);
    return frame;
  }

  /** As {@link decompress}, for codecs that need no package or were loaded with `loadCodec`. @throws CodecError */
  decompressSync(options: DecompressOptions = {}): NTNDArray {
    if (this.codec.name === '') return this;
    const frame = this.clone();
    frame.pixels = decompressPixelsSync(this, options);
    return frame;
  }

  /** A frame with the pixels compressed by `lz4`, `bslz4`, `lz4hdf5` or a codec of yours. @throws CodecError */
  compress(name: string): NTNDArray {
    const { bytes, parameters, size } = compressPixels(name, this.decompressSync().pixels);
    return this.clone().setCompressed(bytes, { name, parameters }, size);
  }

  private setSizes(compressed: number, uncompressed: number): void {
    this.setIfChanged('compressedSize', compressed);
    this.setIfChanged('uncompressedSize', uncompressed);
  }

  /** A stream of frames of one size must not send it with every frame. */
  private setIfChanged(path: string, n: number): void {
    const now = this.value.tryGet(path);
    if (now !== undefined && Number(now) !== n) this.value.set(path, n);
  }

  /** How the pixels are compressed; name "" means not at all. */
  get codec(): Codec {
    const name = this.value.tryGet('codec.name');
    return {
      name: typeof name === 'string' ? name : '',
      parameters: bareValue(this.value.tryGet('codec.parameters') ?? null),
    };
  }

  /** Bytes of the pixels as they are in the frame, compressed or not; 0 if it does not say. */
  get compressedSize(): number {
    return Number(this.value.tryGet('compressedSize') ?? 0);
  }

  /** Bytes of the uncompressed pixels, as the frame says; 0 if it does not. */
  get uncompressedSize(): number {
    return Number(this.value.tryGet('uncompressedSize') ?? 0);
  }

  /** Fastest varying first (x, y, ...); empty for a server that has no frame yet. */
  get dimensions(): Dimension[] {
    return readDimensions(this.value);
  }

  /** Fastest first; a bare number is a size. Fields the type does not have are left out. */
  set dimensions(dimensions: readonly DimensionInput[]) {
    writeDimensions(this.value, dimensions);
  }

  /** Sizes in numpy's order, slowest first: `[height, width]` for a mono image. */
  get shape(): number[] {
    return readDimensions(this.value)
      .map((d) => d.size)
      .reverse();
  }

  /** Pixels along x, whichever axis that is in the frame's colour mode; 0 without dimensions. */
  get width(): number {
    return this.axisSize('x');
  }

  /** Pixels along y; 1 for a line of pixels, 0 without dimensions. */
  get height(): number {
    return this.axisSize('y');
  }

  private axisSize(axis: 'x' | 'y'): number {
    const dimensions = this.dimensions;
    if (dimensions.length === 0) return 0;
    // The attributes are decoded only if they can matter.
    const colorMode = dimensions.length > 2 ? this.colorMode : undefined;
    return dimensions[imageAxes(colorMode, dimensions.length)[axis]]?.size ?? 1;
  }

  /** The ColorMode attribute (see ColorMode), undefined if the frame has none. */
  get colorMode(): number | undefined {
    const v = this.attribute('ColorMode');
    if (typeof v !== 'number' && typeof v !== 'bigint') return undefined;
    return Number(v);
  }

  /** Sets the attribute ColorMode. */
  set colorMode(mode: number) {
    this.setAttribute('ColorMode', new AnyValue(typeOf('int'), mode), {
      descriptor: 'Color mode',
      source: 'Driver',
    });
  }

  /** The frame's number. @throws NoFieldError if the server does not send it */
  get uniqueId(): number {
    return Number(this.value.get('uniqueId'));
  }

  /** @throws NoFieldError */
  set uniqueId(id: number) {
    this.value.set('uniqueId', id);
  }

  /** When the server made the array; 1970 if it does not say. */
  get timeStamp(): TimeStamp {
    return readTimeStamp(this.value, 'timeStamp') ?? UNSET;
  }

  /** @throws NoFieldError */
  set timeStamp(t: TimeStamp | Date) {
    writeTimeStamp(this.value, 'timeStamp', t);
  }

  /** When the data were acquired; 1970 if the frame does not say. */
  get dataTimeStamp(): TimeStamp {
    return readTimeStamp(this.value, 'dataTimeStamp') ?? UNSET;
  }

  /** @throws NoFieldError */
  set dataTimeStamp(t: TimeStamp | Date) {
    writeTimeStamp(this.value, 'dataTimeStamp', t);
  }

  /** Attribute values by name; unions, any and PvaPy's `{ value }` structures as what they hold. */
  get attributes(): Map<string, PvData> {
    return readAttributes(this.value);
  }

  /** One attribute's value, undefined if there is none of that name. */
  attribute(name: string): PvData | undefined {
    return readAttribute(this.value, name);
  }

  /** Adds or replaces an attribute. A number becomes double; give an AnyValue for another type. */
  setAttribute(name: string, value: unknown, options: AttributeOptions = {}): this {
    writeAttribute(this.value, name, value, options);
    return this;
  }
}
