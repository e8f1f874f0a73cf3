/** Fields that many normative types have, filled, and the way of a value to a client. */
import type { TypeDef } from '../../src/value/type-def.ts';
import type { Value } from '../../src/value/value.ts';
import { decodePartial, encodePartial } from './image.ts';

export const TIME = { secondsPastEpoch: 1_700_000_000n, nanoseconds: 5, userTag: 6 };
export const ALARM = { severity: 2, status: 1, message: 'hot' };

/** `double value, alarm_t alarm, ...` */
export function fields(type: TypeDef): string[] {
  return type.members.map((m) => `${m.type.displayId} ${m.name}`);
}

/** What a client gets of what a server posts. */
export function received(value: Value): Value {
  return decodePartial(value.type, encodePartial(value));
}
