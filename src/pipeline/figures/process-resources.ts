/** What this process costs the computer, for the status channel; PvaPy does not tell it (pvapy-behaviour.md 4.5). */

/** `resourceStats` of the status channel. */
export interface ResourceStats {
  /** CPU time since the process began, of the user's and the system's side, in seconds; `reset_stats` leaves it. */
  readonly cpuTime: number;
  /** Memory that is in the computer's memory now. */
  readonly residentBytes: number;
}

/** Of this process, now. Two system calls: to be asked for an update of the status, never for an object. */
export function processResources(): ResourceStats {
  const { user, system } = process.cpuUsage();
  return { cpuTime: (user + system) / 1e6, residentBytes: process.memoryUsage.rss() };
}
