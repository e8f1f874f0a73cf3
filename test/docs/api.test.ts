/**
 * The API reference (`npm run docs:api`) is made without a warning: every public name of both packages has a comment,
 * every link in a comment leads somewhere, and every type that a public name mentions is public.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { ROOT } from '../e2e/support/world.ts';

it('the API reference has no gap and no dead link', { timeout: 60_000 }, async () => {
  const typedoc = join(ROOT, 'node_modules/typedoc/bin/typedoc');
  const options = ['--emit', 'none', '--pretty', 'false', '--logLevel', 'Warn'];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [typedoc, ...options], {
    cwd: ROOT,
  }).catch((error: { stdout: string; stderr: string }) => error);
  expect(`${stdout}${stderr}`).toBe('');
});
