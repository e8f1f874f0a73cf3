/**
 * The shape of a pipeline file: its keys, their types and defaults. What a stage's `options` may hold is said by its
 * command's option table, not here.
 */
import { z } from 'zod';

/** The commands a stage can be. */
const STAGE_COMMANDS = ['ad-sim-server', 'mirror-server', 'hpc-consumer', 'hpc-collector'] as const;
/** One of them. */
export type StageCommand = (typeof STAGE_COMMANDS)[number];

const stageName = z
  .string()
  .regex(
    /^[A-Za-z][\w.-]*$/,
    'a name of a stage begins with a letter and has only letters, digits, _, . and -',
  );
const stageNames = z.union([stageName, z.array(stageName).min(1)]);
const channelName = z
  .string()
  .regex(/^\S+$/, 'a name of a channel has one character at least, and no blanks');
const seconds = z
  .number()
  .positive()
  .max(86_400 * 365);

/** The schema of one stage. */
export const stageSchema = z.strictObject({
  name: stageName.describe('what the stage is called in this file, in front of its lines, and in the ledger'),
  command: z.enum(STAGE_COMMANDS).describe('the command that is run'),
  options: z
    .record(z.string(), z.unknown())
    .default({})
    .describe('options of the command by their long names, without dashes'),
  input: stageNames
    .optional()
    .describe('the stage, or stages for a collector, whose output channel is the input channel of this one'),
  serves: z
    .union([channelName, z.array(channelName).min(1)])
    .optional()
    .describe(
      'further channels that the processor of the stage serves, beside its output channel; every * is replaced by the id of its consumer or collector',
    ),
  after: stageNames.optional().describe('stages that must have started before this one is started'),
  ready: z
    .enum(['connected', 'started'])
    .default('connected')
    .describe(
      'when others may rely on it: its input and metadata channels have sent their first update, or it serves its own channels',
    ),
  restart: z
    .enum(['never', 'on-failure'])
    .default('never')
    .describe('whether it is started again when it dies'),
  'max-restarts': z
    .int()
    .min(1)
    .max(1000)
    .default(3)
    .describe(
      'restarts before it is given up; they are counted anew when it was ready for 10 s, and the first one is quick again',
    ),
  essential: z.boolean().default(true).describe('whether the chain ends when this stage does'),
});

/** The schema of a whole pipeline file. */
export const pipelineSchema = z.strictObject({
  name: z.string().min(1).describe('what the chain is called'),
  description: z.string().optional().describe('what it is for; printed at the start'),
  network: z
    .enum(['isolated', 'environment'])
    .default('isolated')
    .describe(
      '`isolated`: loopback and a UDP port of its own, no other server is met; `environment`: as the EPICS_PVA_* variables say',
    ),
  'broadcast-port': z
    .int()
    .min(1)
    .max(65_535)
    .optional()
    .describe('UDP port of an isolated network; a free one when not given'),
  environment: z
    .record(z.string().regex(/^[A-Za-z_]\w*$/), z.union([z.string(), z.number(), z.boolean()]))
    .default({})
    .describe('environment variables of all stages, with the text they have here, over those of the network'),
  directory: z
    .string()
    .min(1)
    .default('.')
    .describe(
      'folder in which the stages run, from the folder of the file; relative paths in options start there',
    ),
  runtime: seconds.optional().describe('seconds from the first object on after which the chain ends'),
  'ready-timeout': seconds
    .default(30)
    .describe(
      'seconds in which all stages must be ready; when one that is not essential is late, the others have as long again',
    ),
  'stop-timeout': seconds
    .default(30)
    .describe('seconds in which what is under way must arrive at the end, and each stage must have ended'),
  stages: z.array(stageSchema).min(1).max(200).describe('the stages, in any order'),
});

/** A pipeline file that has the right shape, with its defaults. */
export type PipelineFile = z.infer<typeof pipelineSchema>;
/** One stage of it. */
export type StageEntry = PipelineFile['stages'][number];

/** Names in a key that takes one or several. */
export function namesOf(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === 'string' ? [value] : value;
}
