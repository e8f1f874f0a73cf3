/** The pixels of an NTNDArray: reading whatever the `value` union or any holds, selecting the member for new ones. */
import { NoConvertError } from '../errors.ts';
import { AnyValue, UnionValue } from '../value/containers.ts';
import { kindOfArray, type NumericArray } from '../value/type-code.ts';
import { type TypeSpec, typeOf } from '../value/type-def.ts';
import type { Value } from '../value/value.ts';
import type { PixelKind } from './nt-nd-array-type.ts';

/** Pixels in the image's own type; `boolean[]` for a booleanValue. */
export type PixelArray = NumericArray | boolean[];

/** The pixels, not copied; undefined if nothing is selected or there is no `value`. */
export function readPixels(array: Value): PixelArray | undefined {
  const field = array.tryGet('value');
  const held = field instanceof UnionValue || field instanceof AnyValue ? field.value : field;
  return isPixelArray(held) ? held : undefined;
}

function isPixelArray(v: unknown): v is PixelArray {
  if (ArrayBuffer.isView(v)) return kindOfArray(v) !== undefined;
  return Array.isArray(v) && (v.length === 0 || typeof v[0] === 'boolean');
}

function kindOf(pixels: PixelArray): PixelKind {
  if (Array.isArray(pixels)) return 'boolean';
  const kind = kindOfArray(pixels);
  if (!kind) throw new NoConvertError(`a ${(pixels as object).constructor.name} cannot hold pixels`);
  return kind;
}

/** Bytes of the pixels on the wire. */
export function byteSize(pixels: PixelArray): number {
  return Array.isArray(pixels) ? pixels.length : pixels.byteLength;
}

/** Makes `pixels` the array's value, by reference. @throws NoConvertError if its type has no place for them */
export function selectPixels(array: Value, pixels: PixelArray | Uint8ClampedArray): void {
  const data =
    pixels instanceof Uint8ClampedArray
      ? new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.length)
      : pixels;
  const kind = kindOf(data);
  const { type } = array.type.node('value');
  if (type.kind === 'any') {
    array.set('value', new AnyValue(typeOf(`${kind}[]` as TypeSpec), data));
    return;
  }
  const index = type.members.findIndex((m) => m.name === `${kind}Value`);
  if (index < 0)
    throw new NoConvertError(
      `this NTNDArray has no place for ${kind} pixels; its members are: ${type.members.map((m) => m.name).join(', ') || 'none'}`,
    );
  array.set('value', new UnionValue(type, index, data));
}
