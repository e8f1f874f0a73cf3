/** Marks and the numbering of fields: which structures are around a field, which bits are fields proper. */
import { BitSet } from '../wire/bit-set.ts';
import type { FieldNode } from './type-def.ts';

/** The structures a field is in, the outermost first. */
export function structuresAround(node: FieldNode, nodes: readonly FieldNode[]): FieldNode[] {
  const around: FieldNode[] = [];
  for (let p = node.parent; p >= 0; p = (nodes[p] as FieldNode).parent) around.unshift(nodes[p] as FieldNode);
  return around;
}

/** The bits of `mask` that are fields and not structures (an empty structure counts as a field). */
export function leavesOnly(mask: BitSet, nodes: readonly FieldNode[]): BitSet {
  const leaves = new BitSet();
  for (let b = mask.next(0); b >= 0; b = mask.next(b + 1)) {
    const node = nodes[b];
    if (node && (!node.isStruct || node.end === node.index + 1)) leaves.set(b);
  }
  return leaves;
}
