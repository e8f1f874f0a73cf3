/**
 * Finds the class of a processor: in the user's TypeScript or JavaScript file, or a ready-made one by name. Files go
 * through jiti, whatever their language, so that `import ... from 'epics-hpc'` in a file anywhere on disk is the very
 * module that is running, with nothing installed beside the file.
 */
import { statSync } from 'node:fs';
import { dirname, extname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '../cache-folder.ts';
import { UserError } from '../errors.ts';

/** Constructor of a processor, called with its configuration. */
export type ProcessorClass = (new (
  config: Record<string, unknown>,
) => object) & {
  /** See UserDataProcessor; of JavaScript anything. */
  readonly workers?: unknown;
};

export interface LoadProcessorOptions {
  /** TypeScript or JavaScript file, absolute or relative to the working directory. */
  readonly processorFile?: string | undefined;
  /** Name of the exported class; without a file, of a ready-made processor. */
  readonly processorClass?: string | undefined;
  /** Ready-made processors: class name -> the class, loaded on use. */
  readonly builtins: Readonly<Record<string, () => Promise<unknown>>>;
  /** Modules that a file gets under these names, such as `epics-hpc` -> the running suite's own exports. */
  readonly virtualModules: Record<string, unknown>;
}

const OWN_FILE = fileURLToPath(import.meta.url);
const EXTENSIONS = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs'];

function refuse(message: string, cause?: unknown): never {
  throw new UserError('HPC_PROCESSOR_LOAD', message, { cause });
}

function isClass(value: unknown): value is ProcessorClass {
  if (typeof value !== 'function') return false;
  if (/^class\b/.test(Function.prototype.toString.call(value))) return true;
  // A constructor function of older JavaScript: one with methods.
  const prototype: unknown = value.prototype;
  return (
    typeof prototype === 'object' && prototype !== null && Object.getOwnPropertyNames(prototype).length > 1
  );
}

/** `pvapy.hpc.userDataProcessor.UserDataProcessor` in PvaPy is `UserDataProcessor` here. */
function builtinName(name: string): string {
  return /^pvapy\.hpc\.\w+\.(\w+)$/.exec(name)?.[1] ?? name;
}

async function loadBuiltin(
  name: string,
  builtins: LoadProcessorOptions['builtins'],
): Promise<ProcessorClass> {
  const known = builtinName(name);
  const load = Object.hasOwn(builtins, known) ? builtins[known] : undefined;
  if (load === undefined) {
    const names = Object.keys(builtins).sort().join(', ');
    refuse(
      `'${name}' is not a ready-made processor (those are ${names}); for a class of your own give its file with --processor-file`,
    );
  }
  const loaded = await load();
  if (!isClass(loaded)) throw new TypeError(`the ready-made processor '${known}' is not a class`);
  return loaded;
}

function checkFile(given: string): string {
  const path = resolve(given);
  const extension = extname(path);
  if (!EXTENSIONS.includes(extension)) {
    const hint =
      extension === '.py'
        ? 'is Python; processors here are TypeScript or JavaScript'
        : 'has an unknown extension';
    refuse(`processor file '${given}' ${hint}; use one of ${EXTENSIONS.join(' ')}`);
  }
  let isFile: boolean;
  try {
    isFile = statSync(path).isFile();
  } catch (error) {
    refuse(`processor file '${given}' cannot be read (${path}): ${reasonOf(error)}`, error);
  }
  if (!isFile) refuse(`processor file '${given}' is not a file (${path})`);
  return path;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '').trim() : String(error);
}

/**
 * The place in the user's code where an error came from: the first stack line outside of Node, of jiti and of the folder of
 * this file, where in a bundle all of the suite is.
 */
function placeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  for (const line of (error.stack ?? '').split('\n')) {
    if (/\bimportFile \(/.test(line)) return undefined;
    const place = /^\s+at (?:.*\()?(?:file:\/\/)?([^()]+):(\d+):\d+\)?$/.exec(line);
    const [, file = '', number = ''] = place ?? [];
    if (!place || dirname(file) === dirname(OWN_FILE)) continue;
    if (!file.startsWith('node:') && !/[\\/]node_modules[\\/]/.test(file)) return `${file}:${number}`;
  }
  return undefined;
}

