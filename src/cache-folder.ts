/** Where this user's programs keep what they can make again. */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** This suite's folder there (XDG Base Directory Specification), or false without a home. Nobody else's, as temporary files'. */
export function cacheFolder(): string | false {
  const { XDG_CACHE_HOME = '' } = process.env;
  try {
    return join(isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : join(homedir(), '.cache'), 'epics-hpc');
  } catch {
    return false;
  }
}
