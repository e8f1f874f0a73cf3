/**
 * What a MultiChannel makes of the values of its channels: an NTMultiChannel, or numbers; and what of an NTMultiChannel is put.
 *
 * Columns and the alarm of a channel that is not there are those of pvaClientCPP's `pvaClientNTMultiData.cpp`, which PvaPy's
 * MultiChannel gives. A channel without a change keeps its alarm and time here; there it reads as not connected.
 */
import { NoConvertError } from '../errors.ts';
import { AlarmSeverity, AlarmStatus, readAlarm } from '../nt/alarm.ts';
import { NTMultiChannel } from '../nt/nt-multi-channel.ts';
import type { ChannelField, ChannelValue } from '../nt/nt-multi-channel-view.ts';
import { nowTimeStamp, readTimeStamp } from '../nt/time-stamp.ts';
import { AnyValue } from '../value/containers.ts';
import { isNumericKind } from '../value/type-code.ts';
import { Value } from '../value/value.ts';

/** What is known of one channel. */
export interface ChannelState {
  readonly name: string;
  /** Its last value; undefined before the first. */
  readonly value: Value | undefined;
  readonly isConnected: boolean;
  /** Why it is not connected. */
  readonly why: string;
}

/** What a channel says that nobody has heard of. */
export const NOT_CONNECTED = 'not connected';

/** Which columns a pvRequest asks for: those of an alarm or time that is not asked for are left out. */
export interface Columns {
  readonly alarm: boolean;
  readonly timeStamp: boolean;
}

export function columnsOf(pvRequest: Value): Columns {
  const asked = pvRequest.type.member('field')?.members ?? [];
  const has = (name: string): boolean => asked.length === 0 || asked.some((m) => m.name === name);
  return { alarm: has('alarm'), timeStamp: has('timeStamp') };
}

/** The NTMultiChannel of these channels, stamped with the time now. */
export function multiChannelOf(states: readonly ChannelState[], columns: Columns): Value {
  const channelFields: ChannelField[] = ['isConnected'];
  if (columns.alarm) channelFields.push('severity', 'status', 'message');
  if (columns.timeStamp) channelFields.push('secondsPastEpoch', 'nanoseconds', 'userTag');
  return NTMultiChannel.create(states.map(rowOf), {
    channelFields,
    alarm: columns.alarm,
    timeStamp: columns.timeStamp && nowTimeStamp(),
  }).mark();
}

function rowOf({ name, value, isConnected, why }: ChannelState): ChannelValue {
  const timeStamp = value && readTimeStamp(value);
  const alarm = isConnected
    ? ((value && readAlarm(value)) ?? {
        severity: AlarmSeverity.UNDEFINED,
        status: AlarmStatus.UNDEFINED,
        message: 'no alarm field',
      })
    : { severity: AlarmSeverity.INVALID, status: AlarmStatus.UNDEFINED, message: why };
  return { name, value: contentOf(value), alarm, ...(timeStamp ? { timeStamp } : {}), isConnected };
}

/** The field `value` with its type; null if there is none. */
function contentOf(value: Value | undefined): AnyValue | null {
  const node = value?.type.find('value');
  if (!value || !node) return null;
  const content = value.get('value');
  if (content instanceof AnyValue) return content;
  return new AnyValue(node.type, content instanceof Value ? content.clone() : content);
}

/** The number of each channel; NaN for one that is not connected or has no numeric scalar as its value. */
export function doublesOf(states: readonly ChannelState[]): Float64Array {
  return Float64Array.from(states, ({ value, isConnected }) => {
    const node = value?.type.find('value');
    const isNumber = node !== undefined && !node.type.isArray && isNumericKind(node.type.kind);
    return value && isConnected && isNumber ? value.numberAt(node) : Number.NaN;
  });
}

/**
 * What is put to each of the channels; undefined: nothing.
 * @throws NoConvertError if there is not one for every channel, or an NTMultiChannel is one of other channels
 */
export function inputsOf(names: readonly string[], values: ArrayLike<unknown> | Value): unknown[] {
  if (values instanceof Value) {
    const { channelName, value } = NTMultiChannel.wrap(values);
    if (channelName.length !== names.length || names.some((name, i) => name !== channelName[i]))
      throw new NoConvertError(`this NTMultiChannel is one of other channels: ${channelName.join(', ')}`);
    return value.map((content) => (content === null ? undefined : { value: settable(content) }));
  }
  if (values.length !== names.length)
    throw new NoConvertError(`${values.length} values for ${names.length} channels`);
  return Array.from(values, (v) => v ?? undefined);
}

/** Of an enum the index: its choices are not a client's to set. */
function settable(content: unknown): unknown {
  return content instanceof Value && content.has('index') && content.has('choices')
    ? { index: content.get('index') }
    : content;
}
