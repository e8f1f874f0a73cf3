/** NTUnion: a value of any type, or one of several named types, with alarm and time. */
import { NoConvertError } from '../errors.ts';
import { AnyValue, UnionValue } from '../value/containers.ts';
import { struct, type TypeDef, type TypeSpec, typeOf } from '../value/type-def.ts';
import { type PvData, Value } from '../value/value.ts';
import { type CommonFields, commonMembers, NormativeView, setCommon } from './common-fields.ts';
import { NormativeType, UNION } from './compatibility.ts';

const description = new NormativeType('NTUnion', { value: UNION });

/** Of which type an NTUnion is, and its optional fields. */
export interface UnionOptions extends CommonFields {
  /** The type of `value`: a union, or any. Default `'any'`. */
  readonly type?: TypeDef | 'any';
}

function unionType(type: TypeSpec = 'any'): TypeDef {
  const union = typeOf(type);
  if (UNION.fits(union)) return union;
  throw new NoConvertError(`the value of an NTUnion is a union or any, not ${union.displayId}`);
}

/** What a union or any holds, null if nothing. */
export function contentOf(v: PvData | undefined): PvData {
  if (v instanceof UnionValue || v instanceof AnyValue) return v.value;
  return v ?? null;
}

/** Reads an NTUnion. */
export class NTUnionView extends NormativeView {
  /** What the union holds; null if nothing is selected. */
  get value(): PvData {
    return contentOf(this.structure.get('value'));
  }

  /** Name of the selected member; null for any and when nothing is selected. */
  get member(): string | null {
    const union = this.structure.get('value');
    return union instanceof UnionValue ? union.member : null;
  }
}

/** A value of any type. Standard: NTUnion (appendix A), as normativeTypesCPP ntunion.cpp. */
export const NTUnion = {
  /** `epics:nt/NTUnion:1.0`. */
  id: description.id,

  /** value and what `options` asks for, in the order value, descriptor, alarm, timeStamp. @throws NoConvertError */
  build(options: UnionOptions = {}): TypeDef {
    return struct(description.id, [['value', unionType(options.type)], ...commonMembers(options)]);
  },

  /**
   * An NTUnion. In an any a number becomes double, a bigint long; a union takes the first member that fits, and a
   * UnionValue or AnyValue says exactly which.
   * @throws NoConvertError
   */
  create(value: unknown, options: UnionOptions = {}): Value {
    return setCommon(Value.create(NTUnion.build(options), { value }), options);
  },

  /** Has it the id of an NTUnion 1.x? */
  is(from: Value | TypeDef): boolean {
    return description.is(from);
  },

  /** Has it the fields of an NTUnion, whatever its id? */
  isCompatible(from: Value | TypeDef): boolean {
    return description.isCompatible(from);
  },

  /** @throws NoConvertError naming the field that does not fit */
  wrap(structure: Value): NTUnionView {
    description.check(structure);
    return new NTUnionView(structure);
  },
} as const;
