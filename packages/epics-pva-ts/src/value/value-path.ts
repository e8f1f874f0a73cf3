/**
 * Paths that go further than a structure's own fields, in PVXS's notation: `value->ubyteValue` selects or reads a
 * union member, `parameters->` reads what an any holds, `attribute[2].name` goes into an array.
 */
import { NoFieldError } from '../errors.ts';
import { AnyValue, UnionValue } from './containers.ts';
import { select } from './convert.ts';
import type { FieldNode } from './type-def.ts';
import type { PvData, Value } from './value.ts';

interface Step {
  readonly kind: 'field' | 'member' | 'index';
  readonly name: string;
}

function parse(path: string): Step[] {
  const steps: Step[] = [];
  const pattern = /->([A-Za-z_][A-Za-z0-9_]*)?|\[(\d+)\]|\.?([A-Za-z_][A-Za-z0-9_]*)/y;
  while (pattern.lastIndex < path.length) {
    const at = pattern.lastIndex;
    const m = pattern.exec(path);
    if (!m) throw new NoFieldError(`cannot understand path '${path}' at position ${at}`);
    if (m[0].startsWith('->')) steps.push({ kind: 'member', name: m[1] ?? '' });
    else if (m[2] !== undefined) steps.push({ kind: 'index', name: m[2] });
    else steps.push({ kind: 'field', name: m[3] as string });
  }
  return steps;
}

function isStructure(v: PvData | undefined): v is Value {
  return typeof v === 'object' && v !== null && 'isMarked' in v;
}

function step(at: PvData, s: Step, path: string): PvData {
  if (s.kind === 'index') {
    const list = at as { readonly [i: number]: PvData; readonly length: number };
    const i = Number(s.name);
    if (at === null || typeof at !== 'object' || !('length' in (at as object)))
      throw new NoFieldError(`'[${i}]' in '${path}': not an array`);
    if (i >= list.length)
      throw new NoFieldError(`'[${i}]' in '${path}': the array has ${list.length} element(s)`);
    return list[i] as PvData;
  }
  if (s.kind === 'member') {
    if (at instanceof AnyValue)
      return s.name === '' ? at.value : step(at.value, { kind: 'field', name: s.name }, path);
    if (at instanceof UnionValue) {
      if (!at.type.members.some((m) => m.name === s.name) && s.name !== '')
        throw new NoFieldError(
          `no member '${s.name}' in the union of '${path}'; there are: ${at.type.members.map((m) => m.name).join(', ')}`,
        );
      return s.name === '' || at.member === s.name ? at.value : null;
    }
    throw new NoFieldError(`'->' in '${path}': not a union or any`);
  }
  if (!isStructure(at)) throw new NoFieldError(`no field '${s.name}' in '${path}': not a structure`);
  at.type.node(s.name);
  return at.get(s.name);
}

/** Reads along a path with `->` or `[i]`. @throws NoFieldError */
export function resolveGet(from: Value, path: string): PvData {
  const steps = parse(path);
  if (steps.every((s) => s.kind === 'field')) {
    from.type.node(path);
  }
  return steps.reduce((at: PvData, s) => step(at, s, path), from);
}

/** Sets along such a path; the last step may select a union member. @throws NoFieldError, NoConvertError */
export function resolveSet(from: Value, path: string, input: unknown): void {
  const arrow = path.lastIndexOf('->');
  const dot = path.lastIndexOf('.');
  if (arrow > dot) {
    const unionPath = path.slice(0, arrow);
    const member = path.slice(arrow + 2);
    const current = from.get(unionPath);
    if (!(current instanceof UnionValue)) throw new NoFieldError(`'->' in '${path}': not a union`);
    const index = current.type.members.findIndex((m) => m.name === member);
    if (index < 0)
      throw new NoFieldError(
        `no member '${member}' in the union of '${path}'; there are: ${current.type.members.map((m) => m.name).join(', ')}`,
      );
    from.set(unionPath, select(current.type, index, input));
    return;
  }
  const parent = dot < 0 ? '' : path.slice(0, dot);
  const target = parent === '' ? from : from.get(parent);
  if (!isStructure(target) || target === from) {
    from.type.node(path) satisfies FieldNode;
    throw new NoFieldError(`cannot set '${path}'`);
  }
  target.set(path.slice(dot + 1), input);
  // Nothing inside an array, union or any can be sent by itself: the whole field has changed.
  from.mark(path.slice(0, path.search(/->|\[/)));
}
