/** What every stage of this process begins with: its log, and the processor's class, loaded here. */
import * as pva from 'epics-pva-ts';
import { PROCESSORS } from '../../processors/registry.ts';
import * as hpc from '../index.ts';
import { createLogging, type Logging, type LogLevel } from '../log.ts';
import { loadProcessorClass, type ProcessorClass } from '../processor/load-processor.ts';
import { compileGradually } from './compile-gradually.ts';

export interface StageSpec {
  readonly processorFile: string | undefined;
  readonly processorClass: string | undefined;
  readonly logLevel: LogLevel | undefined;
  readonly logFile: string | undefined;
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
      ...(processorFile && { 'epics-hpc/processors': await import('../../processors/index.ts') }),
    },
  });
  compileGradually();
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
