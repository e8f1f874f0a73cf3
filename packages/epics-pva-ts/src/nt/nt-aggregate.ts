/** NTAggregate: several observations, summed up in one. */
import { struct, type TypeDef } from '../value/type-def.ts';
import { Value } from '../value/value.ts';
import { type CommonFields, commonMembers, type Members, NormativeView, setCommon } from './common-fields.ts';
import { COMMON, NormativeType, NUMBER, TIME } from './compatibility.ts';
import { timeType } from './fields.ts';
import { readTimeStamp, type TimeStamp, writeTimeStamp } from './time-stamp.ts';

const description = new NormativeType(
  'NTAggregate',
  { value: NUMBER, N: NUMBER },
  {
    dispersion: NUMBER,
    first: NUMBER,
    firstTimeStamp: TIME,
    last: NUMBER,
    lastTimeStamp: TIME,
    max: NUMBER,
    min: NUMBER,
    ...COMMON,
  },
);

/** Which optional fields an aggregate carries (default none of these), and what they hold. */
export interface AggregateOptions extends CommonFields {
  /** How far the observations are from `value`; the descriptor says which measure it is. */
  readonly dispersion?: boolean | number;
  /** The first observation in time. */
  readonly first?: boolean | number;
  /** When the first observation was made. */
  readonly firstTimeStamp?: boolean | TimeStamp | Date;
  /** The last observation in time. */
  readonly last?: boolean | number;
  /** When the last observation was made. */
  readonly lastTimeStamp?: boolean | TimeStamp | Date;
  /** The largest observation. */
  readonly max?: boolean | number;
  /** The smallest observation. */
  readonly min?: boolean | number;
}

/** In the standard's order. */
const OPTIONAL = ['dispersion', 'first', 'firstTimeStamp', 'last', 'lastTimeStamp', 'max', 'min'] as const;

function isTime(field: string): boolean {
  return field.endsWith('TimeStamp');
}

/** Reads an NTAggregate. */
export class NTAggregateView extends NormativeView {
  /** The centre of the observations, usually their mean. */
  get value(): number {
    return Number(this.structure.get('value'));
  }

  /** How many observations there were. */
  get N(): bigint {
    return BigInt(this.structure.get('N') as bigint);
  }

  /** How far the observations are from `value`; the descriptor says which measure it is. */
  get dispersion(): number | undefined {
    return this.optionalNumber('dispersion');
  }

  /** The first observation in time. */
  get first(): number | undefined {
    return this.optionalNumber('first');
  }

  /** When the first observation was made. */
  get firstTimeStamp(): TimeStamp | undefined {
    return readTimeStamp(this.structure, 'firstTimeStamp');
  }

  /** The last observation in time. */
  get last(): number | undefined {
    return this.optionalNumber('last');
  }

  /** When the last observation was made. */
  get lastTimeStamp(): TimeStamp | undefined {
    return readTimeStamp(this.structure, 'lastTimeStamp');
  }

  /** The largest observation. */
  get max(): number | undefined {
    return this.optionalNumber('max');
  }

  /** The smallest observation. */
  get min(): number | undefined {
    return this.optionalNumber('min');
  }
}

/** Observations summed up. Standard: NTAggregate. */
export const NTAggregate = {
  /** `epics:nt/NTAggregate:1.0`. */
  id: description.id,

  /**
   * value, N and what `options` asks for, in the order dispersion, first, firstTimeStamp, last, lastTimeStamp, max,
   * min, descriptor, alarm, timeStamp.
   */
  build(options: AggregateOptions = {}): TypeDef {
    const members: Members = [
      ['value', 'double'],
      ['N', 'long'],
    ];
    // A number 0 is a value as any other.
    for (const field of OPTIONAL)
      if ((options[field] ?? false) !== false) members.push([field, isTime(field) ? timeType : 'double']);
    return struct(description.id, [...members, ...commonMembers(options)]);
  },

  /**
   * An aggregate of `N` observations around `value`.
   * @example NTAggregate.create(1.5, 10, { dispersion: 0.1, max: 1.7, min: 1.3, descriptor: 'mean, deviation' })
   * @throws NoConvertError
   */
  create(value: number, N: number | bigint, options: AggregateOptions = {}): Value {
    const aggregate = Value.create(NTAggregate.build(options), { value, N });
    for (const field of OPTIONAL) {
      const content = options[field];
      if (typeof content === 'number') aggregate.set(field, content);
      else if (typeof content === 'object') writeTimeStamp(aggregate, field, content);
    }
    return setCommon(aggregate, options);
  },

  /** Has it the id of an NTAggregate 1.x? */
  is(from: Value | TypeDef): boolean {
    return description.is(from);
  },

  /** Has it the fields of an NTAggregate, whatever its id? */
  isCompatible(from: Value | TypeDef): boolean {
    return description.isCompatible(from);
  },

  /** @throws NoConvertError naming the field that does not fit */
  wrap(structure: Value): NTAggregateView {
    description.check(structure);
    return new NTAggregateView(structure);
  },
} as const;
