/** What went wrong with a file, in one line: what could not be done, where, why, and what to do about it. */

const CAUSES: Readonly<Record<string, readonly [why: string, advice: string]>> = {
  ENOSPC: ['no space left on the disk', 'free some, or set outputDirectory to another disk'],
  EDQUOT: ['the disk quota is used up', 'free some space, or set outputDirectory to another disk'],
  EFBIG: ['the file would be larger than allowed', 'raise the limit (ulimit -f), or write smaller files'],
  EACCES: ['permission denied', 'let this user write there, or set outputDirectory to another folder'],
  EPERM: ['not permitted', 'let this user write there, or set outputDirectory to another folder'],
  EROFS: ['the disk is mounted read-only', 'set outputDirectory to another folder'],
  ENOENT: [
    'the folder is not there',
    'make it again (is its disk mounted?), or set outputDirectory to another',
  ],
  ENOTDIR: ['a part of the path is not a folder', 'set outputDirectory to another folder'],
  EEXIST: ['there is a file of that name', 'set outputDirectory to another folder'],
  EISDIR: ['there is a folder of that name', 'change outputFileNameFormat'],
  ENAMETOOLONG: ['the name is too long', 'change outputFileNameFormat'],
  EMFILE: ['too many open files', 'raise the limit (ulimit -n)'],
  EIO: ['the disk reports an error', 'look at the system log'],
};

/** The error of an operating system's error code, such as `ENOSPC`, or of any other error; no cause, whose text the log would add. */
export function fileProblem(doing: string, error: unknown): Error {
  const { code = '', message = String(error) } = error as NodeJS.ErrnoException;
  const [why, advice] = CAUSES[code] ?? [];
  const line = why ? `${why} (${code}): ${advice}` : (message.split('\n')[0] ?? '');
  return new Error(`${doing}: ${line}`);
}
