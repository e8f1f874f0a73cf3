/** The structures the printing tests print, and a time zone for them. */
import { afterEach, beforeEach } from 'vitest';
import { struct, type TypeDef, typeOf } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';

export const ALARM = struct('alarm_t', { severity: 'int', status: 'int', message: 'string' });
export const TIME_MEMBERS = { secondsPastEpoch: 'long', nanoseconds: 'int', userTag: 'int' } as const;
export const TIME = struct('time_t', TIME_MEMBERS);
export const ENUM = struct('enum_t', { index: 'int', choices: 'string[]' });

export const SECONDS = 1795224806n;

export function scalar(spec: Parameters<typeof typeOf>[0], fields: Record<string, unknown>): Value {
  const id = typeOf(spec).isArray ? 'epics:nt/NTScalarArray:1.0' : 'epics:nt/NTScalar:1.0';
  return Value.create(struct(id, { value: spec, alarm: ALARM, timeStamp: TIME }), fields);
}

export function ntEnum(fields: Record<string, unknown>, time: TypeDef = TIME): Value {
  return Value.create(struct('epics:nt/NTEnum:1.0', { value: ENUM, alarm: ALARM, timeStamp: time }), fields);
}

export const at = (nanoseconds: number) => ({ secondsPastEpoch: SECONDS, nanoseconds });

/** Every test of the file runs in this time zone unless it sets another itself. */
export function inTimeZone(name: string): void {
  let before: string | undefined;
  beforeEach(() => {
    before = process.env.TZ;
    process.env.TZ = name;
  });
  afterEach(() => {
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  });
}
