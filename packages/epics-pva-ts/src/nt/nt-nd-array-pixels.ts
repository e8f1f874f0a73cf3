/** The pixels of an NTNDArray: reading whatever the `value` union or any holds, selecting the member for new ones. */
import { NoConvertError } from '../errors.ts';
import { AnyValue, UnionValue } from '../value/containers.ts';
import { ARRAY_TYPE, type NumericArray, type NumericKind } from '../value/type-code.ts';
import { type TypeDef, type TypeSpec, typeOf } from '../value/type-def.ts';
import type { PvData, Value } from '../value/value.ts';
import type { PixelKind } from './nt-nd-array-type.ts';

/** Pixels in the image's own type; `boolean[]` for a booleanValue. */
export type PixelArray = NumericArray | boolean[];

/** The pixels, not copied; undefined if nothing is selected or there is no `value`. */
export function readPixels(array: Value): PixelArray | undefined {
  const field = array.tryGet('value');
  if (field instanceof UnionValue) return pixelsOf(field.type.members[field.index]?.type, field.value);
  if (field instanceof AnyValue) return pixelsOf(field.type, field.value);
  return pixelsOf(array.type.member('value'), field);
}

function pixelsOf(type: TypeDef | null | undefined, v: PvData | undefined): PixelArray | undefined {
  if (!type?.isArray || !(type.kind in ARRAY_TYPE || type.kind === 'boolean')) return undefined;
  return v as PixelArray;
}

/** By the name of the class, which costs nothing to look up; a Buffer's is Uint8Array. */
const KIND_OF_CLASS: ReadonlyMap<string, NumericKind> = new Map(
  (Object.keys(ARRAY_TYPE) as NumericKind[]).map((kind) => [ARRAY_TYPE[kind].name, kind]),
);

function kindOf(pixels: PixelArray): PixelKind {
  if (Array.isArray(pixels) && (pixels.length === 0 || typeof pixels[0] === 'boolean')) return 'boolean';
  const kind = ArrayBuffer.isView(pixels) ? KIND_OF_CLASS.get(pixels[Symbol.toStringTag]) : undefined;
  if (!kind)
    throw new NoConvertError(
      `${Object.prototype.toString.call(pixels)} cannot hold pixels: give a typed array, or an array of booleans`,
    );
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
