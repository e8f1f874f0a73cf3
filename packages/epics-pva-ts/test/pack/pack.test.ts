/**
 * The tarball that `npm pack` makes is what users get: it installs into an empty project, works as an ES module and as
 * a CommonJS module, brings types for both, and nothing else.
 */
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as library from '../../src/index.ts';
import { scalarTypeOf } from '../../src/nt/nt-nd-array-codec.ts';
import { type Finished, PackedProject } from '../support/packed.ts';

/** Serves a PV, gets, puts and monitors it, says what came, and which copy of the library it was. */
const PROGRAM = `
async function program({ Context, NTScalar, PvaError, Server, SharedPV, Value }) {
  const type = NTScalar.build('double');
  const server = Server.isolated().addPV('pv', SharedPV.mailbox(Value.create(type, { value: 1.5 })));
  await server.start();
  const context = new Context(server.clientConfig());
  const first = await context.get('pv');
  const updates = [];
  for await (const update of context.monitor('pv')) {
    updates.push(update.get('value'));
    if (updates.length === 2) break;
    await context.put('pv', 3.5);
  }
  const error = await context.put('pv', 'no number').catch((error) => error);
  await context.close();
  await server.close();
  const place = error.stack.split('\\n').find((line) => line.includes('epics-pva-ts'));
  return {
    first: first.get('value'),
    updates,
    instances: [first instanceof Value, error instanceof PvaError],
    format: /epics-pva-ts.cjs/.test(place) ? 'CommonJS' : 'ESM',
  };
}
const say = (what) => console.log(JSON.stringify(what));
`;
const ESM = `import * as pva from 'epics-pva-ts';${PROGRAM}say(await program(pva));`;
const COMMONJS = `const pva = require('epics-pva-ts');${PROGRAM}program(pva).then(say);`;
const BOTH = `import * as pva from 'epics-pva-ts';
import { createRequire } from 'node:module';
const required = createRequire(import.meta.url)('epics-pva-ts');
const names = Object.keys(pva);
console.log(JSON.stringify({ names, required: Object.keys(required), same: names.every((n) => pva[n] === required[n]) }));`;

/** Decompresses an image (its codec, bytes, ScalarType, size and length are arguments) with an optional package. */
const DECOMPRESS = `const { NTNDArray } = require('epics-pva-ts');
const [codec, base64, parameters, size, length] = process.argv.slice(2);
NTNDArray.create({ dimensions: [Number(length)] })
  .setCompressed(Buffer.from(base64, 'base64'), { name: codec, parameters: Number(parameters) }, Number(size))
  .decompress()
  .then(({ pixels }) => console.log(JSON.stringify([pixels.constructor.name, pixels.length])));`;
const BLOSC = (
  JSON.parse(readFileSync(new URL('../golden/codecs.json', import.meta.url), 'utf8')) as {
    codec: string;
    base64: string;
    kind: 'ushort';
    size: number;
    dimensions: number[];
  }[]
).find(({ codec }) => codec === 'blosc');

/** Node can \`require\` an ES module since 20.19 and 22.12, and can be told not to. */
const REQUIRES_ESM = process.allowedNodeEnvironmentFlags.has('--experimental-require-module');
const AS_OLD_NODE = REQUIRES_ESM ? ['--no-experimental-require-module'] : [];

const CONSUMER = `import { Context, NTNDArray, NTScalar, Server, SharedPV, TimeoutError, type TimeStamp, Value } from 'epics-pva-ts';
export async function main(): Promise<number> {
  const server = Server.isolated().addPV('pv', SharedPV.mailbox(Value.create(NTScalar.build('double'))));
  const context = new Context(server.clientConfig());
  const value: Value = await context.get('pv', { timeout: 1 });
  const subscription = context.monitor('pv', {}, { update: (update: Value) => void update.get('value') });
  const received: number = subscription.stats.received;
  const frame: NTNDArray | undefined = undefined;
  const time: TimeStamp | undefined = undefined;
  try {
    await context.put('pv', 1);
  } catch (error) {
    if (error instanceof TimeoutError) throw new TypeError(error.code, { cause: [frame, time] });
  }
  // @ts-expect-error: types are there, not any
  context.get(5);
  return received + Number(value.get('value'));
}
`;

