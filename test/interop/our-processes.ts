/**
 * A server and a client of ours as processes of their own, which can be killed: the built programs of the benchmark of
 * small PVs. What may live here: starting them and speaking their line protocol (bench/small-pvs/).
 */
import { join } from 'node:path';
import { type Child, spawnChild } from './child.ts';
import { repositoryRoot } from './peers.ts';

const program = (file: string): string => join(repositoryRoot(), 'dist', 'bench', 'small-pvs', file);
const START_TIMEOUT_MS = 30_000;

/** Serves `<prefix>0` to `<prefix><count-1>`, each an NTScalar double that counts from 1 while it is told to. */
export async function startOurServer(env: NodeJS.ProcessEnv, prefix: string, count = 1): Promise<Child> {
  const child = await spawnChild({
    command: process.execPath,
    args: [program('serve.js'), prefix, String(count)],
    env,
    name: 'our server',
  });
  await child.waitForLine(/^READY$/, START_TIMEOUT_MS);
  return child;
}

/** Has such a server, or p4p's, post `rate` updates a second in all for a minute. */
export function startPosting(server: Child, rate: number): void {
  server.writeLine(`post ${rate} 60`);
}

/** Monitors `<prefix>0` to `<prefix><count-1>`; waits until each has given its first value. */
export async function startOurClient(
  env: NodeJS.ProcessEnv,
  prefix: string,
  count = 1,
  request = 'record[queueSize=100]field()',
): Promise<Child> {
  const child = await spawnChild({
    command: process.execPath,
    args: [program('watch.js'), prefix, String(count), request],
    env,
    name: 'our client',
  });
  await child.waitForLine(/^CONNECTED$/, START_TIMEOUT_MS);
  return child;
}

/** What such a client has counted since its last `reset`. */
export async function reportOf(client: Child): Promise<{ received: number; gaps: number; overruns: number }> {
  const since = client.lineCount;
  client.writeLine('report');
  const [, text] = await client.waitForLine(/^REPORT (.*)$/, 10_000, since);
  return JSON.parse(text as string) as { received: number; gaps: number; overruns: number };
}
