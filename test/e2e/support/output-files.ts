/** Consumers that write images into files, by their command lines, and what a reader finds in the files. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Dataset, File, ready } from 'h5wasm/node';
import { expect } from 'vitest';
import { type Child, spawnChild } from '../../../bench/peers/child.ts';
import type { Status } from './consumer.ts';
import { pixelsOf } from './detector.ts';
import { LINE } from './processing.ts';
import { ROOT, type World, words } from './world.ts';

await ready;

const argsOf = (args: object): string => `--processor-args '${JSON.stringify(args)}'`;
export const tiffs = (folder: string, ...args: object[]) =>
  `${LINE} -pc OutputFileProcessor ${argsOf(Object.assign({ outputDirectory: folder }, ...args))}`;
export const hdf5 = (folder: string, ...args: object[]) =>
  `${LINE} -pc Hdf5WriterProcessor ${argsOf(Object.assign({ outputDirectory: folder }, ...args))}`;

/** An HDF5 file's ids and images; `Sr` reads one that is not complete. */
export function images(
  path: string,
  mode: 'r' | 'Sr' = 'r',
): { ids: number[]; image: (n: number) => Uint8Array } {
  const file = new File(path, mode);
  if (file.file_id < 0n) throw new Error(`${path} cannot be opened`);
  try {
    const ids = Array.from((file.get('entry/data/uniqueId') as Dataset).value as BigInt64Array, Number);
    const all = (file.get('images') as Dataset).value as Uint8Array;
    const size = all.length / ((file.get('images') as Dataset).shape?.[0] ?? 1);
    return { ids, image: (n) => all.subarray(n * size, (n + 1) * size) };
  } finally {
    file.close();
  }
}

/** Every image in the files of a folder is the one that was published under its id; the ids, in order. */
export function checked(folder: string, size = 128 * 128): number[] {
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const { ids, image } = images(join(folder, name), name.endsWith('.partial') ? 'Sr' : 'r');
      for (const [n, id] of ids.entries())
        expect(Buffer.compare(image(n), pixelsOf(id, size)), `image ${id}`).toBe(0);
      return ids;
    });
}

export const figure = (s: Status, name: string): number => Number(s.userStats?.[name]);

/** Starts a consumer through a shell that does something first, such as `ulimit -f 8`. */
export async function limited(world: World, shell: string, line: string): Promise<Child> {
  const [name = '', ...args] = words(line);
  const [command = '', ...before] = words(shell);
  const script = `${before.at(-1)}; exec "$@"`;
  const child = await spawnChild({
    command,
    args: [
      ...before.slice(0, -1),
      script,
      'bash',
      process.execPath,
      join(ROOT, 'bin', `${name}.js`),
      ...args,
    ],
    env: world.env,
    cwd: ROOT,
    name,
  });
  world.own({ [Symbol.asyncDispose]: async () => void (await child.stop({ signal: 'SIGKILL' })) });
  return child;
}