/** Where this repository has `@types/node` and optional packages, which the project has not. */
const MODULES = fileURLToPath(new URL('../../../../node_modules/', import.meta.url));
const TYPES = join(MODULES, '@types');

/** Compiler options of the projects that people have. */
const PROJECTS: Record<string, { file: string; options: Record<string, unknown> }> = {
  'an ES module with nodenext': { file: 'esm.mts', options: { module: 'nodenext' } },
  'a CommonJS module with nodenext': { file: 'cjs.cts', options: { module: 'nodenext' } },
  'an ES module with node16': { file: 'esm.mts', options: { module: 'node16' } },
  'a CommonJS module with node16': { file: 'cjs.cts', options: { module: 'node16' } },
  'Node.js with all libraries checked': {
    file: 'esm.mts',
    options: { module: 'nodenext', types: ['node'], typeRoots: [TYPES], skipLibCheck: false },
  },
  'a bundler': { file: 'bundled.ts', options: { module: 'esnext', moduleResolution: 'bundler' } },
  'CommonJS with node10': {
    file: 'old.ts',
    options: { module: 'commonjs', moduleResolution: 'node10', ignoreDeprecations: '6.0' },
  },
};

let project: PackedProject;

beforeAll(async () => {
  project = await PackedProject.create();
  project.write('program.mjs', ESM);
  project.write('program.cjs', COMMONJS);
  project.write('both.mjs', BOTH);
  for (const { file } of Object.values(PROJECTS)) project.write(file, CONSUMER);
}, 60_000);

afterAll(() => project?.remove());

