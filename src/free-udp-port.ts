/**
 * A UDP port for a group of processes that keep to themselves. A leaf: every room may import it.
 *
 * Not one that the system hands out (bind to port 0): another program could be handed the same one before the group
 * has bound it, and would not share it.
 */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** Below what Linux, macOS and Windows hand out; above the ports of well-known services and of EPICS. */
const FIRST = 10_000;
const LAST = 32_000;
/** More than that are not tried: then something else is wrong than a port in use. */
const ATTEMPTS = 50;

/** A port nobody uses now on 127.0.0.1. @throws Error as the system says it, when there is none */
export async function freeUdpPort(): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const port = randomInt(FIRST, LAST);
    const socket = createSocket('udp4');
    try {
      socket.bind(port, '127.0.0.1');
      await once(socket, 'listening');
      return port;
    } catch (error) {
      if (attempt >= ATTEMPTS) throw error;
    } finally {
      socket.close();
      await once(socket, 'close');
    }
  }
}
