/**
 * NTMultiChannel and NTScalarMultiChannel: the values of several channels in one structure, of any types or of one
 * scalar kind, with the alarm and the time of each.
 *
 * `isConnected` is not in the standard's text but in normativeTypesCPP and p4p, as the last field.
 */
import { NoConvertError } from '../errors.ts';
import { SCALAR_KINDS, type ScalarKind } from '../value/type-code.ts';
import { struct, type TypeDef, typeOf } from '../value/type-def.ts';
import { Value } from '../value/value.ts';
import { NO_ALARM } from './alarm.ts';
import { type CommonFields, commonMembers, type Members, setCommon } from './common-fields.ts';
import {
  BOOLEANS,
  COMMON,
  type FieldRule,
  NormativeType,
  NUMBERS,
  SCALARS,
  TEXTS,
  UNION,
  UNIONS,
} from './compatibility.ts';
import {
  ALL_FIELDS,
  CHANNEL_FIELDS,
  type ChannelField,
  type ChannelValue,
  NTMultiChannelView,
  NTScalarMultiChannelView,
} from './nt-multi-channel-view.ts';
import { fromDate } from './time-stamp.ts';

const ALARM_FIELDS: readonly ChannelField[] = ['severity', 'status', 'message'];
const TIME_FIELDS: readonly ChannelField[] = ['secondsPastEpoch', 'nanoseconds', 'userTag'];

/** Which optional fields there are; for `create` also what the common ones hold. */
export interface ScalarMultiChannelOptions extends CommonFields {
  /** Which fields with an element for every channel there are. Default: those that the channels need; `build`: all. */
  readonly channelFields?: readonly ChannelField[];
}

/** Of which type the values are, and which optional fields there are. */
export interface MultiChannelOptions extends ScalarMultiChannelOptions {
  /** The type of a channel's value: a union, or any. Default `'any'`. */
  readonly type?: TypeDef | 'any';
}

function describe(name: string, value: FieldRule): NormativeType {
  const optional = Object.fromEntries(
    ALL_FIELDS.map((f) => [f, f === 'message' ? TEXTS : f === 'isConnected' ? BOOLEANS : NUMBERS]),
  );
  return new NormativeType(name, { value, channelName: TEXTS }, { ...COMMON, ...optional });
}

const multi = describe('NTMultiChannel', UNIONS);
const scalarMulti = describe('NTScalarMultiChannel', SCALARS);

function build(id: string, value: TypeDef, options: ScalarMultiChannelOptions): TypeDef {
  const { channelFields = ALL_FIELDS } = options;
  const fields: Members = ALL_FIELDS.filter((f) => channelFields.includes(f)).map((f) => [
    f,
    CHANNEL_FIELDS[f],
  ]);
  return struct(id, [['value', value], ['channelName', 'string[]'], ...commonMembers(options), ...fields]);
}

function fieldsFor(channels: readonly ChannelValue[]): ChannelField[] {
  return [
    ...(channels.some((c) => c.alarm) ? ALARM_FIELDS : []),
    ...(channels.some((c) => c.timeStamp) ? TIME_FIELDS : []),
    ...(channels.some((c) => c.isConnected !== undefined) ? (['isConnected'] as const) : []),
  ];
}

function withFields<T extends ScalarMultiChannelOptions>(channels: readonly ChannelValue[], options: T): T {
  return options.channelFields ? options : { ...options, channelFields: fieldsFor(channels) };
}

function fill(value: Value, channels: readonly ChannelValue[], options: CommonFields): Value {
  value.assign({ value: channels.map((c) => c.value ?? null), channelName: channels.map((c) => c.name) });
  const rows = channels.map(({ alarm, timeStamp, isConnected = true }) => {
    const time = timeStamp instanceof Date ? fromDate(timeStamp) : timeStamp;
    return { ...NO_ALARM, ...alarm, secondsPastEpoch: 0n, nanoseconds: 0, userTag: 0, ...time, isConnected };
  });
  for (const field of ALL_FIELDS)
    if (value.has(field))
      value.set(
        field,
        rows.map((row) => row[field]),
      );
  return setCommon(value, options);
}

/** Values of several channels, of any types. Standard: NTMultiChannel. */
export const NTMultiChannel = {
  /** `epics:nt/NTMultiChannel:1.0`. */
  id: multi.id,

  /**
   * value, channelName and what `options` asks for, in the order descriptor, alarm, timeStamp, severity, status,
   * message, secondsPastEpoch, nanoseconds, userTag, isConnected.
   * @throws NoConvertError if `type` is neither a union nor any
   */
  build(options: MultiChannelOptions = {}): TypeDef {
    const type = typeOf(options.type ?? 'any');
    if (!UNION.fits(type))
      throw new NoConvertError(`a channel of an NTMultiChannel is a union or any, not ${type.displayId}`);
    return build(multi.id, type.asArray(), options);
  },

  /** The channels with their values; a number becomes double in an any. @throws NoConvertError */
  create(channels: readonly ChannelValue[], options: MultiChannelOptions = {}): Value {
    return fill(Value.create(NTMultiChannel.build(withFields(channels, options))), channels, options);
  },

  /** Has it the id of an NTMultiChannel 1.x? */
  is(from: Value | TypeDef): boolean {
    return multi.is(from);
  },

  /** Has it the fields of an NTMultiChannel, whatever its id? */
  isCompatible(from: Value | TypeDef): boolean {
    return multi.isCompatible(from);
  },

  /** @throws NoConvertError naming the field that does not fit */
  wrap(structure: Value): NTMultiChannelView {
    multi.check(structure);
    return new NTMultiChannelView(structure);
  },
} as const;

/** Values of several channels, of one scalar kind. Standard: NTScalarMultiChannel (appendix A). */
export const NTScalarMultiChannel = {
  /** `epics:nt/NTScalarMultiChannel:1.0`. */
  id: scalarMulti.id,

  /** As {@link NTMultiChannel.build}, the values being scalars of one kind. @throws NoConvertError */
  build(kind: ScalarKind, options: ScalarMultiChannelOptions = {}): TypeDef {
    if (!SCALAR_KINDS.includes(kind))
      throw new NoConvertError(`'${kind}' is no scalar; there are: ${SCALAR_KINDS.join(', ')}`);
    return build(scalarMulti.id, typeOf(`${kind}[]`), options);
  },

  /** The channels with their values. @throws NoConvertError */
  create(
    kind: ScalarKind,
    channels: readonly ChannelValue[],
    options: ScalarMultiChannelOptions = {},
  ): Value {
    return fill(
      Value.create(NTScalarMultiChannel.build(kind, withFields(channels, options))),
      channels,
      options,
    );
  },

  /** Has it the id of an NTScalarMultiChannel 1.x? */
  is(from: Value | TypeDef): boolean {
    return scalarMulti.is(from);
  },

  /** Has it the fields of an NTScalarMultiChannel, whatever its id? */
  isCompatible(from: Value | TypeDef): boolean {
    return scalarMulti.isCompatible(from);
  },

  /** @throws NoConvertError naming the field that does not fit */
  wrap(structure: Value): NTScalarMultiChannelView {
    scalarMulti.check(structure);
    return new NTScalarMultiChannelView(structure);
  },
} as const;
