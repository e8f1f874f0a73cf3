/** Beacons: servers say in time that they are there, clients notice what is new and forget what is gone. */
import { describe, expect, it } from 'vitest';
import { BeaconSender } from '../../src/connection/beacon-sender.ts';
import { BeaconTracker } from '../../src/connection/beacon-tracker.ts';
import { BEACON_LOST_AFTER_MS } from '../../src/limits.ts';
import { type Beacon, decodeBeacon } from '../../src/message/beacon.ts';
import { decodeDatagram, readPayload } from '../../src/message/datagram.ts';

const guid = (n: number): Uint8Array => new Uint8Array(12).fill(n);
const beacon = (change: Partial<Beacon> = {}): Beacon => ({
  guid: guid(1),
  sequence: 0,
  changeCount: 0,
  serverAddress: '0.0.0.0',
  serverPort: 5075,
  protocol: 'tcp',
  ...change,
});
const from = { address: '10.0.0.7', port: 40_000 };

describe('beacon tracker', () => {
  it('reports a server once, at the address the beacon came from', () => {
    const tracker = new BeaconTracker();
    expect(tracker.onBeacon(beacon(), from, 0)).toBe('new');
    expect(tracker.onBeacon(beacon({ sequence: 1 }), { ...from, port: 40_001 }, 15_000)).toBe('known');
    expect(tracker.list()).toMatchObject([
      { endpoint: { address: '10.0.0.7', port: 5075 }, protocol: 'tcp', guid: guid(1) },
    ]);
  });

  it('believes an address that the beacon names', () => {
    const tracker = new BeaconTracker();
    tracker.onBeacon(beacon({ serverAddress: '10.0.0.99' }), from, 0);
    expect(tracker.list()[0]?.endpoint).toEqual({ address: '10.0.0.99', port: 5075 });
  });

  it('tells a restart and a change of names from nothing new', () => {
    const tracker = new BeaconTracker();
    tracker.onBeacon(beacon(), from, 0);
    expect(tracker.onBeacon(beacon({ guid: guid(2) }), from, 1)).toBe('restarted');
    expect(tracker.onBeacon(beacon({ guid: guid(2), changeCount: 1 }), from, 2)).toBe('changed');
    expect(tracker.onBeacon(beacon({ guid: guid(2), changeCount: 1 }), from, 3)).toBe('known');
    expect(tracker.size).toBe(1);
  });

  it('takes another protocol version at the same address for another process', () => {
    const tracker = new BeaconTracker();
    tracker.onBeacon(beacon(), from, 0, 2);
    expect(tracker.onBeacon(beacon(), from, 1, 3)).toBe('restarted');
    expect(tracker.onBeacon(beacon(), from, 2, 3)).toBe('known');
  });

  it('learns of servers by answers to pings, which tell nothing of changes', () => {
    const tracker = new BeaconTracker();
    const { changeCount: _, sequence: __, ...pong } = beacon({ changeCount: 5 });
    expect(tracker.onBeacon(pong, from, 0)).toBe('new');
    expect(tracker.onBeacon(beacon({ changeCount: 5 }), from, 1)).toBe('known');
    expect(tracker.onBeacon(pong, from, 2)).toBe('known');
    expect(tracker.onBeacon(beacon({ changeCount: 6 }), from, 3)).toBe('changed');
  });

  it('completes a link-local address with the zone it was heard in', () => {
    const tracker = new BeaconTracker();
    tracker.onBeacon(beacon({ serverAddress: 'fe80::99' }), { address: 'fe80::7%eth0', port: 1 }, 0);
    tracker.onBeacon(beacon({ serverAddress: 'fd00::99' }), { address: 'fe80::7%eth0', port: 1 }, 0);
    expect(tracker.list().map((s) => s.endpoint.address)).toEqual(['fe80::99%eth0', 'fd00::99']);
  });

  it('keeps servers of one host apart by port', () => {
    const tracker = new BeaconTracker();
    expect(tracker.onBeacon(beacon(), from, 0)).toBe('new');
    expect(tracker.onBeacon(beacon({ serverPort: 5175, guid: guid(2) }), from, 0)).toBe('new');
  });

  it('forgets servers 360 s after their last beacon, and greets them when they return', () => {
    const tracker = new BeaconTracker();
    tracker.onBeacon(beacon({ serverPort: 1 }), from, 0);
    tracker.onBeacon(beacon({ serverPort: 2 }), from, 1000);
    tracker.onBeacon(beacon({ serverPort: 1 }), from, 2000);
    expect(tracker.nextTime()).toBe(1000 + BEACON_LOST_AFTER_MS);
    expect(tracker.expire(999 + BEACON_LOST_AFTER_MS)).toEqual([]);
    expect(tracker.expire(1000 + BEACON_LOST_AFTER_MS).map((s) => s.endpoint.port)).toEqual([2]);
    expect(tracker.size).toBe(1);
    // Not swept yet, but silent too long.
    expect(tracker.onBeacon(beacon({ serverPort: 1 }), from, 2000 + BEACON_LOST_AFTER_MS)).toBe('new');
    expect(tracker.expire(1e9)).toHaveLength(1);
    expect(tracker.nextTime()).toBe(Number.POSITIVE_INFINITY);
  });

  it('has a bounded table that keeps who is known and counts who is not taken', () => {
    const tracker = new BeaconTracker(3);
    for (let port = 1; port <= 5; port++) tracker.onBeacon(beacon({ serverPort: port }), from, port);
    expect(tracker.size).toBe(3);
    expect(tracker.ignored).toBe(2);
    expect(tracker.onBeacon(beacon({ serverPort: 1 }), from, 6)).toBe('known');
    // Lost servers make room.
    expect(tracker.onBeacon(beacon({ serverPort: 9 }), from, 2 + BEACON_LOST_AFTER_MS)).toBe('new');
    expect(tracker.list().map((s) => s.endpoint.port)).toEqual([3, 1, 9]);
  });

  it('ignores beacons nobody can connect by', () => {
    const tracker = new BeaconTracker();
    expect(tracker.onBeacon(beacon({ serverPort: 0 }), from, 0)).toBe('ignored');
    expect(tracker.onBeacon(beacon({ protocol: 'x'.repeat(60_000) }), from, 0)).toBe('ignored');
    expect(tracker.size).toBe(0);
  });
});

