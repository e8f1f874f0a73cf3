/** Who this process says it is in authentication method "ca". */
import os from 'node:os';

/** The operating system's user name; containers may run with a user id that has none. */
export function userName(): string {
  try {
    return os.userInfo().username;
  } catch {
    return process.env['USER'] ?? '';
  }
}

export function hostName(): string {
  return os.hostname();
}
