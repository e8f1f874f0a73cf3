/** Processor classes from real files in a folder that has nothing to do with this repository. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LoadProcessorOptions, loadProcessorClass } from '../../src/processor/load-processor.ts';

/** Stands for the class that a suite hands out: identity is what matters here. */
class UserDataProcessor {
  process(frame: unknown): unknown {
    return frame;
  }
}
class Rotate extends UserDataProcessor {}

const suite = {
  builtins: {
    UserDataProcessor: () => Promise.resolve(UserDataProcessor),
    Rotate: () => Promise.resolve(Rotate),
  },
  virtualModules: { 'epics-hpc': { UserDataProcessor } },
};

let folder: string;
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'epics hpc #1 ')));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, ...source: string[]): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${source.join('\n')}\n`);
  return path;
}

function load(options: Partial<LoadProcessorOptions>) {
  return loadProcessorClass({ ...suite, ...options });
}

/** The one line with which loading is refused. */
async function refusal(options: Partial<LoadProcessorOptions>): Promise<string> {
  const error: unknown = await load(options).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ name: 'UserError', code: 'HPC_PROCESSOR_LOAD' });
  const { message } = error as Error;
  expect(message).not.toContain('\n');
  return message;
}

/** Asserts that the class descends from the running suite's own base class, and makes one. */
function make(loaded: Awaited<ReturnType<typeof load>>): object {
  expect(loaded?.prototype).toBeInstanceOf(UserDataProcessor);
  return new (loaded ?? Object)({});
}

const IMPORT = `import { UserDataProcessor } from 'epics-hpc';`;

describe('files in every language', () => {
  it.each(['ts', 'mts'])('.%s, with types, an enum and top-level await', async (extension) => {
    const processorFile = file(
      `typed.${extension}`,
      `import { UserDataProcessor, type NTNDArray } from 'epics-hpc';`,
      `enum Mode { Slow = 1, Fast }`,
      `const limit: number = await Promise.resolve(41);`,
      `export class Typed extends UserDataProcessor {`,
      `  private readonly limit: number = limit;`,
      `  constructor(private readonly config: Record<string, unknown>) { super(); }`,
      `  override process(frame: NTNDArray): NTNDArray { return frame; }`,
      `  get state() { return [this.limit + 1, Mode.Fast, Mode[1], Object.keys(this.config)] as const; }`,
      `}`,
    );
    const processor = make(await load({ processorFile, processorClass: 'Typed' }));
    expect(processor).toHaveProperty('state', [42, 2, 'Slow', []]);
  });

  it.each(['js', 'mjs'])('.%s, with private fields and top-level await', async (extension) => {
    const processorFile = file(
      `plain.${extension}`,
      IMPORT,
      `const limit = await Promise.resolve(41);`,
      `export class Plain extends UserDataProcessor { #limit = limit; get limit() { return this.#limit; } }`,
    );
    expect(make(await load({ processorFile, processorClass: 'Plain' }))).toHaveProperty('limit', 41);
  });

  it.each(['cjs', 'cts'])('.%s, with require', async (extension) => {
    const require = `const { UserDataProcessor } = require('epics-hpc');`;
    const named = file(`named.${extension}`, require, `exports.Named = class extends UserDataProcessor {};`);
    make(await load({ processorFile: named, processorClass: 'Named' }));
    const whole = file(
      `whole.${extension}`,
      require,
      `module.exports = class Whole extends UserDataProcessor {};`,
    );
    make(await load({ processorFile: whole, processorClass: 'Whole' }));
    make(await load({ processorFile: whole }));
  });

  it('with files of their own beside them, which share one instance of each', async () => {
    file('lib/counter.ts', `export const counter: { n: number } = { n: 0 };`);
    file(
      'lib/helper.ts',
      IMPORT,
      `import { counter } from './counter.ts';`,
      `counter.n += 1;`,
      `export class Base extends UserDataProcessor {}`,
    );
    const processorFile = file(
      'lib/with-helper.ts',
      `import { Base } from './helper.ts';`,
      `import { counter } from './counter.js';`,
      `import { sep } from 'node:path';`,
      `export class WithHelper extends Base { n = counter.n; sep = sep; url = import.meta.url; }`,
    );
    expect(make(await load({ processorFile, processorClass: 'WithHelper' }))).toMatchObject({
      n: 1,
      url: expect.stringMatching(/^file:.*with-helper\.ts$/),
      sep: expect.stringMatching(/^[\\/]$/),
    });
  });

  it("prefer the running suite to a copy in the user's node_modules", async () => {
    file(
      'project/node_modules/epics-hpc/package.json',
      `{"name":"epics-hpc","type":"module","exports":"./index.js"}`,
    );
    file('project/node_modules/epics-hpc/index.js', `export class UserDataProcessor { foreign = true }`);
    for (const extension of ['ts', 'mjs']) {
      const processorFile = file(
        `project/mine.${extension}`,
        IMPORT,
        `export class Mine extends UserDataProcessor {}`,
      );
      make(await load({ processorFile }));
    }
  });

  it("may import packages from the user's node_modules", async () => {
    file(
      'project/node_modules/esm-only/package.json',
      `{"name":"esm-only","type":"module","exports":"./index.js"}`,
    );
    file('project/node_modules/esm-only/index.js', `export const answer = await Promise.resolve(42);`);
    const processorFile = file(
      'project/uses-package.ts',
      IMPORT,
      `import { answer } from 'esm-only';`,
      `export class UsesPackage extends UserDataProcessor { answer = answer; }`,
    );
    expect(make(await load({ processorFile }))).toHaveProperty('answer', 42);
  });

  it('relative to the working directory', async () => {
    file('relative.mjs', IMPORT, `export class Relative extends UserDataProcessor {}`);
    const before = process.cwd();
    process.chdir(folder);
    try {
      make(await load({ processorFile: 'relative.mjs' }));
    } finally {
      process.chdir(before);
    }
  });

  it('keep file and line in stack traces', async () => {
    const processorFile = file(
      'throws.ts',
      IMPORT,
      `export class Throws extends UserDataProcessor {`,
      `  process(): never { throw new Error('bad frame'); }`,
      `}`,
    );
    const processor = make(await load({ processorFile })) as UserDataProcessor;
    let stack = '';
    try {
      processor.process(1);
    } catch (error) {
      stack = (error as Error).stack ?? '';
    }
    expect(stack).toContain(`${processorFile}:3:`);
  });
});

