/**
 * Which fields a printout shows or highlights. A mask has one bit per field in the numbering of the structure that
 * is printed; a bit on a structure stands for everything in it.
 */
import { BitSet } from '../wire/bit-set.ts';
import type { FieldNode } from './type-def.ts';
import type { Value } from './value.ts';

/** Adds everything inside the marked structures and, with `parents`, the structures around marked fields. */
export function expandMask(mask: BitSet, nodes: readonly FieldNode[], parents: boolean): BitSet {
  const all = new BitSet();
  for (let b = mask.next(0); b >= 0; ) {
    const node = nodes[b];
    if (!node) break;
    all.setRange(b, node.end);
    if (parents) for (let p = node.parent; p >= 0; p = (nodes[p] as FieldNode).parent) all.set(p);
    b = mask.next(node.end);
  }
  return all;
}

/** The marked fields of a structure or sub-structure, with the structures around and inside them. */
export function markedWithParents(value: Value): BitSet {
  const all = new BitSet();
  for (const node of value.type.nodes) if (value.isMarked(node.path)) all.set(node.index);
  return all;
}
