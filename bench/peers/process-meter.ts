/**
 * CPU time and memory of another process, from Linux's /proc.
 *
 * What may live here: those figures. On other systems they are not a number, and a table shows a dash.
 */
import { readFileSync } from 'node:fs';

/** What a process has used so far. */
export interface ProcessUse {
  /** User and system time of all its threads, in s; NaN when the system does not say. */
  readonly cpuSeconds: number;
  /** The most memory it ever had resident, in bytes (VmHWM); NaN when the system does not say. */
  readonly peakRss: number;
}

/** Clock ticks a second in /proc/PID/stat: USER_HZ, which is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const UNKNOWN: ProcessUse = { cpuSeconds: Number.NaN, peakRss: Number.NaN };

/**
 * Reads what a running process has used so far, its children not included.
 *
 * @param pid Its id; a process that has ended gives NaN.
 */
export function processUse(pid: number): ProcessUse {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses, which may hold blanks; utime and stime are the 14th and 15th.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const cpuSeconds = (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    const peak = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return { cpuSeconds, peakRss: peak === null ? Number.NaN : Number(peak[1]) * 1024 };
  } catch {
    return UNKNOWN;
  }
}

/**
 * What a process used between two readings.
 *
 * @returns The difference of CPU times, and the peak of the later reading.
 */
export function useBetween(before: ProcessUse, after: ProcessUse): ProcessUse {
  return { cpuSeconds: after.cpuSeconds - before.cpuSeconds, peakRss: after.peakRss };
}

/** The memory a process has resident now, in bytes; NaN when the system does not say. */
export function residentBytes(pid: number): number {
  try {
    const resident = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return resident === null ? Number.NaN : Number(resident[1]) * 1024;
  } catch {
    return Number.NaN;
  }
}