/** What the program printed, if it ended well and complained of nothing. */
function printed({ code, stdout, stderr }: Finished): unknown {
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

const WORKED = { first: 1.5, updates: [1.5, 3.5], instances: [true, true] };

describe('the tarball', () => {
  it('has less than 1 MB', () => {
    const { size, unpackedSize, files } = project.report;
    const kB = (bytes: number): string => `${Math.round(bytes / 1000)} kB`;
    console.log(`epics-pva-ts: ${kB(size)} packed, ${kB(unpackedSize)} unpacked, ${files.length} files`);
    expect(size).toBeLessThan(1_000_000);
  });

  it('has what package.json lists, and the texts', () => {
    const paths = project.report.files.map(({ path }) => path);
    const { files } = project.manifest() as { files: string[] };
    // These tests pack what was built before; whoever packs from a checkout gets it built.
    expect(project.manifest()['scripts']).toMatchObject({ prepack: 'npm run build' });
    for (const entry of files.filter((f) => !f.startsWith('!')))
      expect(
        existsSync(join(project.folder, 'node_modules/epics-pva-ts', entry.replace(/\/?\*.*$/, ''))),
        entry,
      ).toBe(true);
    expect(paths).toEqual(expect.arrayContaining(['README.md', 'CHANGELOG.md', 'LICENSE', 'package.json']));
    expect(paths.filter((path) => /\.tsbuildinfo$|^test|^src/.test(path))).toEqual([]);
    const text = readFileSync(join(project.folder, 'node_modules/epics-pva-ts/LICENSE'), 'utf8');
    expect(text).toMatch(/^MIT License\n/);
    expect(project.manifest()['license']).toBe('MIT');
  });

  it('depends on nothing', () => {
    const manifest = project.manifest();
    for (const kind of ['dependencies', 'peerDependencies', 'optionalDependencies', 'bundleDependencies'])
      expect(manifest[kind]).toBeUndefined();
    for (const hook of ['preinstall', 'install', 'postinstall'])
      expect(manifest['scripts']).not.toHaveProperty(hook);
    const lock = JSON.parse(readFileSync(join(project.folder, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, unknown>;
    };
    expect(Object.keys(lock.packages)).toEqual(['', 'node_modules/epics-pva-ts']);
  });

  it('is what publint wants', async () => {
    const { messages, pkg } = await publint({
      pkgDir: join(project.folder, 'node_modules/epics-pva-ts'),
      strict: true,
    });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  it('has types that resolve as the code does, whatever the resolution (are the types wrong?)', async () => {
    const tarball = createPackageFromTarballData(readFileSync(project.tarball));
    const result = await checkPackage(tarball);
    expect(result.types).toMatchObject({ kind: 'included' });
    expect('problems' in result && result.problems).toEqual([]);
  });
});

describe('an empty project that installed it', () => {
  it('runs an ES module', async () => {
    expect(printed(await project.node('program.mjs'))).toEqual({ ...WORKED, format: 'ESM' });
    expect(printed(await project.node(...AS_OLD_NODE, 'program.mjs'))).toEqual({ ...WORKED, format: 'ESM' });
  });

  it('runs a CommonJS module, also where Node cannot require an ES module', async () => {
    expect(printed(await project.node('program.cjs'))).toEqual({
      ...WORKED,
      format: REQUIRES_ESM ? 'ESM' : 'CommonJS',
    });
    expect(printed(await project.node(...AS_OLD_NODE, 'program.cjs'))).toEqual({
      ...WORKED,
      format: 'CommonJS',
    });
  });

  it('loads optional packages that are ES modules, also from the CommonJS build', async () => {
    const { codec, base64, kind, size, dimensions } = BLOSC as NonNullable<typeof BLOSC>;
    symlinkSync(join(MODULES, 'numcodecs'), join(project.folder, 'node_modules/numcodecs'), 'dir');
    project.write('decompress.cjs', DECOMPRESS);
    const image = [codec, base64, scalarTypeOf(kind), size, dimensions[0]].map(String);
    for (const flags of [[], AS_OLD_NODE])
      expect(printed(await project.node(...flags, 'decompress.cjs', ...image))).toEqual([
        'Uint16Array',
        dimensions[0],
      ]);
  });

  it('gets the same names from both, and one copy where Node can require an ES module', async () => {
    const names = Object.keys(library).sort();
    const here = printed(await project.node('both.mjs')) as {
      names: string[];
      required: string[];
      same: boolean;
    };
    const sorted = (list: readonly string[]): string[] => list.filter((name) => name !== '__esModule').sort();
    expect([sorted(here.names), sorted(here.required)]).toEqual([names, names]);
    expect(here.same).toBe(REQUIRES_ESM);
    const old = printed(await project.node(...AS_OLD_NODE, 'both.mjs')) as typeof here;
    expect([sorted(old.names), sorted(old.required), old.same]).toEqual([names, names, false]);
  });

  it.each(Object.entries(PROJECTS))('type-checks %s', async (name, { file, options }) => {
    const tsconfig = `tsconfig.${name.replaceAll(' ', '-')}.json`;
    const compilerOptions = {
      target: 'es2022',
      lib: ['es2023'],
      types: [],
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      ...options,
    };
    project.write(tsconfig, JSON.stringify({ compilerOptions, files: [file] }));
    expect(await project.tsc(tsconfig)).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});

describe('the workspace', () => {
  it('runs the ES modules, whatever Node can require', async () => {
    const code = `import { parseAddress } from 'epics-pva-ts';
      try { parseAddress(':', 1); } catch ({ stack }) { console.log(JSON.stringify(/epics-pva-ts.(\\w+.\\w+)/.exec(stack)[1])); }`;
    for (const flags of [[], AS_OLD_NODE])
      expect(printed(await project.nodeInWorkspace(...flags, '--input-type=module', '--eval', code))).toBe(
        'dist/index',
      );
  });
});
