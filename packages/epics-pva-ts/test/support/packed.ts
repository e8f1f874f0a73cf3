/**
 * The package as a stranger gets it: packed by npm, and installed without network into an empty project outside of this
 * repository, where programs run and types are checked.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PACKAGE = fileURLToPath(new URL('../../', import.meta.url));
const REPOSITORY = fileURLToPath(new URL('../../../../', import.meta.url));
const run = promisify(execFile);

/** What `npm pack --json` says of the tarball. */
export interface PackReport {
  readonly filename: string;
  /** Bytes of the tarball. */
  readonly size: number;
  /** Bytes of the files in it. */
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string; readonly size: number }[];
}

/** How a program ended. */
export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class PackedProject {
  readonly report: PackReport;
  /** The project's folder. */
  readonly folder: string;
  /** Path of the tarball. */
  readonly tarball: string;

  private constructor(folder: string, report: PackReport) {
    this.folder = folder;
    this.report = report;
    this.tarball = join(folder, report.filename);
  }

  /** Packs and installs. Call `remove` when done. */
  static async create(): Promise<PackedProject> {
    const folder = mkdtempSync(join(tmpdir(), 'epics-pva-ts-'));
    const npm = async (args: readonly string[], cwd: string): Promise<string> =>
      (await run('npm', args, { cwd, env: npmFree() })).stdout;
    // Without `prepack`: a build would rewrite what programs of other tests are loading.
    const text = await npm(['pack', '--ignore-scripts', '--json', '--pack-destination', folder], PACKAGE);
    const [report] = JSON.parse(text) as [PackReport];
    writeFileSync(join(folder, 'package.json'), '{ "name": "stranger", "private": true }\n');
    await npm(['install', `./${report.filename}`, '--offline', '--no-audit', '--no-fund'], folder);
    return new PackedProject(folder, report);
  }

  /** The installed package.json. */
  manifest(): Record<string, unknown> {
    const text = readFileSync(join(this.folder, 'node_modules/epics-pva-ts/package.json'), 'utf8');
    return JSON.parse(text) as Record<string, unknown>;
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }

  node(...args: string[]): Promise<Finished> {
    return this.execute(args, this.folder);
  }

  /** Runs Node in this repository, where the name of the package leads to the workspace. */
  nodeInWorkspace(...args: string[]): Promise<Finished> {
    return this.execute(args, REPOSITORY);
  }

  /** The repository's TypeScript, on a tsconfig of this project. */
  tsc(tsconfig: string): Promise<Finished> {
    return this.execute([join(REPOSITORY, 'node_modules/typescript/bin/tsc'), '-p', tsconfig], this.folder);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async execute(args: readonly string[], cwd: string): Promise<Finished> {
    try {
      const { stdout, stderr } = await run(process.execPath, args, { cwd, env: npmFree() });
      return { code: 0, stdout, stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as unknown as Finished;
      return { code, stdout, stderr };
    }
  }
}

/** The environment without what an `npm test` around this has put there, such as its workspace. */
function npmFree(): Record<string, string | undefined> {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^npm_/i.test(name) && name !== 'NODE_OPTIONS' && name !== 'INIT_CWD',
  );
  return Object.fromEntries(own);
}
