/** NTHistogram: counts by ranges of a number. */
import { NoConvertError } from '../errors.ts';
import { kindOfArray, type NumericArray } from '../value/type-code.ts';
import { struct, type TypeDef } from '../value/type-def.ts';
import { Value } from '../value/value.ts';
import { type CommonFields, commonMembers, NormativeView, setCommon } from './common-fields.ts';
import { NormativeType, NUMBERS } from './compatibility.ts';

const description = new NormativeType('NTHistogram', { ranges: NUMBERS, value: NUMBERS });

/** Kinds of counts the standard allows. */
const KINDS = ['short', 'int', 'long'] as const;
/** Kinds of counts the EPICS Normative Types Specification allows. */
export type HistogramKind = (typeof KINDS)[number];

/** Kind of the counts, and which optional fields a histogram carries. */
export interface HistogramOptions extends CommonFields {
  /** Kind of the counts. Default: that of the array given to `create` where it is one of them, else `int`. */
  readonly kind?: HistogramKind;
}

/** Reads an NTHistogram. */
export class NTHistogramView extends NormativeView {
  /** Ends of the bins: bin i goes from ranges[i] to ranges[i + 1]. */
  get ranges(): Float64Array {
    return this.doubles('ranges');
  }

  /** The count of every bin. */
  get value(): NumericArray {
    return this.numbers('value');
  }

  /** The bin `x` falls into, or -1. A bin contains its lower end, the last one also its upper end. */
  bin(x: number): number {
    const { ranges } = this;
    const last = ranges.length - 2;
    if (x === ranges[last + 1] && last >= 0) return last;
    for (let i = 0; i <= last; i++) if (x >= (ranges[i] as number) && x < (ranges[i + 1] as number)) return i;
    return -1;
  }

  /** One end of a bin more than counts, as the standard asks for. */
  isValid(): boolean {
    return this.numbers('ranges').length === this.value.length + 1;
  }
}

/** Counts by ranges. Standard: NTHistogram. */
export const NTHistogram = {
  /** `epics:nt/NTHistogram:1.0`. */
  id: description.id,

  /**
   * ranges, value and what `options` asks for, in the order descriptor, alarm, timeStamp.
   * @throws NoConvertError for a kind of counts that the standard does not allow
   */
  build(options: HistogramOptions = {}): TypeDef {
    const { kind = 'int' } = options;
    if (!KINDS.includes(kind))
      throw new NoConvertError(`counts of a histogram are ${KINDS.join(', ')}, not ${kind}`);
    return struct(description.id, [
      ['ranges', 'double[]'],
      ['value', `${kind}[]`],
      ...commonMembers(options),
    ]);
  },

  /**
   * @param ranges ends of the bins, one more than counts
   * @param counts an Int16Array, Int32Array or BigInt64Array, or numbers
   * @throws NoConvertError if their numbers do not fit together
   */
  create(
    ranges: ArrayLike<number>,
    counts: ArrayLike<number> | ArrayLike<bigint>,
    options: HistogramOptions = {},
  ): Value {
    if (ranges.length !== counts.length + 1)
      throw new NoConvertError(
        `${counts.length} bin(s) have ${counts.length + 1} ends, there are ${ranges.length}`,
      );
    const given = kindOfArray(counts);
    const kind = options.kind ?? KINDS.find((k) => k === given);
    const type = NTHistogram.build(kind === undefined ? options : { ...options, kind });
    return setCommon(Value.create(type, { ranges, value: counts }), options);
  },

  /** Has it the id of an NTHistogram 1.x? */
  is(from: Value | TypeDef): boolean {
    return description.is(from);
  },

  /** Has it the fields of an NTHistogram, whatever its id? */
  isCompatible(from: Value | TypeDef): boolean {
    return description.isCompatible(from);
  },

  /** @throws NoConvertError naming the field that does not fit */
  wrap(structure: Value): NTHistogramView {
    description.check(structure);
    return new NTHistogramView(structure);
  },
} as const;
