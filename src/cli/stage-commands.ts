/** The option tables of the commands that can be a stage of a pipeline. */
import type { StageCommand } from '../pipeline-file/schema.ts';
import { adSimServerCommand } from './ad-sim-server-options.ts';
import { hpcCollectorCommand } from './hpc-collector-options.ts';
import { hpcConsumerCommand } from './hpc-consumer-options.ts';
import { mirrorServerCommand } from './mirror-server-options.ts';
import type { CommandSpec } from './option-table.ts';

export const STAGE_COMMAND_SPECS: Readonly<Record<StageCommand, CommandSpec>> = {
  'ad-sim-server': adSimServerCommand,
  'mirror-server': mirrorServerCommand,
  'hpc-consumer': hpcConsumerCommand,
  'hpc-collector': hpcCollectorCommand,
};
