/** Comparisons that the interop tests share. */
import type { PeerValue } from './catalogue.ts';
import type { MonitorEvent } from './peer-client.ts';

/** As many numbers, one after the other, from the same beginning: what a counter gives that loses nothing. */
export function consecutive(counts: readonly number[]): number[] {
  return counts.map((_, index) => (counts[0] ?? Number.NaN) + index);
}

/** The member `value` of a peer's update. */
export function valueOfUpdate(event: MonitorEvent | undefined): PeerValue | undefined {
  return event?.event === 'update' ? (event.value as { value: PeerValue }).value : undefined;
}

/** The numbers of a peer's updates of a counter; NaN for an event that is no update. */
export function countsOf(events: readonly MonitorEvent[]): number[] {
  return events.map((event) => Number(valueOfUpdate(event)));
}

/** A type or value in the peers' notation without the type ids, which pvapy does not tell. */
export function withoutIds(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value).replace(/\["(a?[SU])",("[^"]*"|null),/g, '["$1",null,'));
}

/** Whether a received array is a typed array of the same kind with the same bits: quicker than `toEqual` on a big one. */
export function sameBits(received: unknown, expected: ArrayBufferView): boolean {
  const bytes = (array: ArrayBufferView) => Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  return (
    ArrayBuffer.isView(received) &&
    received.constructor === expected.constructor &&
    bytes(received).equals(bytes(expected))
  );
}
