/** NTEnum: one of a list of choices. */
import { NoConvertError } from '../errors.ts';
import { struct, type TypeDef } from '../value/type-def.ts';
import { Value } from '../value/value.ts';
import { alarmType, enumType, isNormativeId, timeType } from './fields.ts';

const ID = 'epics:nt/NTEnum:1.0';

const type: TypeDef = struct(ID, {
  value: enumType,
  alarm: alarmType,
  timeStamp: timeType,
  display: struct('', { description: 'string' }),
});

/** One of a list of choices. */
export const NTEnum = {
  /** `epics:nt/NTEnum:1.0`. */
  id: ID,

  /** value, alarm, timeStamp and display.description, as PVXS has them. */
  type,

  /** An NTEnum with its choices. `selected` is a choice or its number. @throws NoConvertError for an unknown choice */
  create(choices: readonly string[], selected: string | number = 0): Value {
    const index = typeof selected === 'number' ? selected : choices.indexOf(selected);
    if (index < 0)
      throw new NoConvertError(
        `'${selected}' is none of the choices: ${choices.join(', ') || 'there are none'}`,
      );
    return Value.create(type, { value: { index, choices } });
  },

  /** Has it the id of an NTEnum 1.x? */
  is(value: Value): boolean {
    return isNormativeId(value.id, 'NTEnum');
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