describe('the choice of the class', () => {
  it('is the export of that name', async () => {
    const processorFile = file(
      'two.mjs',
      IMPORT,
      `export class One extends UserDataProcessor {}`,
      `export class Two extends UserDataProcessor {}`,
    );
    expect((await load({ processorFile, processorClass: 'Two' }))?.name).toBe('Two');
  });

  it('is the default export if the class is called so', async () => {
    const processorFile = file(
      'default.mjs',
      IMPORT,
      `export default class Main extends UserDataProcessor {}`,
      `export class Other {}`,
    );
    expect((await load({ processorFile, processorClass: 'Main' }))?.name).toBe('Main');
    expect(await refusal({ processorFile, processorClass: 'Else' })).toBe(
      `class 'Else' is not exported by processor file '${processorFile}'; it exports Other, default`,
    );
  });

  it('is the only class when no name is given', async () => {
    const one = file(
      'one.mjs',
      IMPORT,
      `export const limit = 3;`,
      `export class Only extends UserDataProcessor {}`,
      `export default Only;`,
    );
    expect((await load({ processorFile: one }))?.name).toBe('Only');
    const two = file(
      'several.mjs',
      IMPORT,
      `export class B extends UserDataProcessor {}`,
      `export class A extends UserDataProcessor {}`,
    );
    expect(await refusal({ processorFile: two })).toBe(
      `processor file '${two}' exports several classes; choose one with --processor-class: A, B`,
    );
    const none = file('none.mjs', `export const x = 1;`);
    expect(await refusal({ processorFile: none })).toBe(
      `processor file '${none}' exports no class; it exports x`,
    );
  });

  it('is a ready-made processor without a file, also by the name it has in PvaPy', async () => {
    expect(await load({ processorClass: 'Rotate' })).toBe(Rotate);
    expect(await load({ processorClass: 'UserDataProcessor' })).toBe(UserDataProcessor);
    expect(await load({ processorClass: 'pvapy.hpc.userDataProcessor.UserDataProcessor' })).toBe(
      UserDataProcessor,
    );
  });

  it('is none when none is asked for', async () => {
    expect(await load({})).toBeUndefined();
    expect(await load({ processorFile: '', processorClass: '' })).toBeUndefined();
  });
});

