/** The NTNDArray type of PvaPy's own class (NtNdArray). */
import { NTNDArray } from '../../src/nt/nt-nd-array.ts';
import { arrayOf, struct, type TypeDef, union } from '../../src/value/type-def.ts';

const alarm = { severity: 'int', status: 'int', message: 'string' } as const;
const time = { secondsPastEpoch: 'long', nanoseconds: 'int', userTag: 'int' } as const;

/** Another order of union members and fields; alarm and time of an attribute without id. */
export function pvapyType(id = NTNDArray.id): TypeDef {
  return struct(id, {
    value: union('', {
      booleanValue: 'boolean[]',
      byteValue: 'byte[]',
      ubyteValue: 'ubyte[]',
      shortValue: 'short[]',
      ushortValue: 'ushort[]',
      intValue: 'int[]',
      uintValue: 'uint[]',
      longValue: 'long[]',
      ulongValue: 'ulong[]',
      floatValue: 'float[]',
      doubleValue: 'double[]',
    }),
    codec: struct('codec_t', { name: 'string', parameters: 'any' }),
    compressedSize: 'long',
    uncompressedSize: 'long',
    dimension: arrayOf(
      struct('dimension_t', {
        size: 'int',
        offset: 'int',
        fullSize: 'int',
        binning: 'int',
        reverse: 'boolean',
      }),
    ),
    uniqueId: 'int',
    dataTimeStamp: struct('time_t', time),
    attribute: arrayOf(
      struct('epics:nt/NTAttribute:1.0', {
        name: 'string',
        value: 'any',
        tags: 'string[]',
        descriptor: 'string',
        alarm: struct('', alarm),
        timeStamp: struct('', time),
        sourceType: 'int',
        source: 'string',
      }),
    ),
    descriptor: 'string',
    alarm: struct('alarm_t', alarm),
    timeStamp: struct('time_t', time),
    display: struct('display_t', {
      limitLow: 'double',
      limitHigh: 'double',
      description: 'string',
      format: 'string',
      units: 'string',
    }),
  });
}
