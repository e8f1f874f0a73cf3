/** NTContinuum: points in time or frequency, each with a base value and as many values as there are units for them. */
import { NoConvertError } from '../errors.ts';
import { struct, type TypeDef } from '../value/type-def.ts';
import { Value } from '../value/value.ts';
import { type CommonFields, commonMembers, NormativeView, setCommon } from './common-fields.ts';
import { NormativeType, NUMBERS, TEXTS } from './compatibility.ts';

const description = new NormativeType('NTContinuum', { base: NUMBERS, value: NUMBERS, units: TEXTS });

/** Reads an NTContinuum. */
export class NTContinuumView extends NormativeView {
  /** The index of every point: a time, a frequency. */
  get base(): Float64Array {
    return this.doubles('base');
  }

  /** All values, point by point. */
  get value(): Float64Array {
    return this.doubles('value');
  }

  /** Units of the values of a point, then that of the base. */
  get units(): readonly string[] {
    return this.strings('units');
  }

  /** Values of a point; 0 without points. */
  get valueCount(): number {
    const points = this.numbers('base').length;
    return points === 0 ? 0 : Math.floor(this.numbers('value').length / points);
  }

  /** The values of point `i`, from 0, as a view on `value`; empty outside. */
  point(i: number): Float64Array {
    const n = this.valueCount;
    return i < 0 ? new Float64Array(0) : this.value.subarray(i * n, (i + 1) * n);
  }

  /** As many values as units and base ask for, as the standard says. */
  isValid(): boolean {
    const { length } = this.numbers('value');
    return (this.units.length - 1) * this.numbers('base').length === length;
  }
}

/** Points in time or frequency. Standard: NTContinuum. */
export const NTContinuum = {
  /** `epics:nt/NTContinuum:1.0`. */
  id: description.id,

  /** base, value, units and what `options` asks for, in the order descriptor, alarm, timeStamp. */
  build(options: CommonFields = {}): TypeDef {
    return struct(description.id, [
      ['base', 'double[]'],
      ['value', 'double[]'],
      ['units', 'string[]'],
      ...commonMembers(options),
    ]);
  },

  /**
   * @param base the index of every point
   * @param value all values, point by point: (A1, B1, A2, B2, ...)
   * @param units one for each value of a point, then that of the base
   * @throws NoConvertError if the numbers of them do not fit together
   */
  create(
    base: ArrayLike<number>,
    value: ArrayLike<number>,
    units: readonly string[],
    options: CommonFields = {},
  ): Value {
    const perPoint = units.length - 1;
    if (perPoint * base.length !== value.length)
      throw new NoConvertError(
        `${units.length} unit(s) and ${base.length} point(s) make ${Math.max(0, perPoint * base.length)} value(s), there are ${value.length}`,
      );
    return setCommon(Value.create(NTContinuum.build(options), { base, value, units }), options);
  },

  /** Has it the id of an NTContinuum 1.x? */
  is(from: Value | TypeDef): boolean {
    return description.is(from);
  },

  /** Has it the fields of an NTContinuum, whatever its id? */
  isCompatible(from: Value | TypeDef): boolean {
    return description.isCompatible(from);
  },

  /** @throws NoConvertError naming the field that does not fit */
  wrap(structure: Value): NTContinuumView {
    description.check(structure);
    return new NTContinuumView(structure);
  },
} as const;
