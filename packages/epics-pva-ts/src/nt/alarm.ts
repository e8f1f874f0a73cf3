/** alarm_t: the numbers of severity and status and their names (pva-protocol.md 8.1). */
import { ALARM_SEVERITY_NAMES, ALARM_STATUS_NAMES } from '../value/format-meta.ts';
import { Value } from '../value/value.ts';

/** How serious an alarm is. */
export const AlarmSeverity = {
  /** No alarm. */
  NONE: 0,
  /** Beyond the warning limits. */
  MINOR: 1,
  /** Beyond the alarm limits. */
  MAJOR: 2,
  /** The value cannot be trusted. */
  INVALID: 3,
  /** Nobody knows, for example because the record was never processed. */
  UNDEFINED: 4,
} as const;
/** One of the numbers of {@link AlarmSeverity}. */
export type AlarmSeverity = (typeof AlarmSeverity)[keyof typeof AlarmSeverity];

/** Which part of the system raised the alarm. */
export const AlarmStatus = {
  /** No alarm. */
  NONE: 0,
  /** Device support or the device. */
  DEVICE: 1,
  /** The driver. */
  DRIVER: 2,
  /** The record's own limits or states. */
  RECORD: 3,
  /** A link to another record. */
  DB: 4,
  /** The configuration. */
  CONF: 5,
  /** Nobody knows. */
  UNDEFINED: 6,
  /** A client of the channel. */
  CLIENT: 7,
} as const;
/** One of the numbers of {@link AlarmStatus}. */
export type AlarmStatus = (typeof AlarmStatus)[keyof typeof AlarmStatus];

/** An alarm_t. */
export interface Alarm {
  /** See {@link AlarmSeverity}; other numbers may come from the network. */
  readonly severity: number;
  /** See {@link AlarmStatus}; other numbers may come from the network. */
  readonly status: number;
  /** For people; may be empty. */
  readonly message: string;
}

/** The alarm of a value that is in order. */
export const NO_ALARM: Alarm = { severity: AlarmSeverity.NONE, status: AlarmStatus.NONE, message: '' };

/** `NONE`, `MINOR`, ...; the number itself if it has no name. */
export function alarmSeverityName(severity: number): string {
  return ALARM_SEVERITY_NAMES[severity] ?? String(severity);
}

/** `NONE`, `DEVICE`, ...; the number itself if it has no name. */
export function alarmStatusName(status: number): string {
  return ALARM_STATUS_NAMES[status] ?? String(status);
}

/** The alarm_t at `path`; undefined if there is no such structure. */
export function readAlarm(value: Value, path = 'alarm'): Alarm | undefined {
  const alarm = value.tryGet(path);
  if (!(alarm instanceof Value)) return undefined;
  const message = alarm.tryGet('message');
  return {
    severity: Number(alarm.tryGet('severity') ?? 0),
    status: Number(alarm.tryGet('status') ?? 0),
    message: typeof message === 'string' ? message : '',
  };
}
