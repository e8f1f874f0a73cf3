/**
 * Starts the processes of the commands, from their bundles (decision 0014), with what V8 compiled of them in an earlier
 * run. Modules are few here: each costs every start.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { CompiledCode } from './compiled-code.ts';
import { tuneEngine } from './engine-flags.ts';

/** Bundled itself, this file is beside the others. */
const BUNDLES = import.meta.dirname;
/** Processes that stream frames. */
const STREAMING = new Set([
  'ad-sim-server',
  'consumer-child',
  'demo-simulator',
  'hpc-collector',
  'hpc-consumer',
  'mirror-server',
  'processor-worker-child',
]);

/** Modules of Node.js that few starts need, a millisecond or two each. */
const ON_USE = new Set(['assert', 'child_process', 'dns/promises', 'fs/promises', 'zlib']);

/** A module, which may be a function, loaded when something of it is used: by its name, not as a whole. */
function onUse(load: () => unknown): unknown {
  const module = (): object => load() as object;
  return new Proxy(() => {}, {
    get: (_, name) => Reflect.get(module(), name),
    apply: (_, self, args) => Reflect.apply(module() as () => unknown, self, args),
  });
}

/** Runs a bundle of `dist/commands` in this process; what it exports. */
export function launch(name: string): unknown {
  // V8 takes back compiled code only under the flags that it was compiled with.
  if (STREAMING.has(name)) tuneEngine();
  const compiled = new CompiledCode(name, readFileSync(join(BUNDLES, 'build-id'), 'utf8'));
  const packages = createRequire(import.meta.url);
  const loaded = new Map<string, { exports: unknown }>();

  const load = (file: string): unknown => {
    const before = loaded.get(file);
    if (before) return before.exports;
    const module = { exports: {} };
    loaded.set(file, module);
    const filename = join(BUNDLES, file);
    const cachedData = compiled.of(file);
    // ASCII, and a function already (rolldown.config.mjs): one megabyte that is neither decoded nor copied.
    const script = new Script(readFileSync(filename, 'latin1'), {
      filename,
      ...(cachedData && { cachedData }),
    });
    compiled.add(file, script);
    script.runInThisContext()(module.exports, require, module, filename, BUNDLES, importPackage);
    return module.exports;
  };
  const require = (id: string): unknown => {
    if (id.startsWith('./')) return load(id.slice(2));
    return ON_USE.has(id.replace(/^node:/, '')) ? onUse(() => packages(id)) : packages(id);
  };
  const importPackage = (id: string): Promise<unknown> => import(id);
  return load(`${name}.cjs`);
}
