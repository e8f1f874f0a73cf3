/** Marks and the numbering of fields: a marked structure stands for all that is in it (pva-protocol.md 2.9). */
import { BitSet } from '../wire/bit-set.ts';
import type { FieldNode } from './type-def.ts';

/** Is the field marked: itself, with a structure around it, or (structures) anything inside it? */
export function isMarked(marks: BitSet, field: FieldNode, nodes: readonly FieldNode[]): boolean {
  for (let p: number = field.index; p >= 0; p = (nodes[p] as FieldNode).parent) if (marks.get(p)) return true;
  return marks.anyInRange(field.index, field.end);
}

/** The marks without those of a field and all inside it. A marked structure around it falls apart into its other members. */
export function without(marks: BitSet, field: FieldNode, nodes: readonly FieldNode[]): BitSet {
  const left = marks.clone();
  for (const { index, end } of structuresAround(field, nodes)) {
    if (!left.get(index)) continue;
    for (let i = index; i < end; i++) left.clear(i);
    for (let i = index + 1; i < end; i = (nodes[i] as FieldNode).end) left.set(i);
  }
  for (let i = field.index; i < field.end; i++) left.clear(i);
  return left;
}

/** The structures a field is in, the outermost first. */
function structuresAround(node: FieldNode, nodes: readonly FieldNode[]): FieldNode[] {
  const around: FieldNode[] = [];
  for (let p = node.parent; p >= 0; p = (nodes[p] as FieldNode).parent) around.unshift(nodes[p] as FieldNode);
  return around;
}

/** The marks with every marked structure replaced by the fields in it (its own number included). */
export function allInside(marks: BitSet, nodes: readonly FieldNode[]): BitSet {
  const all = new BitSet();
  for (let b = marks.next(0); b >= 0; ) {
    const node = nodes[b];
    if (!node) break;
    all.setRange(b, node.end);
    b = marks.next(node.end);
  }
  return all;
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
