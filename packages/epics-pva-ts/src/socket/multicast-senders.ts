/**
 * A multicast destination's interface and TTL are settings of a socket, so each such destination has its own.
 */
import type { Destination } from './destinations.ts';
import { UdpSocket, type UdpSocketOptions } from './udp.ts';

/**
 * Opens a socket on a random port for every multicast destination.
 * @param bindTo the address to bind to, by family; undefined leaves the destination out
 * @throws PvaError as {@link UdpSocket.open}; nothing stays open then
 */
export async function openMulticastSenders(
  destinations: readonly Destination[],
  bindTo: (d: Destination) => string | undefined,
  onDatagram: UdpSocketOptions['onDatagram'] = () => {},
): Promise<Map<Destination, UdpSocket>> {
  const senders = new Map<Destination, UdpSocket>();
  try {
    for (const d of destinations) {
      const address = d.kind === 'multicast' ? bindTo(d) : undefined;
      if (address === undefined) continue;
      const multicast = { ttl: d.ttl ?? 1, ...(d.interface && { interface: d.interface }) };
      senders.set(d, await UdpSocket.open({ address, port: 0, multicast, onDatagram }));
    }
    return senders;
  } catch (error) {
    await Promise.all([...senders.values()].map((s) => s.close()));
    throw error;
  }
}
