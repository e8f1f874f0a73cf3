/**
 * One bundle for each process that a command starts (decision 0014): of the compiled modules, and of those packages
 * that nearly every start needs. What is loaded on use has chunks, or stays a package.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { basename, join, resolve } from 'node:path';

const MAINS = 'dist/src/cli';
const BUNDLES = 'dist/commands';
/** Processes that commands start, beside the commands themselves. */
const CHILDREN = ['consumer-child', 'demo-simulator', 'processor-worker-child'];
const COMMANDS = readdirSync('bin')
  .filter((file) => file.endsWith('.js'))
  .map((file) => basename(file, '.js'));
const BUNDLED_PACKAGES = ['epics-pva-ts', 'commander', 'jiti', 'pino'];

const isPackage = (id) => /^[@\w]/.test(id) && !id.startsWith('node:');
/** The folder of the package that a file belongs to, if it is one of node_modules. */
const packageFolder = (file) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0];
const manifest = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

/**
 * What belongs together in a start has one file, for each file costs some time. What is not named here, and used by several,
 * gets files by itself.
 */
const GROUPS = [
  { name: 'epics-pva-ts', test: /\/packages\/epics-pva-ts\// },
  {
    name: 'arguments',
    test: /\/node_modules\/commander\/|\/cli\/(argparse|commander|getopt|option|run-main|pvtools)/,
  },
  { name: 'stage', test: /\/node_modules\/|\/dist\/(src|processors\/registry)/, minShareCount: 4 },
];

/** The licences of the packages within go where their code goes. */
const licences = {
  name: 'licences',
  generateBundle(_, bundle) {
    const modules = Object.values(bundle).flatMap(({ moduleIds = [] }) => moduleIds);
    const folders = new Set(modules.map(packageFolder).filter(Boolean));
    const texts = [...folders].sort().map((folder) => {
      const { name, version } = manifest(folder);
      const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
      if (!file) throw new Error(`${folder} has no licence to go with its code`);
      return `${name} ${version}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
    });
    this.emitFile({ type: 'asset', fileName: 'LICENCES.txt', source: texts.join(`\n${'-'.repeat(80)}\n\n`) });
  },
};

/** Tells one build from another: compiled code fits no other than its own (src/cli/compiled-code.ts). The last file. */
const buildId = {
  name: 'build-id',
  generateBundle() {
    const hash = createHash('sha256');
    for (const file of readdirSync(BUNDLES).sort()) hash.update(readFileSync(join(BUNDLES, file)));
    this.emitFile({ type: 'asset', fileName: 'build-id', source: hash.digest('hex') });
  },
};

/**
 * What src/cli/launch.ts runs: a function, in ASCII. V8 keeps a text with one character above Latin-1 in twice the memory, and
 * a text that is put together is copied: a consumer started in 106 ms so, and starts in 76.
 */
const scripts = {
  name: 'scripts',
  generateBundle(_, bundle) {
    const escaped = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
    for (const chunk of Object.values(bundle))
      if (chunk.type === 'chunk')
        chunk.code = `(function (exports, require, module, __filename, __dirname, __import) {${chunk.code.replace(/[^\0-\x7f]/g, escaped)}\n})`;
  },
};

/** A script has no `import()` of its own without a flag of Node.js: src/cli/launch.ts gives it one. */
const dynamicImport = {
  name: 'dynamic-import',
  renderChunk(code, { fileName }) {
    const changed = code.replace(/(?<=(?:await|return|=>?) )import\(/g, '__import(');
    const [left] = /.*(?<![.\w])import\([^)]+\)(?!\s*\{).*/.exec(changed) ?? [];
    // All but methods of that name.
    if (left) throw new Error(`${fileName}: import() in a place where it is not expected: ${left}`);
    return changed;
  },
};

/** What src/cli/child-entry.ts names. */
const childEntries = {
  name: 'child-entries',
  generateBundle() {
    for (const child of CHILDREN)
      this.emitFile({
        type: 'asset',
        fileName: `${child}-entry.cjs`,
        source: `module.exports = require('./launch.cjs').launch('${child}');\n`,
      });
  },
};

/**
 * jiti's translator is as large as all the rest, and needed once for each processor file: it stays in its package. And what
 * it leaves to Node is decided by src/processor/native-import.ts.
 */
const jiti = {
  name: 'jiti',
  transform(code, id) {
    if (!id.endsWith('/jiti/lib/jiti.mjs')) return undefined;
    const own = 'createRequire(import.meta.url)';
    const changes = [
      [`${own}("../dist/babel.cjs")`, `createRequire(${own}.resolve("jiti"))("../dist/babel.cjs")`],
      [
        'const nativeImport = (id) => import(id);',
        `import { nativeImport } from ${JSON.stringify(resolve('dist/src/processor/native-import.js'))};`,
      ],
    ];
    return changes.reduce((text, [before, after]) => {
      if (!text.includes(before)) throw new Error(`${id} has changed: ${before} is not there`);
      return text.replace(before, after);
    }, code);
  },
};

/** A package that is an ES module cannot be required by a Node.js before 20.19: such must be imported with `import()`. */
const requirable = {
  name: 'requirable',
  generateBundle(_, bundle) {
    const { resolve: find } = createRequire(import.meta.url);
    for (const { fileName, imports = [] } of Object.values(bundle))
      for (const id of imports.filter((id) => isPackage(id) && !(id in bundle) && !isBuiltin(id))) {
        const file = find(id);
        if (manifest(packageFolder(file)).type === 'module' && !file.endsWith('.cjs'))
          throw new Error(`${fileName}: ${id} is an ES module: load it with import()`);
      }
  },
};

const common = {
  platform: 'node',
  onLog: (level, log, handle) => {
    // What is loaded on use in one process is needed at once in another.
    if (log.code !== 'INEFFECTIVE_DYNAMIC_IMPORT') handle(level === 'warn' ? 'error' : level, log);
  },
};

export default [
  {
    ...common,
    input: Object.fromEntries([...COMMANDS, ...CHILDREN].map((name) => [name, join(MAINS, `${name}.js`)])),
    plugins: [jiti, dynamicImport, requirable, licences, scripts, childEntries],
    external: (id, importer) =>
      isPackage(id) && !importer?.includes('/node_modules/') && !BUNDLED_PACKAGES.includes(id),
    output: {
      format: 'cjs',
      dir: BUNDLES,
      cleanDir: true,
      entryFileNames: '[name].cjs',
      chunkFileNames: '[name].cjs',
      codeSplitting: { groups: GROUPS },
      comments: false,
    },
  },
  {
    ...common,
    input: join(MAINS, 'launch.js'),
    plugins: [buildId],
    output: { format: 'cjs', dir: BUNDLES, entryFileNames: 'launch.cjs' },
  },
];
