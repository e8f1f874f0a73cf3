/** NTEnum: one of a list of choices. */
import { NoConvertError } from '../errors.ts';
import { struct, type TypeDef } from '../value/type-def.ts';
import { Value } from '../value/value.ts';
import { type CommonFields, commonMembers, type Members, NormativeView, setCommon } from './common-fields.ts';
import { COMMON, ENUM, NormativeType, STRUCTURE } from './compatibility.ts';
import { enumType } from './fields.ts';

const description = new NormativeType('NTEnum', { value: ENUM }, { ...COMMON, display: STRUCTURE });

/** Which optional fields an enum carries; for `create` also what they hold. */
export interface EnumOptions extends CommonFields {
  /** `display.description`, an addition of PVXS. Default true; a text sets it. */
  readonly display?: boolean | string;
}

function build(options: EnumOptions = {}): TypeDef {
  const members: Members = [['value', enumType], ...commonMembers(options)];
  if (options.display !== false) members.push(['display', struct('', { description: 'string' })]);
  return struct(description.id, members);
}

const type = build();

/** Reads an NTEnum. */
export class NTEnumView extends NormativeView {
  /** The number of the selected choice. */
  get index(): number {
    return NTEnum.index(this.structure);
  }

  /** The texts of the choices. */
  get choices(): readonly string[] {
    return NTEnum.choices(this.structure);
  }

  /** The text of the selected choice, or undefined if the index is out of range. */
  get label(): string | undefined {
    return NTEnum.label(this.structure);
  }
}

/** One of a list of choices. Standard: NTEnum; display as PVXS nt.h. */
export const NTEnum = {
  /** `epics:nt/NTEnum:1.0`. */
  id: description.id,

  /** value, alarm, timeStamp and display.description, as PVXS has them. */
  type,

  /** As `type`, or with other optional fields: `{ descriptor: true, display: false }` is normativeTypesCPP's. */
  build,

  /** An NTEnum with its choices. `selected` is a choice or its number. @throws NoConvertError for an unknown choice */
  create(choices: readonly string[], selected: string | number = 0, options: EnumOptions = {}): Value {
    const index = typeof selected === 'number' ? selected : choices.indexOf(selected);
    if (index < 0)
      throw new NoConvertError(
        `'${selected}' is none of the choices: ${choices.join(', ') || 'there are none'}`,
      );
    const whole = Object.keys(options).length === 0 ? type : build(options);
    const value = Value.create(whole, { value: { index, choices } });
    if (typeof options.display === 'string') value.set('display.description', options.display);
    return setCommon(value, options);
  },

  /** Has it the id of an NTEnum 1.x? */
  is(from: Value | TypeDef): boolean {
    return description.is(from);
  },

  /** Has it the fields of an NTEnum, whatever its id? */
  isCompatible(from: Value | TypeDef): boolean {
    return description.isCompatible(from);
  },

  /** @throws NoConvertError naming the field that does not fit */
  wrap(structure: Value): NTEnumView {
    description.check(structure);
    return new NTEnumView(structure);
  },

  /** The number of the selected choice. @throws NoFieldError if this is no enum */
  index(value: Value): number {
    return Number(value.get('value.index'));
  },

  /** The texts of the choices; servers send them with the first update only. @throws NoFieldError */
  choices(value: Value): readonly string[] {
    return value.get('value.choices') as string[];
  },

  /** The text of the selected choice, or undefined if the index is out of range. @throws NoFieldError */
  label(value: Value): string | undefined {
    return NTEnum.choices(value)[NTEnum.index(value)];
  },
} as const;
