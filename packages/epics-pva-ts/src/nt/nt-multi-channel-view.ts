/** Reads the values of several channels in one structure; making such structures is nt-multi-channel.ts's. */
import type { PvData } from '../value/value.ts';
import type { Alarm } from './alarm.ts';
import { NormativeView } from './common-fields.ts';
import type { ScalarArray } from './nt-scalar.ts';
import { contentOf } from './nt-union.ts';
import type { TimeStamp } from './time-stamp.ts';

/** Fields with an element for every channel, in the standard's order. */
export const CHANNEL_FIELDS = {
  severity: 'int[]',
  status: 'int[]',
  message: 'string[]',
  secondsPastEpoch: 'long[]',
  nanoseconds: 'int[]',
  userTag: 'int[]',
  isConnected: 'boolean[]',
} as const;
/** A field with an element for every channel. */
export type ChannelField = keyof typeof CHANNEL_FIELDS;
export const ALL_FIELDS: readonly ChannelField[] = Object.keys(CHANNEL_FIELDS) as ChannelField[];

/** One channel of several. */
export interface ChannelValue {
  /** Name of the channel. */
  readonly name: string;
  /** What the channel holds; null if it holds nothing. 64-bit integers are bigint. */
  readonly value: unknown;
  /** Severity, status and message; parts not given are those of NO_ALARM. Default: no alarm. */
  readonly alarm?: Partial<Alarm>;
  /** When the value was taken. Default: not set. */
  readonly timeStamp?: TimeStamp | Date;
  /** Is the channel connected? Default true. */
  readonly isConnected?: boolean;
}

/** Reads what both types of several channels have. */
export class ChannelsView extends NormativeView {
  /** Name of every channel. */
  get channelName(): readonly string[] {
    return this.strings('channelName');
  }

  /** Alarm severity of every channel, as AlarmSeverity; undefined if there is no such field. */
  get severity(): readonly number[] | undefined {
    return this.column('severity');
  }

  /** Alarm status of every channel, as AlarmStatus; undefined if there is no such field. */
  get status(): readonly number[] | undefined {
    return this.column('status');
  }

  /** Alarm message of every channel; undefined if there is no such field. */
  get message(): readonly string[] | undefined {
    return this.structure.tryGet('message') as string[] | undefined;
  }

  /** Seconds since 1970 (UTC) of every channel; undefined if there is no such field. */
  get secondsPastEpoch(): readonly bigint[] | undefined {
    const seconds = this.structure.tryGet('secondsPastEpoch');
    return seconds === undefined ? undefined : Array.from(seconds as BigInt64Array, BigInt);
  }

  /** Nanoseconds behind `secondsPastEpoch` of every channel; undefined if there is no such field. */
  get nanoseconds(): readonly number[] | undefined {
    return this.column('nanoseconds');
  }

  /** User tag of every time; undefined if there is no such field. */
  get userTag(): readonly number[] | undefined {
    return this.column('userTag');
  }

  /** Whether every channel is connected (normativeTypesCPP); undefined if there is no such field. */
  get isConnected(): readonly boolean[] | undefined {
    return this.structure.tryGet('isConnected') as boolean[] | undefined;
  }

  /** The channels one by one: their values with as much of alarm, time and connection as there is. */
  get channels(): (ChannelValue & {
    /** What the channel holds; null if it holds nothing. */
    readonly value: PvData;
    /** When the value was taken; left out if the structure has no times. */
    readonly timeStamp?: TimeStamp;
  })[] {
    const { severity, status, message, secondsPastEpoch, nanoseconds, userTag, isConnected } = this;
    const values = this.contents();
    return this.channelName.map((name, i) => ({
      name,
      value: values[i] ?? null,
      ...((severity ?? status ?? message)
        ? { alarm: { severity: severity?.[i] ?? 0, status: status?.[i] ?? 0, message: message?.[i] ?? '' } }
        : {}),
      ...(secondsPastEpoch
        ? {
            timeStamp: {
              secondsPastEpoch: secondsPastEpoch[i] ?? 0n,
              nanoseconds: nanoseconds?.[i] ?? 0,
              userTag: userTag?.[i] ?? 0,
            },
          }
        : {}),
      ...(isConnected ? { isConnected: isConnected[i] ?? false } : {}),
    }));
  }

  /** A name for every value, and an element for every channel in each of the fields there are. */
  isValid(): boolean {
    const length = (this.structure.get('value') as ArrayLike<unknown>).length;
    return ['channelName', ...ALL_FIELDS].every((field) => {
      const column = this.structure.tryGet(field) as ArrayLike<unknown> | undefined;
      return column === undefined || column.length === length;
    });
  }

  /** What every channel holds. */
  protected contents(): readonly PvData[] {
    return Array.from(this.structure.get('value') as unknown as PvData[]);
  }

  private column(field: ChannelField): readonly number[] | undefined {
    const numbers = this.structure.tryGet(field);
    return numbers === undefined ? undefined : Array.from(numbers as Int32Array, Number);
  }
}

/** Reads an NTMultiChannel. */
export class NTMultiChannelView extends ChannelsView {
  /** What every channel holds; null if it holds nothing. */
  get value(): readonly PvData[] {
    return this.contents();
  }

  protected override contents(): readonly PvData[] {
    return (this.structure.get('value') as (PvData | undefined)[]).map(contentOf);
  }
}

/** Reads an NTScalarMultiChannel. */
export class NTScalarMultiChannelView extends ChannelsView {
  /** The value of every channel: a typed array for numbers, else an array. */
  get value(): ScalarArray {
    return this.structure.get('value') as ScalarArray;
  }
}
