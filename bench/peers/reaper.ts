/**
 * The guard that ends every child process when this process ends, however it ends.
 *
 * What may live here: the bookkeeping of child process groups and the small guardian process that outlives us. An `exit`
 * handler alone is not enough: a test runner that kills its worker with SIGKILL leaves no time for one. The guardian
 * waits for the end of a pipe that only this process holds, which the kernel closes in every case.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';

/** Program of the guardian: keeps the group ids it is told of, kills those groups when its standard input ends. */
const GUARDIAN = `
const groups = new Set();
let rest = '';
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
process.stdin.setEncoding('utf8');
process.stdin.on('data', (text) => {
  const lines = (rest + text).split('\\n');
  rest = lines.pop();
  for (const line of lines) {
    const id = Number(line.slice(1));
    if (line[0] === '+') groups.add(id); else groups.delete(id);
  }
});
process.stdin.on('end', () => {
  for (const id of groups) { try { process.kill(-id, 'SIGKILL'); } catch {} }
  process.exit(0);
});
`;

const groups = new Set<number>();
let guardian: ChildProcess | undefined;

function killGroup(groupId: number): void {
  try {
    process.kill(-groupId, 'SIGKILL');
  } catch {
    // No process of the group is left, which is what was wanted.
  }
}

function tellGuardian(line: string): void {
  if (guardian === undefined) {
    guardian = spawn(process.execPath, ['-e', GUARDIAN], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      env: {},
    });
    guardian.on('error', () => {});
    guardian.unref();
    guardian.stdin?.on('error', () => {});
    (guardian.stdin as Socket).unref();
    process.on('exit', () => {
      for (const id of groups) {
        killGroup(id);
      }
    });
  }
  guardian.stdin?.write(`${line}\n`);
}

/**
 * Puts a process group under guard: it is killed when this process ends.
 *
 * @param groupId Process id of a child spawned with `detached: true`, which makes it the leader of a group of its own.
 */
export function guardGroup(groupId: number): void {
  groups.add(groupId);
  tellGuardian(`+${groupId}`);
}

/**
 * Kills whatever is left of a process group and takes it from the guard.
 *
 * @param groupId The id given to {@link guardGroup}.
 */
export function releaseGroup(groupId: number): void {
  killGroup(groupId);
  if (groups.delete(groupId)) {
    tellGuardian(`-${groupId}`);
  }
}