describe('beacon sender', () => {
  const read = (bytes: Buffer): Beacon => decodeBeacon(readPayload(decodeDatagram(bytes)[0]!));

  it('sends at once, ten more every 15 s, then every 180 s, and counts', () => {
    const sender = new BeaconSender({ guid: guid(5), tcpPort: 5075, now: 1000 });
    const times: number[] = [];
    for (let i = 0; i < 14; i++) {
      const time = sender.nextTime();
      expect(sender.due(time - 1)).toBeUndefined();
      const { datagram } = sender.due(time)!;
      expect(read(datagram)).toEqual(beacon({ guid: guid(5), sequence: i }));
      times.push(time);
    }
    const intervals = times.slice(1).map((t, i) => (t - times[i]!) / 1000);
    expect(times[0]).toBe(1000);
    expect(intervals).toEqual([...Array(10).fill(15), 180, 180, 180]);
  });

  it('counts changes of the set of names, and wraps both counters', () => {
    const sender = new BeaconSender({ guid: guid(5), tcpPort: 5075, now: 0 });
    for (let i = 0; i < 65_535; i++) sender.changed();
    expect(read(sender.due(0)!.datagram).changeCount).toBe(65_535);
    sender.changed();
    for (let i = 1; i < 256; i++) sender.due(sender.nextTime());
    expect(read(sender.due(sender.nextTime())!.datagram)).toMatchObject({ sequence: 0, changeCount: 0 });
  });

  it('names its address where the receiver cannot see it', () => {
    const sender = new BeaconSender({ guid: guid(5), tcpPort: 5075, now: 0 });
    expect(read(sender.due(0)!.withAddress('127.0.0.1')).serverAddress).toBe('127.0.0.1');
  });

  it('does not make up for beacons missed while suspended', () => {
    const sender = new BeaconSender({ guid: guid(5), tcpPort: 5075, now: 0 });
    sender.due(0);
    expect(sender.due(100_000)).toBeDefined();
    expect(sender.nextTime()).toBe(115_000);
  });
});