describe('what can be wrong', () => {
  it('unknown ready-made processor', async () => {
    for (const processorClass of ['Rotat', 'mymodule.Rotate', 'toString', '__proto__']) {
      expect(await refusal({ processorClass })).toBe(
        `'${processorClass}' is not a ready-made processor (those are Rotate, UserDataProcessor); for a class of your own give its file with --processor-file`,
      );
    }
  });

  it('file missing, a folder, or of a kind that cannot be loaded', async () => {
    expect(await refusal({ processorFile: join(folder, 'gone.ts') })).toMatch(
      /gone\.ts' cannot be read .*ENOENT/,
    );
    file('folder.ts/inner.ts', '');
    expect(await refusal({ processorFile: join(folder, 'folder.ts') })).toContain('is not a file');
    expect(await refusal({ processorFile: 'hpcAdImageProcessorExample.py' })).toContain(
      'is Python; processors here are TypeScript or JavaScript; use one of .ts .mts .cts .js .mjs .cjs',
    );
    expect(await refusal({ processorFile: 'processor' })).toContain('has an unknown extension');
  });

  it.each(['ts', 'mjs', 'cjs'])('syntax error in .%s', async (extension) => {
    const processorFile = file(`syntax.${extension}`, `class A {`, `  process( {`, `  }`, `}`, ``);
    expect(await refusal({ processorFile, processorClass: 'A' })).toMatch(
      new RegExp(`^processor file '.*': syntax error at .*syntax\\.${extension}:\\d: .+`),
    );
  });

  it('syntax error in a file that it imports', async () => {
    const helper = file('broken-helper.ts', ``, `export const x = ;`);
    const processorFile = file(
      'imports-broken.ts',
      `import { x } from './broken-helper.ts';`,
      `export class A { x = x; }`,
    );
    expect(await refusal({ processorFile })).toContain(`syntax error at ${helper}:2: `);
  });

  it('an error while it is loaded', async () => {
    const processorFile = file('boom.ts', ``, `throw new RangeError('no such detector');`);
    expect(await refusal({ processorFile })).toBe(
      `processor file '${processorFile}' failed to load at ${processorFile}:2: no such detector`,
    );
    // A second try fails the same way: nothing half-loaded is kept.
    expect(await refusal({ processorFile })).toContain('no such detector');
  });

  it('an import that cannot be found', async () => {
    const package_ = file(
      'missing-package.ts',
      `import { x } from 'not-there';`,
      `export class A { x = x; }`,
    );
    expect(await refusal({ processorFile: package_ })).toMatch(
      /failed to load.*: Cannot find (module|package) 'not-there'/,
    );
    const local = file('missing-file.mjs', `import { x } from './nowhere.js';`, `export class A { x = x; }`);
    expect(await refusal({ processorFile: local })).toMatch(
      /failed to load.*: Cannot find module '.*nowhere\.js'/,
    );
    const name = file(
      'missing-name.ts',
      `import { Nothing } from 'epics-hpc';`,
      `export class A extends Nothing {}`,
    );
    expect(await refusal({ processorFile: name })).toContain(
      `failed to load at ${name}:2: Class extends value undefined`,
    );
  });

  it('a class that is not exported, or not a class', async () => {
    const processorFile = file(
      'not-exported.ts',
      `class Hidden {}`,
      `export const limit = new Hidden() ? 5 : 4;`,
      `export const arrow = () => 1;`,
      `export function plain() {}`,
    );
    expect(await refusal({ processorFile, processorClass: 'Hidden' })).toBe(
      `class 'Hidden' is not exported by processor file '${processorFile}'; it exports arrow, limit, plain`,
    );
    expect(await refusal({ processorFile, processorClass: 'limit' })).toContain("'limit' in processor file");
    expect(await refusal({ processorFile, processorClass: 'limit' })).toContain(
      'is not a class but a number',
    );
    expect(await refusal({ processorFile, processorClass: 'arrow' })).toContain(
      'is not a class but a function',
    );
    expect(await refusal({ processorFile, processorClass: 'plain' })).toContain(
      'is not a class but a function',
    );
    const empty = file('empty.ts', '');
    expect(await refusal({ processorFile: empty, processorClass: 'A' })).toContain('it exports nothing');
  });
});
