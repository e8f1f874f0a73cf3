/** The present time as the records of a consumer carry it: `objectTime` in seconds and `objectTimestamp` as a time_t. */
import { nowTimeStamp, struct, type TypeDef } from 'epics-pva-ts';

export const timeType: TypeDef = struct('time_t', {
  secondsPastEpoch: 'long',
  nanoseconds: 'int',
  userTag: 'int',
});

export function timeNow(): { readonly seconds: number; readonly time: Record<string, unknown> } {
  const { secondsPastEpoch, nanoseconds } = nowTimeStamp();
  return { seconds: Number(secondsPastEpoch) + nanoseconds / 1e9, time: { secondsPastEpoch, nanoseconds } };
}
