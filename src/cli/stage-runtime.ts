/** What every stage of this process begins with: its log, and the processor's class, loaded here. */
import { readFileSync } from 'node:fs';
import * as pva from 'epics-pva-ts';
import { PROCESSORS } from '../../processors/registry.ts';
import * as hpc from '../index.ts';
import { createLogging, type Logging, type LogLevel } from '../log.ts';
import type { WorkerProcessor } from '../pipeline/workers/worker-processor.ts';
import { loadProcessorClass, type ProcessorClass } from '../processor/load-processor.ts';
import type { openWorkers, WorkersSpec } from './stage-workers.ts';

export interface StageSpec {
  readonly processorFile: string | undefined;
  readonly processorClass: string | undefined;
  readonly logLevel: LogLevel | undefined;
  readonly logFile: string | undefined;
}

/** Does it, or may a file that it loads, import `epics-hpc/processors`? Loading them all takes 5 ms. */
function mayUseProcessors(file: string | undefined): boolean {
  if (file === undefined) return false;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    // Whoever loads it says why.
    return false;
  }
  const imported = text.matchAll(/\b(?:from|import|require)\b\s*(\(?)\s*(?:['"]([^'"]*)['"])?/g);
  return [...imported]
    .filter(([, called, name]) => called || name !== undefined)
    .some(([, , name = '']) => !/^(?:epics-hpc|epics-pva-ts|node:.*)$/.test(name));
}

/** @param name in front of every log line @throws UserError when the class cannot be loaded */
export async function prepareStage(
  name: string,
  { processorFile, processorClass, logLevel, logFile }: StageSpec,
): Promise<{ readonly logging: Logging; readonly processorClass: ProcessorClass | undefined }> {
  const logging = createLogging({
    name,
    ...(logLevel && { level: logLevel }),
    ...(logFile !== undefined && { file: logFile }),
  });
  const loaded = await loadProcessorClass({
    processorFile,
    processorClass,
    builtins: PROCESSORS,
    virtualModules: {
      'epics-hpc': hpc,
      'epics-pva-ts': pva,
      ...(mayUseProcessors(processorFile) && {
        'epics-hpc/processors': await import('../../processors/index.ts'),
      }),
    },
  });
  return { logging, processorClass: loaded };
}

/** Starts it, or leaves nothing behind. @throws what its start throws */
export async function startOrClose(stage: { start(): Promise<void>; close(): Promise<void> }): Promise<void> {
  try {
    await stage.start();
  } catch (error) {
    await stage.close();
    throw error;
  }
}

/** What of the processor is loaded in this process: nothing of one that runs in workers. */
export function here<S extends WorkersSpec>(spec: S): StageSpec {
  if (spec.processorWorkers === 0) return spec;
  return { ...spec, processorFile: undefined, processorClass: undefined };
}

/** The workers that the options ask for; their processors are constructed. @throws UserError, as without workers */
export async function workersOf(
  ...[name, spec, ...others]: Parameters<typeof openWorkers>
): Promise<WorkerProcessor | undefined> {
  if (spec.processorWorkers === 0) return undefined;
  // On use: worker-farm and what belongs to it.
  const module = await import('./stage-workers.ts');
  return module.openWorkers(name, spec, ...others);
}
