/**
 * display, control and valueAlarm of scalars: reading them from any make of server, and setting them.
 *
 * Servers differ in the types of the limits, in the order of the members and in whether `display` has `format` or
 * `precision` and `form` (pva-protocol.md 8.1); readers find members by name and leave out what is not there.
 */
import { NoConvertError } from '../errors.ts';
import { Value } from '../value/value.ts';
import { DISPLAY_FORMS } from './fields.ts';

/** How a value is shown. */
export interface Display {
  /** What the value means, for people. */
  readonly description?: string;
  /** Engineering units of the value. */
  readonly units?: string;
  /** Lower end of the range that is shown; numbers only. 64-bit integers are bigint. */
  readonly limitLow?: number | bigint;
  /** Upper end of the range that is shown. */
  readonly limitHigh?: number | bigint;
  /** Digits behind the point. */
  readonly precision?: number;
  /** One of DISPLAY_FORMS, or its number. Reading gives the text. */
  readonly form?: (typeof DISPLAY_FORMS)[number] | (string & {}) | number;
  /** printf format of older servers. */
  readonly format?: string;
}

/** How far, and in what steps, a number may be set. */
export interface Control {
  /** The lowest value that may be set. 64-bit integers are bigint. */
  readonly limitLow?: number | bigint;
  /** The highest value that may be set. */
  readonly limitHigh?: number | bigint;
  /** The smallest change of the value. */
  readonly minStep?: number | bigint;
}

/** When a number is in alarm. Severities as AlarmSeverity. */
export interface ValueAlarm {
  /** Are the limits in use? */
  readonly active?: boolean;
  /** At or below it the value is in alarm. 64-bit integers are bigint. */
  readonly lowAlarmLimit?: number | bigint;
  /** At or below it there is a warning. */
  readonly lowWarningLimit?: number | bigint;
  /** At or above it there is a warning. */
  readonly highWarningLimit?: number | bigint;
  /** At or above it the value is in alarm. */
  readonly highAlarmLimit?: number | bigint;
  /** Severity at `lowAlarmLimit`. */
  readonly lowAlarmSeverity?: number;
  /** Severity at `lowWarningLimit`. */
  readonly lowWarningSeverity?: number;
  /** Severity at `highWarningLimit`. */
  readonly highWarningSeverity?: number;
  /** Severity at `highAlarmLimit`. */
  readonly highAlarmSeverity?: number;
  /** How far the value has to come back from a limit before its alarm ends, in units of the value. */
  readonly hysteresis?: number;
}

/** The display structure; undefined if there is none. */
export function readDisplay(value: Value): Display | undefined {
  const display = value.tryGet('display');
  if (!(display instanceof Value)) return undefined;
  const { form, ...rest } = scalarsOf(display) as Display;
  const choice = display.tryGet('form.index');
  if (choice === undefined) return form === undefined ? rest : { ...rest, form };
  const choices = display.tryGet('form.choices') as string[] | undefined;
  return { ...rest, form: choices?.[Number(choice)] ?? DISPLAY_FORMS[Number(choice)] ?? Number(choice) };
}

/** The control structure; undefined if there is none. */
export function readControl(value: Value): Control | undefined {
  const control = value.tryGet('control');
  return control instanceof Value ? scalarsOf(control) : undefined;
}

/** The valueAlarm structure; undefined if there is none. */
export function readValueAlarm(value: Value): ValueAlarm | undefined {
  const valueAlarm = value.tryGet('valueAlarm');
  return valueAlarm instanceof Value ? scalarsOf(valueAlarm) : undefined;
}

function scalarsOf(structure: Value): Record<string, never> {
  const scalars = structure.type.members.filter((m) => m.type.kind !== 'struct');
  return Object.fromEntries(scalars.map((m) => [m.name, structure.get(m.name) as never]));
}

/** Sets what is given; `form` also sets the choices. @throws NoFieldError for what the type does not have, NoConvertError */
export function writeDisplay(value: Value, display: Display): void {
  const { form, ...rest } = display;
  value.set('display', rest);
  if (form === undefined) return;
  const index = typeof form === 'number' ? form : DISPLAY_FORMS.indexOf(form as 'Default');
  if (DISPLAY_FORMS[index] === undefined)
    throw new NoConvertError(`'${form}' is no display form; there are: ${DISPLAY_FORMS.join(', ')}`);
  value.set('display.form', { index, choices: DISPLAY_FORMS });
}
