/**
 * When a server sends beacons and what they say. No I/O and no clock: times are milliseconds of any monotonic
 * clock. Ten intervals of 15 s, then 180 s each, as every peer does (pva-protocol.md 5.7).
 */
import { beaconDatagram } from '../message/datagram.ts';
import { ANY_ADDRESS } from '../wire/address.ts';

const SHORT_INTERVAL = 15_000;
const LONG_INTERVAL = 180_000;
const SHORT_COUNT = 10;

/** One beacon, to be sent to every destination. */
export interface BeaconToSend {
  /** The server's address is left to the receiver, who sees where the datagram came from. */
  readonly datagram: Buffer;
  /**
   * The same with the server's address in it. PVXS spoils the source of what reaches it through 224.0.0.128, so a
   * beacon sent there must name `127.0.0.1` itself.
   */
  withAddress(serverAddress: string): Buffer;
}

export class BeaconSender {
  private readonly guid: Uint8Array;
  private readonly tcpPort: number;
  private time: number;
  private sent = 0;
  private changeCount = 0;

  /** The first beacon is due at once. */
  constructor(options: { guid: Uint8Array; tcpPort: number; now: number }) {
    this.guid = options.guid;
    this.tcpPort = options.tcpPort;
    this.time = options.now;
  }

  /** The server's set of names changed: the next beacons say so (at its time, not sooner). */
  changed(): void {
    this.changeCount = (this.changeCount + 1) & 0xffff;
  }

  /** When the next beacon is due. */
  nextTime(): number {
    return this.time;
  }

  /** The beacon to send now, or undefined if none is due. Beacons missed by a late call are not made up for. */
  due(now: number): BeaconToSend | undefined {
    if (now < this.time) return undefined;
    const interval = this.sent < SHORT_COUNT ? SHORT_INTERVAL : LONG_INTERVAL;
    this.time += interval;
    if (this.time <= now) this.time = now + interval;
    const beacon = {
      guid: this.guid,
      sequence: this.sent & 0xff,
      changeCount: this.changeCount,
      serverPort: this.tcpPort,
      protocol: 'tcp',
    };
    this.sent++;
    const withAddress = (serverAddress: string) => beaconDatagram({ ...beacon, serverAddress });
    return { datagram: withAddress(ANY_ADDRESS), withAddress };
  }
}
