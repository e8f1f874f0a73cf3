/** Servers and clients on this host's loopback interface, closed after each test. */
import { afterEach } from 'vitest';
import { Context, type ContextOptions } from '../../src/client/context.ts';
import { Server, type ServerOptions } from '../../src/server/server.ts';
import type { ServedPV } from '../../src/server/source.ts';

export { Happenings } from './happenings.ts';

const open: { close(): Promise<void> }[] = [];

afterEach(async () => {
  // Clients first: a server that goes away would make them search.
  for (const c of open.splice(0).reverse()) await c.close();
});

/** Closes it after the test. */
export function keep<T extends { close(): Promise<void> }>(closable: T): T {
  open.push(closable);
  return closable;
}

/** A running server on free ports of the loopback interface. */
export async function serve(
  pvs: Readonly<Record<string, ServedPV>>,
  options: ServerOptions = {},
): Promise<Server> {
  const server = keep(Server.isolated(options));
  for (const [name, pv] of Object.entries(pvs)) server.addPV(name, pv);
  return server.start();
}

/** A server on the ports another one had, as after a restart. */
export async function serveAgain(
  before: Server,
  pvs: Readonly<Record<string, ServedPV>>,
  options: ServerOptions = {},
): Promise<Server> {
  return serve(pvs, { tcpPort: before.tcpPort, udpPort: before.udpPort, ...options });
}

/** A client of that server and of no other. */
export function clientOf(server: Server, options: ContextOptions = {}): Context {
  return keep(new Context({ ...server.clientConfig(), ...options }));
}
