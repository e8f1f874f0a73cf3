/**
 * The virtual environment that holds the real peers: pvAccessCPP with PvaPy's commands, and PVXS with a soft IOC.
 *
 * What may live here: making `.venv-interop/` in the checkout from test/interop/requirements.txt, once, and saying why
 * that is impossible. Interop tests and the benchmark share it.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The installed peers, or why there are none. */
export interface Peers {
  /** False when Python 3.11 or PyPI is missing; tests skip then. */
  readonly available: boolean;
  /** Why not, in one line; empty when available. */
  readonly reason: string;
  /** Path of the environment's Python; empty when not available. */
  readonly python: string;
  /**
   * Path of a command of the environment, for example `pvapy-hpc-consumer`.
   *
   * @throws Error when the peers are not available or have no such command.
   */
  bin(name: string): string;
}

/** Bound of one installation; PyPI on a slow line needs minutes for some 60 MB of wheels. */
const INSTALL_TIMEOUT_MS = 600_000;
/** How often a process that waits for another one's installation looks again. */
const LOCK_POLL_MS = 250;
const RULE = '='.repeat(100);

let pending: Promise<Peers> | undefined;

/**
 * Makes the peers ready: creates the virtual environment, or finds the one made before from the same requirements.
 * Several processes may call this at the same time; one installs, the others wait.
 *
 * When that is impossible it prints a multi-line message on stderr that says why and what to do, and the value says
 * `available: false`; with `CI=true` it throws instead, so that a missing peer is a failed suite and not a skipped one.
 *
 * @throws Error with `CI=true` when Python 3.11 is not found or the installation fails.
 */
export function ensurePeers(): Promise<Peers> {
  pending ??= prepare('.venv-interop', 'requirements.txt');
  return pending;
}

/** The same for the Python that reads encrypted objects: `.venv-envelope/` from test/interop/requirements-envelope.txt. */
export function ensureEnvelopePython(): Promise<Peers> {
  return prepare('.venv-envelope', 'requirements-envelope.txt');
}

/** The same for the h5py that reads HDF5 files: `.venv-hdf5/` from test/interop/requirements-hdf5.txt. */
export function ensureHdf5Python(): Promise<Peers> {
  return prepare('.venv-hdf5', 'requirements-hdf5.txt');
}

/** Path of the checkout: the nearest folder above this file that holds the framework's package.json. */
export function repositoryRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const file = join(folder, 'package.json');
    if (existsSync(file) && JSON.parse(readFileSync(file, 'utf8')).name === 'epics-hpc') {
      return folder;
    }
    if (dirname(folder) === folder) {
      throw new Error(`no package.json of epics-hpc above ${fileURLToPath(import.meta.url)}`);
    }
    folder = dirname(folder);
  }
}

async function prepare(name: string, requirements: string): Promise<Peers> {
  const root = repositoryRoot();
  const place = join(root, name);
  // Several checkouts may share one environment by a link; it belongs to where it really is.
  const folder = existsSync(place) ? realpathSync(place) : place;
  try {
    await install(join(root, 'test', 'interop', requirements), folder);
  } catch (error) {
    return unavailable(error instanceof Error ? error.message : String(error), name, requirements);
  }
  return {
    available: true,
    reason: '',
    python: join(folder, 'bin', 'python'),
    bin: (name) => {
      const path = join(folder, 'bin', name);
      if (!existsSync(path)) {
        throw new Error(`the peers have no command ${name} (looked for ${path})`);
      }
      return path;
    },
  };
}

function unavailable(reason: string, name: string, requirements: string): Peers {
  if (process.env['CI'] === 'true') {
    throw new Error(`the interop peers cannot be installed: ${reason}`);
  }
  console.error(
    [
      RULE,
      `THE REAL PEERS OF ${requirements} ARE MISSING: nothing will be tested or measured against them.`,
      `  why:        ${reason}`,
      '  what to do: put Python 3.11 with its venv module on PATH (as python3.11 or python3), make PyPI reachable',
      `              for pip, and run this again; ${name}/ is then made from test/interop/${requirements}.`,
      '  Everything else of the suite works without them. With CI=true this is an error.',
      RULE,
    ].join('\n'),
  );
  return {
    available: false,
    reason,
    python: '',
    bin: (name) => {
      throw new Error(`cannot run ${name}: ${reason}`);
    },
  };
}

