/** What tests need that start programs of their own. */
import type { ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import dgram from 'node:dgram';
import { once } from 'node:events';

/** Ends what is still running, and waits for it. */
export async function end(children: readonly ChildProcess[]): Promise<void> {
  await Promise.all(
    children.map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }),
  );
}

/** Ports are multiples of this and a remainder that each worker of vitest has for itself. */
const POOLS = 8;
const POOL = Number(process.env['VITEST_POOL_ID'] ?? 0) % POOLS;
/** Ports tried; if more are in use something else is wrong. */
const ATTEMPTS = 50;

/**
 * A UDP port that nobody uses just now, and no other worker of vitest is given. Not one that the system hands out:
 * another program could be given the same one before ours has bound it.
 */
export async function freeUdpPort(): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const port = POOLS * randomInt(1_250, 4_000) + POOL;
    const socket = dgram.createSocket('udp4');
    try {
      socket.bind(port, '127.0.0.1');
      await once(socket, 'listening');
      return port;
    } catch (error) {
      if (attempt >= ATTEMPTS) throw error;
    } finally {
      await new Promise<void>((resolve) => socket.close(() => resolve()));
    }
  }
}
