/**
 * A real EPICS IOC as a peer: softIoc with QSRV 2, which comes with p4p.
 *
 * What may live here: how it is started and ended. It reads commands from its standard input and ends when that does.
 */
import { join } from 'node:path';
import { type Child, type ChildExit, spawnChild } from './child.ts';
import { type Peers, repositoryRoot } from './peers.ts';

/** A running IOC. */
export interface Ioc {
  readonly child: Child;
  /** Prefix of its record names. */
  readonly prefix: string;
  /** Ends it: by the end of its input, with signals when that takes too long. */
  stop(): Promise<ChildExit>;
}

const START_TIMEOUT_MS = 30_000;

/**
 * Starts an IOC with the records of ioc.db and waits until it runs. It serves them over pvAccess and Channel Access.
 *
 * @param env From `peerEnv`, with all ports of `freePorts`.
 * @param prefix Put before every record name (macro `P`).
 * @param database Another database file, which may use `$(P)`. Default: ioc.db.
 */
export async function startIoc(
  peers: Peers,
  env: NodeJS.ProcessEnv,
  prefix: string,
  database = join(repositoryRoot(), 'test', 'interop', 'ioc.db'),
): Promise<Ioc> {
  const child = await spawnChild({
    command: peers.python,
    args: ['-m', 'pvxslibs.ioc', '-m', `P=${prefix}`, '-d', database],
    env,
    name: 'IOC',
  });
  await child.waitForLine(/^IOC Running/, START_TIMEOUT_MS);
  return {
    child,
    prefix,
    stop: async () => {
      child.endInput();
      return await child.waitForExit(3_000).catch(() => child.stop());
    },
  };
}
