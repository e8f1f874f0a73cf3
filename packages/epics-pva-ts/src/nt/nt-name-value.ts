/** NTNameValue: scalars of one kind, each with a name. */
import { NoConvertError } from '../errors.ts';
import { SCALAR_KINDS, type ScalarKind } from '../value/type-code.ts';
import { struct, type TypeDef } from '../value/type-def.ts';
import { Value } from '../value/value.ts';
import { type CommonFields, commonMembers, NormativeView, setCommon } from './common-fields.ts';
import { NormativeType, SCALARS, TEXTS } from './compatibility.ts';
import type { Scalar, ScalarArray } from './nt-scalar.ts';

const description = new NormativeType('NTNameValue', { name: TEXTS, value: SCALARS });

/** Reads an NTNameValue. */
export class NTNameValueView extends NormativeView {
  /** The names. */
  get name(): readonly string[] {
    return this.strings('name');
  }

  /** The value of every name: a typed array for numbers, else an array. */
  get value(): ScalarArray {
    return this.structure.get('value') as ScalarArray;
  }

  /** The values by name; of two with the same name the last counts. As many as there are both of. */
  get entries(): Map<string, Scalar> {
    const { name, value } = this;
    return new Map(name.slice(0, value.length).map((n, i) => [n, value[i] as Scalar]));
  }

  /** As many names as values, as the standard asks for. */
  isValid(): boolean {
    return this.name.length === this.value.length;
  }
}

/** Named scalars of one kind. Standard: NTNameValue. */
export const NTNameValue = {
  /** `epics:nt/NTNameValue:1.0`. */
  id: description.id,

  /** name, value and what `options` asks for, in the order descriptor, alarm, timeStamp. @throws NoConvertError */
  build(kind: ScalarKind, options: CommonFields = {}): TypeDef {
    if (!SCALAR_KINDS.includes(kind))
      throw new NoConvertError(`'${kind}' is no scalar; there are: ${SCALAR_KINDS.join(', ')}`);
    return struct(description.id, [['name', 'string[]'], ['value', `${kind}[]`], ...commonMembers(options)]);
  },

  /**
   * Values by name, in order.
   * @example NTNameValue.create('double', { physics: 1.3, art: 2 })
   * @throws NoConvertError for a value that does not fit
   */
  create(
    kind: ScalarKind,
    entries: Readonly<Record<string, unknown>> | ReadonlyMap<string, unknown>,
    options: CommonFields = {},
  ): Value {
    const list: (readonly [string, unknown])[] =
      entries instanceof Map ? [...entries] : Object.entries(entries as Readonly<Record<string, unknown>>);
    const value = Value.create(NTNameValue.build(kind, options), {
      name: list.map(([name]) => name),
      value: list.map(([, v]) => v),
    });
    return setCommon(value, options);
  },

  /** Has it the id of an NTNameValue 1.x? */
  is(from: Value | TypeDef): boolean {
    return description.is(from);
  },

  /** Has it the fields of an NTNameValue, whatever its id? */
  isCompatible(from: Value | TypeDef): boolean {
    return description.isCompatible(from);
  },

  /** @throws NoConvertError naming the field that does not fit */
  wrap(structure: Value): NTNameValueView {
    description.check(structure);
    return new NTNameValueView(structure);
  },
} as const;
