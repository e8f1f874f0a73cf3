/**
 * The operating system's groups of an account, for access rules that name `role/GROUP`.
 *
 * Node has no call for it and starting a program for each client would be slow, so the local files are read: accounts
 * of directory services are not in them.
 */
import { readFileSync } from 'node:fs';

/**
 * Names of the groups the account is in, by `/etc/passwd` and `/etc/group`. None for an account that is not known
 * there, and on systems without these files. PVXS gives an unknown account a group of its own name instead; here
 * whoever claims to be `wheel` is not in group `wheel`.
 */
export function accountGroups(account: string): string[] {
  const primary = lines('/etc/passwd').find(([name]) => name === account)?.[3];
  if (account === '' || primary === undefined) return [];
  const found = lines('/etc/group').filter(
    ([, , id, members]) => id === primary || (members ?? '').split(',').includes(account),
  );
  return [...new Set(found.map(([name]) => name as string))];
}

function lines(path: string): string[][] {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.split(':'));
  } catch {
    return [];
  }
}
