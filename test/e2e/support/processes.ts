/** Processes of this computer, from /proc: who descends from whom, and who is alive. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'vitest';

function fieldsOf(pid: number | string): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}

/** Process ids of all descendants of a process. */
export function descendants(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc')) {
    const parent = /^\d+$/.test(entry) ? fieldsOf(entry)?.[1] : undefined;
    if (parent !== undefined) parents.set(Number(entry), Number(parent));
  }
  const found = [pid];
  for (const at of found) for (const [child, parent] of parents) if (parent === at) found.push(child);
  return found.slice(1);
}

/** Runs, and is no zombie. */
export function alive(pid: number): boolean {
  const state = fieldsOf(pid)?.[0];
  return state !== undefined && state !== 'Z';
}

/** Waits until none of them is alive. */
export async function gone(pids: readonly number[], timeout = 15_000): Promise<void> {
  await expect.poll(() => pids.filter(alive), { timeout }).toEqual([]);
}
