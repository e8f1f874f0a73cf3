/**
 * The scripted peers: PVXS (through p4p) and pvAccessCPP (through pvapy), each as server and as client.
 *
 * What may live here: starting the programs of test/interop/python/. What their clients are told is peer-client.ts.
 */
import { join } from 'node:path';
import { catalogueFile } from './catalogue.ts';
import { type Child, spawnChild } from './child.ts';
import { PeerClient } from './peer-client.ts';
import { type Peers, repositoryRoot } from './peers.ts';

const PYTHON_FOLDER = join(repositoryRoot(), 'test', 'interop', 'python');
const START_TIMEOUT_MS = 30_000;
/**
 * Starts p4p_server.py, which serves the whole catalogue, RPCs and a counter, and waits until it serves.
 *
 * @param env From `peerEnv`.
 * @param prefix Put before every PV name.
 * @param options `counterRate`: updates a second of `<prefix>counter`, default 10. `catalogue`: another catalogue's file.
 */
export async function startP4pServer(
  peers: Peers,
  env: NodeJS.ProcessEnv,
  prefix: string,
  options: { readonly counterRate?: number; readonly catalogue?: string } = {},
): Promise<Child> {
  const child = await spawnChild({
    command: peers.python,
    args: [
      join(PYTHON_FOLDER, 'p4p_server.py'),
      prefix,
      options.catalogue ?? catalogueFile,
      String(options.counterRate ?? 10),
    ],
    env,
    name: 'p4p_server.py',
  });
  await child.waitForLine(/^READY$/, START_TIMEOUT_MS);
  return child;
}

/**
 * Starts pvapy_server.py, which serves the catalogue with pvDatabase, RPCs, a counter and an image, and waits until it
 * serves. It ends when its standard input does.
 *
 * @param env From `peerEnv`.
 * @param prefix Put before every PV name.
 * @param options `rate`: updates a second of `<prefix>counter` and `<prefix>image`, default 10. `catalogue`: another
 *   catalogue's file.
 */
export async function startPvapyServer(
  peers: Peers,
  env: NodeJS.ProcessEnv,
  prefix: string,
  options: { readonly rate?: number; readonly catalogue?: string } = {},
): Promise<Child> {
  const child = await spawnChild({
    command: peers.python,
    args: [
      join(PYTHON_FOLDER, 'pvapy_server.py'),
      prefix,
      options.catalogue ?? catalogueFile,
      String(options.rate ?? 10),
    ],
    env,
    name: 'pvapy_server.py',
  });
  await child.waitForLine(/^READY$/, START_TIMEOUT_MS);
  return child;
}

/** Starts a p4p (PVXS) client. */
export function startP4pClient(peers: Peers, env: NodeJS.ProcessEnv): Promise<PeerClient> {
  return startClient(peers, env, 'p4p_client.py');
}

/** Starts a pvapy (pvAccessCPP) client. */
export function startPvapyClient(peers: Peers, env: NodeJS.ProcessEnv): Promise<PeerClient> {
  return startClient(peers, env, 'pvapy_client.py');
}

/** Starts a program of test/interop/python/ that speaks json_lines.py. */
export async function startClient(peers: Peers, env: NodeJS.ProcessEnv, file: string): Promise<PeerClient> {
  const child = await spawnChild({
    command: peers.python,
    args: [join(PYTHON_FOLDER, file)],
    env,
    name: file,
  });
  const client = new PeerClient(child);
  await child.waitForLine(/^\{"id": 0/, START_TIMEOUT_MS);
  return client;
}
