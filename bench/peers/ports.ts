/**
 * Keeps a group of pvAccess processes apart from every other one on this host, and on loopback.
 *
 * What may live here: the choice of free ports and the environment that goes with them. Two groups with different ports
 * never see each other: searches go to 127.0.0.1 and, on the same host, to 224.0.0.128, both at the group's own
 * broadcast port (pva-protocol.md 5.5, 5.9, 5.10).
 */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { freeUdpPort } from '../../src/free-udp-port.ts';

/** The ports of one group of processes. */
export interface PeerPorts {
  /** TCP port of the group's first server; further servers of the group take any free one by themselves. */
  readonly serverPort: number;
  /** UDP port of searches and beacons, shared by all processes of the group. */
  readonly broadcastPort: number;
  /** Channel Access port (TCP and UDP), which only an IOC uses. Default: none set, the IOC then takes 5064 on loopback. */
  readonly caPort?: number;
  /** UDP port of Channel Access beacons. Default: none set, 5065 on loopback. */
  readonly caRepeaterPort?: number;
}

/** Numbers tried; if more are in use something else is wrong. */
const TCP_ATTEMPTS = 50;

/** Ports handed out by this process: a port is free again for the system as soon as we close it. */
const handedOut = new Set<number>();

/** Workers of vitest do not know what the others have handed out: each has the numbers with its own remainder. */
const POOLS = 8;
const POOL = Number(process.env['VITEST_POOL_ID'] ?? 0) % POOLS;

/**
 * Finds free ports: binds them, notes the numbers, closes.
 *
 * @returns Ports that no process held at this moment and that neither this process nor another
 *   worker of the same run of tests has handed out before.
 */
export async function freePorts(): Promise<Required<PeerPorts>> {
  return {
    serverPort: await fresh(freeTcpPort),
    broadcastPort: await fresh(freeUdpPort),
    caPort: await fresh(freeTcpPort),
    caRepeaterPort: await fresh(freeUdpPort),
  };
}

/**
 * The environment that isolates a group of processes on loopback, for pvAccessCPP, PVXS and our own programs alike.
 *
 * @param ports From {@link freePorts}; the same for all processes of the group.
 * @returns The environment of this process without its EPICS and Python settings, plus those of the group.
 */
export function peerEnv(ports: PeerPorts): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(EPICS_|PVXS_|PYTHON|NODE_EXTRA_CA_CERTS$)/.test(name),
  );
  const serverPort = String(ports.serverPort);
  const broadcastPort = String(ports.broadcastPort);
  return {
    ...Object.fromEntries(inherited),
    EPICS_PVA_ADDR_LIST: '127.0.0.1',
    EPICS_PVA_AUTO_ADDR_LIST: 'NO',
    EPICS_PVA_SERVER_PORT: serverPort,
    EPICS_PVA_BROADCAST_PORT: broadcastPort,
    EPICS_PVAS_INTF_ADDR_LIST: '127.0.0.1',
    EPICS_PVAS_BEACON_ADDR_LIST: '127.0.0.1',
    EPICS_PVAS_AUTO_BEACON_ADDR_LIST: 'NO',
    EPICS_PVAS_SERVER_PORT: serverPort,
    EPICS_PVAS_BROADCAST_PORT: broadcastPort,
    // An IOC serves Channel Access as well: on loopback, too.
    EPICS_CA_ADDR_LIST: '127.0.0.1',
    EPICS_CA_AUTO_ADDR_LIST: 'NO',
    ...(ports.caPort === undefined ? {} : { EPICS_CA_SERVER_PORT: String(ports.caPort) }),
    ...(ports.caRepeaterPort === undefined ? {} : { EPICS_CA_REPEATER_PORT: String(ports.caRepeaterPort) }),
    EPICS_CAS_INTF_ADDR_LIST: '127.0.0.1',
    EPICS_CAS_BEACON_ADDR_LIST: '127.0.0.1',
    EPICS_CAS_AUTO_BEACON_ADDR_LIST: 'NO',
    // PvaPy's commands use curses, which without a terminal wants a terminal type all the same.
    TERM: 'dumb',
    PYTHONUNBUFFERED: '1',
    PYTHONDONTWRITEBYTECODE: '1',
    PYTHONNOUSERSITE: '1',
    // numpy would start a thread per core only by being imported.
    OPENBLAS_NUM_THREADS: '1',
  };
}

async function fresh(find: () => Promise<number>): Promise<number> {
  for (;;) {
    const port = await find();
    if (port % POOLS === POOL && !handedOut.has(port)) {
      handedOut.add(port);
      return port;
    }
  }
}

/**
 * Not one that the system hands out (listen on port 0): any connection of another program could be given the same one
 * before the group listens on it. Those numbers begin at 32768 on Linux.
 */
async function freeTcpPort(): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const port = randomInt(10_000, 32_000);
    const server = createServer();
    try {
      server.listen(port);
      await once(server, 'listening');
      server.close();
      await once(server, 'close');
      return port;
    } catch (error) {
      if (attempt >= TCP_ATTEMPTS) throw error;
    }
  }
}
