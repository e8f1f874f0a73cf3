/** How large an object is that is published: what was received of it, or its arrays. */
import { type TypeDef, UnionValue, type Value } from 'epics-pva-ts';

/** Fields of a type that may hold an array of numbers. */
const paths = new WeakMap<TypeDef, readonly string[]>();

/** Bytes as received, whatever was changed since; of a self-made object those of its arrays of numbers. */
export function objectBytes(object: Value): number {
  const received = object.messageBytes;
  if (received > 0) return received;
  let fields = paths.get(object.type);
  if (!fields) {
    fields = object.type.nodes.filter((node) => mayHold(node.type)).map((node) => node.path);
    paths.set(object.type, fields);
  }
  let bytes = 0;
  for (const path of fields) {
    const field = object.get(path);
    const held = field instanceof UnionValue ? field.value : field;
    if (ArrayBuffer.isView(held)) bytes += held.byteLength;
  }
  return bytes;
}

function mayHold({ kind, isArray }: TypeDef): boolean {
  return isArray ? kind !== 'struct' && kind !== 'string' : kind === 'union';
}
