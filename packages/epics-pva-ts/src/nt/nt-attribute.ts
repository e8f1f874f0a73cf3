/** NTAttribute: a named value of any type, which may carry tags. The attributes of an NTNDArray are of this type too. */
import { struct, type TypeDef } from '../value/type-def.ts';
import { type PvData, Value } from '../value/value.ts';
import { type CommonFields, commonMembers, type Members, NormativeView, setCommon } from './common-fields.ts';
import { COMMON, NormativeType, TEXT, TEXTS, UNION } from './compatibility.ts';
import { bareValue } from './nt-nd-array-attributes.ts';

const description = new NormativeType(
  'NTAttribute',
  { name: TEXT, value: UNION },
  { tags: TEXTS, ...COMMON },
);

/** Which optional fields an attribute carries; for `create` also what they hold. */
export interface NTAttributeOptions extends CommonFields {
  /** Words by which attributes are found. Default false. */
  readonly tags?: boolean | readonly string[];
}

/** Reads an NTAttribute. */
export class NTAttributeView extends NormativeView {
  /** Name of the attribute. */
  get name(): string {
    return this.structure.get('name') as string;
  }

  /** The value, out of its any and out of the `{ value }` structure that PvaPy wraps it in; null if there is none. */
  get value(): PvData {
    return bareValue(this.structure.get('value'));
  }

  /** Words by which attributes are found; undefined if there is no such field. */
  get tags(): readonly string[] | undefined {
    return this.structure.tryGet('tags') as string[] | undefined;
  }
}

/** A named value. Standard: NTAttribute. */
export const NTAttribute = {
  /** `epics:nt/NTAttribute:1.0`. */
  id: description.id,

  /** name, value and what `options` asks for, in the order tags, descriptor, alarm, timeStamp. */
  build(options: NTAttributeOptions = {}): TypeDef {
    const members: Members = [
      ['name', 'string'],
      ['value', 'any'],
    ];
    if (options.tags) members.push(['tags', 'string[]']);
    return struct(description.id, [...members, ...commonMembers(options)]);
  },

  /** An attribute. A number becomes double, a bigint long; give an AnyValue for another type. @throws NoConvertError */
  create(name: string, value: unknown, options: NTAttributeOptions = {}): Value {
    const attribute = Value.create(NTAttribute.build(options), { name, value });
    if (typeof options.tags === 'object') attribute.set('tags', options.tags);
    return setCommon(attribute, options);
  },

  /** Has it the id of an NTAttribute 1.x? */
  is(from: Value | TypeDef): boolean {
    return description.is(from);
  },

  /** Has it the fields of an NTAttribute, whatever its id? */
  isCompatible(from: Value | TypeDef): boolean {
    return description.isCompatible(from);
  },

  /** @throws NoConvertError naming the field that does not fit */
  wrap(structure: Value): NTAttributeView {
    description.check(structure);
    return new NTAttributeView(structure);
  },
} as const;
