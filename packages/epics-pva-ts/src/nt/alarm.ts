/** alarm_t: the numbers of severity and status and their names (pva-protocol.md 8.1). */
import { ALARM_SEVERITY_NAMES, ALARM_STATUS_NAMES } from '../value/format-meta.ts';
import { Value } from '../value/value.ts';

export const AlarmSeverity = { NONE: 0, MINOR: 1, MAJOR: 2, INVALID: 3, UNDEFINED: 4 } as const;
export type AlarmSeverity = (typeof AlarmSeverity)[keyof typeof AlarmSeverity];

/** Which part of the system raised the alarm. */
export const AlarmStatus = {
  NONE: 0,
  DEVICE: 1,
  DRIVER: 2,
  RECORD: 3,
  DB: 4,
  CONF: 5,
  UNDEFINED: 6,
  CLIENT: 7,
} as const;
export type AlarmStatus = (typeof AlarmStatus)[keyof typeof AlarmStatus];

export interface Alarm {
  /** See {@link AlarmSeverity}; other numbers may come from the network. */
  readonly severity: number;
  /** See {@link AlarmStatus}; other numbers may come from the network. */
  readonly status: number;
  readonly message: string;
}

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