async function install(requirementsFile: string, folder: string): Promise<void> {
  const requirements = await readFile(requirementsFile, 'utf8');
  // A virtual environment holds absolute paths: in a checkout that was moved it must be made anew.
  const wanted = createHash('sha256').update(`${folder}\n${requirements}`).digest('hex');
  if (await isInstalled(folder, wanted)) {
    return;
  }
  await mkdir(folder, { recursive: true });
  const release = await lock(folder);
  try {
    if (await isInstalled(folder, wanted)) {
      return;
    }
    const python = await findPython();
    console.error(`making ${folder} from ${requirementsFile} (once, from PyPI)`);
    for (const entry of await readdir(folder)) {
      if (entry !== LOCK_FOLDER) {
        await rm(join(folder, entry), { recursive: true, force: true });
      }
    }
    await command(python, ['-m', 'venv', folder], 'python -m venv');
    const pip = [
      '-m',
      'pip',
      'install',
      '--disable-pip-version-check',
      '--no-input',
      '--only-binary',
      ':all:',
    ];
    await command(join(folder, 'bin', 'python'), [...pip, '-r', requirementsFile], 'pip install');
    await writeFile(join(folder, MARKER), wanted);
  } finally {
    await release();
  }
}

const MARKER = 'requirements.sha256';
const LOCK_FOLDER = '.installing';

async function isInstalled(folder: string, wanted: string): Promise<boolean> {
  const found = await readFile(join(folder, MARKER), 'utf8').catch(() => '');
  return found === wanted && existsSync(join(folder, 'bin', 'python'));
}

/** Takes the lock: making a folder is atomic. The lock of a process that is gone is taken over. */
async function lock(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, LOCK_FOLDER);
  const owner = join(path, 'pid');
  const deadline = Date.now() + INSTALL_TIMEOUT_MS;
  for (;;) {
    try {
      await mkdir(path);
      await writeFile(owner, String(process.pid));
      return () => rm(path, { recursive: true, force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw error;
      }
    }
    if (await isAbandoned(path, owner)) {
      await rm(path, { recursive: true, force: true });
    } else if (Date.now() > deadline) {
      throw new Error(
        `another process has held ${path} for too long; if none is installing, delete that folder`,
      );
    } else {
      await delay(LOCK_POLL_MS);
    }
  }
}

async function isAbandoned(path: string, owner: string): Promise<boolean> {
  const pid = Number(await readFile(owner, 'utf8').catch(() => ''));
  if (pid === 0) {
    // Its owner is between making the folder and writing its id, or was killed there.
    const made = await stat(path).catch(() => undefined);
    return made !== undefined && Date.now() - made.mtimeMs > 10_000;
  }
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** Finds Python 3.11, the version the peers' wheels are pinned for. */
async function findPython(): Promise<string> {
  const found: string[] = [];
  for (const name of ['python3.11', 'python3']) {
    try {
      const { stdout } = await run(name, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'], {
        timeout: 30_000,
      });
      if (stdout.trim() === '3.11') {
        return name;
      }
      found.push(`${name} is Python ${stdout.trim()}`);
    } catch {
      found.push(`${name} cannot be run`);
    }
  }
  throw new Error(`Python 3.11 was not found: ${found.join(', ')}`);
}

async function command(program: string, args: readonly string[], what: string): Promise<void> {
  try {
    await run(program, args, { timeout: INSTALL_TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 });
  } catch (error) {
    const failure = error as Error & { stdout?: string; stderr?: string; killed?: boolean };
    const lines = `${failure.stdout ?? ''}\n${failure.stderr ?? ''}`.trim().split('\n');
    const why = failure.killed === true ? `took longer than ${INSTALL_TIMEOUT_MS / 1000} s` : 'failed';
    const said = lines.findLast((line) => /^error/i.test(line)) ?? lines.at(-1);
    throw new Error(`${what} ${why}: ${said === undefined || said === '' ? failure.message : said}`);
  }
}
