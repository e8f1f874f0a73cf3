/**
 * The structures normative types are made of, with the ids, member order and limit types of PVXS, whose clients are
 * the best tested (pva-protocol.md 8.1). Readers must look members up by name: every server orders them differently.
 */
import type { ScalarKind } from '../value/type-code.ts';
import { struct, type TypeDef, type TypeSpec } from '../value/type-def.ts';

/** alarm_t: severity and status (alarm.ts names the numbers) and a text. */
export const alarmType: TypeDef = struct('alarm_t', { severity: 'int', status: 'int', message: 'string' });

/** time_t: POSIX seconds (UTC), nanoseconds, and a number of the user's. */
export const timeType: TypeDef = struct('time_t', {
  secondsPastEpoch: 'long',
  nanoseconds: 'int',
  userTag: 'int',
});

/** enum_t: the number of the choice, and the texts of all choices. */
export const enumType: TypeDef = struct('enum_t', { index: 'int', choices: 'string[]' });

/** The choices of `display.form`, in order. */
export const DISPLAY_FORMS = [
  'Default',
  'String',
  'Binary',
  'Decimal',
  'Hex',
  'Exponential',
  'Engineering',
] as const;

/** Do values of this kind have limits? */
export function isNumericKind(kind: ScalarKind): boolean {
  return kind !== 'string' && kind !== 'boolean';
}

/**
 * display: description and units, for numbers also limits of the value's own type, and with `form` the precision and
 * a choice of {@link DISPLAY_FORMS}.
 */
export function displayType(kind: ScalarKind, options: { readonly form?: boolean } = {}): TypeDef {
  const text: [string, TypeSpec][] = [
    ['description', 'string'],
    ['units', 'string'],
  ];
  if (!isNumericKind(kind)) return struct('', text);
  const form: [string, TypeSpec][] = [
    ['precision', 'int'],
    ['form', enumType],
  ];
  return struct('', [['limitLow', kind], ['limitHigh', kind], ...text, ...(options.form ? form : [])]);
}

/**
 * display_t as pvData's standard fields have it: limits are doubles, and a printf format stands for the precision.
 * normativeTypesCPP asks for exactly these in NTMatrix and NTNDArray.
 */
export const standardDisplayType: TypeDef = struct('display_t', {
  limitLow: 'double',
  limitHigh: 'double',
  description: 'string',
  format: 'string',
  units: 'string',
});

/** control: how far and in what steps a number may be set. */
export function controlType(kind: ScalarKind): TypeDef {
  return struct('', { limitLow: kind, limitHigh: kind, minStep: kind });
}

/** valueAlarm: when a number is in alarm. */
export function valueAlarmType(kind: ScalarKind): TypeDef {
  return struct('', {
    active: 'boolean',
    lowAlarmLimit: kind,
    lowWarningLimit: kind,
    highWarningLimit: kind,
    highAlarmLimit: kind,
    lowAlarmSeverity: 'int',
    lowWarningSeverity: 'int',
    highWarningSeverity: 'int',
    highAlarmSeverity: 'int',
    hysteresis: 'double',
  });
}

/** Is `id` that of the normative type `name`, such as `NTScalar`, in any version 1.x? */
export function isNormativeId(id: string, name: string): boolean {
  return id.startsWith(`epics:nt/${name}:1.`) || id === `epics:nt/${name}:1`;
}
