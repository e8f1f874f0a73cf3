/**
 * The time stamp and alarm texts of pvget, and the names behind them. Source: pva-protocol.md 8.1 and 9.1.
 */
import { Value } from './value.ts';

/** Names of alarm_t.severity, by number. */
export const ALARM_SEVERITY_NAMES = ['NONE', 'MINOR', 'MAJOR', 'INVALID', 'UNDEFINED'] as const;

/** Names of alarm_t.status, by number. */
export const ALARM_STATUS_NAMES = [
  'NONE',
  'DEVICE',
  'DRIVER',
  'RECORD',
  'DB',
  'CONF',
  'UNDEFINED',
  'CLIENT',
] as const;

/** The EPICS epoch, 1990-01-01T00:00:00Z, in POSIX seconds: a time stamp at or before it was never set. */
const EPICS_EPOCH = 631_152_000;

/** Last second a JavaScript Date can express. */
const LAST_SECOND = 8_640_000_000_000;

function numberAt(v: Value, path: string): number {
  const n = v.tryGet(path);
  return typeof n === 'number' || typeof n === 'bigint' ? Number(n) : 0;
}

const two = (n: number): string => String(n).padStart(2, '0');

/** Local time with milliseconds, rounded but never into the next second; `<undefined>` for a time never set. */
function formatTime(secondsPastEpoch: number, nanoseconds: number): string {
  const seconds = Math.max(secondsPastEpoch, EPICS_EPOCH);
  if ((seconds === EPICS_EPOCH && nanoseconds === 0) || seconds > LAST_SECOND) return '<undefined>';
  const t = new Date(seconds * 1000);
  const day = `${String(t.getFullYear()).padStart(4, '0')}-${two(t.getMonth() + 1)}-${two(t.getDate())}`;
  const time = `${two(t.getHours())}:${two(t.getMinutes())}:${two(t.getSeconds())}`;
  const valid = nanoseconds >= 0 && nanoseconds < 1e9;
  const fraction = valid
    ? String(Math.min(999, Math.floor((nanoseconds + 500_000) / 1e6))).padStart(3, '0')
    : 'OVF';
  return `${day} ${time}.${fraction}`;
}

/** A time_t structure: the time in 24 columns and a blank, then userTag and a blank if it is not 0. */
export function timeText(t: Value): string {
  const time = formatTime(numberAt(t, 'secondsPastEpoch'), numberAt(t, 'nanoseconds'));
  const tag = numberAt(t, 'userTag');
  return `${time.padEnd(24)} ${tag !== 0 ? `${tag} ` : ''}`;
}

/** An alarm_t structure: nothing without severity, else `SEVERITY STATUS message `. */
export function alarmText(alarm: Value): string {
  const severity = numberAt(alarm, 'severity');
  if (severity === 0) return '';
  const status = numberAt(alarm, 'status');
  const message = alarm.tryGet('message');
  let text = `${ALARM_SEVERITY_NAMES[severity] ?? severity} `;
  if (status !== 0) text += `${ALARM_STATUS_NAMES[status] ?? status} `;
  if (typeof message === 'string' && message !== '') text += `${message} `;
  return text;
}

/** A structure with index and choices: `(2) Two`, or null if it is no such structure. */
export function enumParts(v: Value): { index: number; choices: readonly string[] } | null {
  const index = v.tryGet('index');
  const choices = v.type.member('choices');
  if ((typeof index !== 'number' && typeof index !== 'bigint') || !choices) return null;
  if (choices.kind !== 'string' || !choices.isArray) return null;
  return { index: Number(index) >>> 0, choices: v.get('choices') as string[] };
}

/** The structure member of this name, or undefined if it is missing or something else. */
export function structMember(v: Value, name: string): Value | undefined {
  const member = v.tryGet(name);
  return member instanceof Value ? member : undefined;
}