function loadFailure(given: string, error: unknown): never {
  // jiti's parser: "ParseError: <what>\n <file>:<line>:<column>".
  const message = error instanceof Error ? error.message : '';
  const syntax = /^ParseError: (.*?)\s*\n\s*(.+?):(\d+):\d+\s*$/s.exec(message);
  if (syntax)
    refuse(`processor file '${given}': syntax error at ${syntax[2]}:${syntax[3]}: ${syntax[1]}`, error);
  const place = placeOf(error);
  refuse(
    `processor file '${given}' failed to load${place === undefined ? '' : ` at ${place}`}: ${reasonOf(error)}`,
    error,
  );
}

/**
 * Translating a file takes longer than all the rest of a consumer's start, so what comes of it is kept; jiti checks each
 * against its source.
 */
async function importFile(path: string, virtualModules: Record<string, unknown>): Promise<unknown> {
  // Only here: loading it takes 35 ms, which whoever runs a ready-made processor need not wait for.
  const { createJiti } = await import('jiti');
  const load = (fsCache: string | false): Promise<unknown> =>
    createJiti(import.meta.url, { virtualModules, fsCache, interopDefault: false }).import(path);
  const folder = cacheFolder();
  try {
    return await load(folder);
  } catch (error) {
    // A full disk or such, perhaps of the cache: jiti does not say.
    if (folder === false || !(error instanceof Error && 'syscall' in error)) throw error;
    return load(false);
  }
}

/** What the file exports, by name; a CommonJS file that exports one class has it as `default`. */
async function importExports(
  given: string,
  virtualModules: Record<string, unknown>,
): Promise<ReadonlyMap<string, unknown>> {
  const path = checkFile(given);
  let loaded: unknown;
  try {
    loaded = await importFile(path, virtualModules);
  } catch (error) {
    loadFailure(given, error);
  }
  if (typeof loaded === 'function') return new Map([['default', loaded]]);
  return new Map(Object.entries((loaded ?? {}) as object));
}

function exportsText(exports: ReadonlyMap<string, unknown>): string {
  return exports.size === 0 ? 'it exports nothing' : `it exports ${[...exports.keys()].sort().join(', ')}`;
}

function classByName(file: string, name: string, exports: ReadonlyMap<string, unknown>): ProcessorClass {
  const byDefault = exports.get('default');
  const found = exports.get(name) ?? (isClass(byDefault) && byDefault.name === name ? byDefault : undefined);
  if (found === undefined) {
    refuse(`class '${name}' is not exported by processor file '${file}'; ${exportsText(exports)}`);
  }
  if (!isClass(found)) refuse(`'${name}' in processor file '${file}' is not a class but a ${typeof found}`);
  return found;
}

function onlyClass(file: string, exports: ReadonlyMap<string, unknown>): ProcessorClass {
  const classes = new Map<ProcessorClass, string>();
  for (const [name, value] of exports) {
    if (isClass(value)) classes.set(value, name === 'default' ? value.name || name : name);
  }
  const [only, ...others] = classes.keys();
  if (only === undefined) refuse(`processor file '${file}' exports no class; ${exportsText(exports)}`);
  if (others.length > 0) {
    refuse(
      `processor file '${file}' exports several classes; choose one with --processor-class: ${[...classes.values()].sort().join(', ')}`,
    );
  }
  return only;
}

/**
 * The class of the processor that the options ask for, or undefined when they ask for none.
 *
 * With a file, the class is the export of that name, or the default export if the class is called so; without a name
 * the file must export exactly one class. `.ts`, `.mts`, `.cts`, `.js`, `.mjs` and `.cjs` are loaded alike:
 * TypeScript is stripped (enums work), top-level `await` and CommonJS work.
 *
 * @throws UserError `HPC_PROCESSOR_LOAD`: file missing, of an unknown kind, with a syntax error (file and line), or
 *   failing while it is loaded; class not exported (the exports are listed), not a class, or not named although there
 *   are several; unknown ready-made processor (those that exist are listed).
 */
export async function loadProcessorClass(options: LoadProcessorOptions): Promise<ProcessorClass | undefined> {
  const { builtins, virtualModules } = options;
  const file = options.processorFile || undefined;
  const name = options.processorClass || undefined;
  if (file === undefined) return name === undefined ? undefined : loadBuiltin(name, builtins);
  const exports = await importExports(file, virtualModules);
  return name === undefined ? onlyClass(file, exports) : classByName(file, name, exports);
}
