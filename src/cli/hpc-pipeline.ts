/** The command `hpc-pipeline`: a file to a plan, a plan to commands on paper (`--dry-run`) or to a running chain. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROCESSORS } from '../../processors/registry.ts';
import { UserError } from '../errors.ts';
import { freeUdpPort } from '../free-udp-port.ts';
import { Chain } from '../pipeline-file/chain.ts';
import { ledgerText } from '../pipeline-file/chain-text.ts';
import { shellLine, shellQuoted } from '../pipeline-file/command-line.ts';
import { pipelineJsonSchema } from '../pipeline-file/json-schema.ts';
import {
  chainEnvironment,
  clientEnvironment,
  foreignSettings,
  stageEnvironment,
} from '../pipeline-file/network.ts';
import { type Plan, type PlannedStage, planPipeline } from '../pipeline-file/plan.ts';
import { VERSION } from '../version.ts';
import { CommandExit } from './command-exit.ts';
import { parseTool } from './getopt.ts';
import { type HpcPipelineOptions, hpcPipelineCommand } from './hpc-pipeline-options.ts';
import { PipelineView } from './pipeline-view.ts';
import { EXIT, runMain } from './run-main.ts';
import { STAGE_COMMAND_SPECS } from './stage-commands.ts';

/** A pipeline file is written by hand. */
const MAX_FILE_BYTES = 1_000_000;
/** Frames a second from which a simulator needs time to get warm. */
const FAST = 2000;

function refuse(message: string): never {
  throw new CommandExit(EXIT.usage, {
    stderr: `hpc-pipeline: error: ${message} ('hpc-pipeline -h' for help.)\n`,
  });
}

function parse(argv: readonly string[]): {
  readonly action: string;
  readonly file: string;
  readonly options: HpcPipelineOptions;
} {
  try {
    const { options, operands } = parseTool(hpcPipelineCommand, argv, VERSION);
    const [action = '', file = '', ...rest] = operands;
    if (!['run', 'check', 'schema'].includes(action))
      refuse(`unknown action '${action}'; it is run, check or schema`);
    if (action === 'schema' ? file !== '' : file === '')
      refuse(action === 'schema' ? "'schema' takes no file" : `no file given: hpc-pipeline ${action} FILE`);
    if (rest.length > 0) refuse(`one file at a time, not also ${rest.join(' ')}`);
    return { action, file, options };
  } catch (error) {
    // The parser of the tools of EPICS base ends with 1 for every mistake; here wrong usage is 2.
    if (error instanceof CommandExit && error.exitCode === EXIT.error)
      throw new CommandExit(EXIT.usage, { stderr: `hpc-pipeline: error: ${error.stderr}` });
    throw error;
  }
}

function readPlan(file: string, options: HpcPipelineOptions): Plan {
  const set = variables(options.set);
  let text: string;
  try {
    const { size } = statSync(file);
    if (size > MAX_FILE_BYTES)
      throw new UserError(
        'HPC_PIPELINE',
        `'${file}' has ${size} bytes; a pipeline file has ${MAX_FILE_BYTES} at most`,
      );
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(
      'HPC_PIPELINE',
      `cannot read the pipeline file '${file}': ${(error as Error).message}`,
    );
  }
  const result = planPipeline(text, {
    commands: STAGE_COMMAND_SPECS,
    variables: { set, environment: process.env },
    processors: Object.keys(PROCESSORS),
    exists: (folder, path) => existsSync(resolve(dirname(file), folder, path)),
  });
  if (result.plan) return result.plan;
  const lines = result.problems.map(({ line, column, message }) => `${file}:${line}:${column}: ${message}\n`);
  const count = lines.length === 1 ? '1 mistake' : `${lines.length} mistakes`;
  throw new CommandExit(EXIT.error, {
    stderr: `${lines.join('')}hpc-pipeline: error: ${count} in '${file}' (HPC_PIPELINE)\n`,
  });
}

function variables(given: readonly string[]): Map<string, string> {
  return new Map(
    given.map((text) => {
      const equals = text.indexOf('=');
      if (!/^[A-Za-z_]\w*=/.test(text)) refuse(`--set '${text}': give it as name=value`);
      return [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
}

/** The script of a command of this package, seen from the bundles. */
function script(command: string): string {
  return fileURLToPath(new URL(`../../bin/${command}.js`, import.meta.url));
}

/** Arguments of a stage that is told when to publish. */
function supervisedArguments(stage: PlannedStage): string[] {
  const { command, options } = stage;
  if (command !== 'ad-sim-server' || options.has('start-delay')) return options.argv();
  const rate = options.number('frame-rate') ?? 0;
  return [...options.argv(), '--start-delay', rate <= 0 || rate >= FAST ? '1' : '0'];
}

function folderOf(file: string, plan: Plan): string {
  const directory = resolve(dirname(file), plan.file.directory);
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory())
    throw new UserError(
      'HPC_PIPELINE',
      `directory '${plan.file.directory}' of '${file}': there is no folder ${directory}`,
    );
  return directory;
}

function printCommands(plan: Plan, directory: string, environment: Readonly<Record<string, string>>): void {
  const here = relative(process.cwd(), directory) === '';
  const unset = foreignSettings(plan.file, process.env, environment);
  for (const name of plan.start) {
    const stage = plan.stages.find((s) => s.name === name) as PlannedStage;
    const program = ['node', script(stage.command)];
    process.stdout.write(
      `${shellLine(stage, { directory: here ? undefined : directory, environment, unset, program })}\n`,
    );
  }
}

async function run(file: string, options: HpcPipelineOptions, signal: AbortSignal): Promise<number> {
  const plan = readPlan(file, options);
  const directory = folderOf(file, plan);
  const isolated = plan.file.network === 'isolated';
  const port = isolated ? (plan.file['broadcast-port'] ?? (await freeUdpPort())) : 0;
  const environment = chainEnvironment(plan.file, port);
  if (options.dryRun) {
    printCommands(plan, directory, environment);
    return EXIT.ok;
  }
  const { reportPeriod, quiet } = options;
  const view = await PipelineView.open({
    names: plan.stages.map(({ name }) => name),
    reportPeriod,
    quiet,
  });
  const chain = new Chain({
    plan,
    directory,
    environment: stageEnvironment(plan.file, process.env, environment),
    command: (stage) => [process.execPath, script(stage.command), ...supervisedArguments(stage)],
    onLine: (stage, line) => view.line(stage, line),
    onEvent: (text) => view.event(text),
  });
  process.once('exit', () => chain.kill());
  const { name, description } = plan.file;
  view.event(`${name}: ${description ?? plan.stages.map((stage) => stage.name).join(', ')}`);
  if (isolated)
    view.event(
      `to look into it from another terminal: export ${Object.entries(clientEnvironment(environment))
        .map(([key, value]) => `${key}=${shellQuoted(value)}`)
        .join(' ')}`,
    );
  signal.addEventListener('abort', () => view.event('ending in order; once more ends at once'), {
    once: true,
  });
  view.watch(chain);
  const { ledger, exitCode } = await chain.run(signal);
  view.end(chain);
  process.stdout.write(`${ledgerText(name, ledger)}\n`);
  if (exitCode !== 0) return exitCode;
  if (ledger.verdict === 'UNBALANCED') return EXIT.error;
  return options.failOnLoss && (ledger.lost > 0 || ledger.verdict === 'incomplete') ? EXIT.loss : EXIT.ok;
}

function check(file: string, options: HpcPipelineOptions): number {
  const plan = readPlan(file, options);
  folderOf(file, plan);
  process.stdout.write(
    `${file}: ${plan.file.name}: ${plan.stages.length} stages, started in the order ${plan.start.join(', ')}\n`,
  );
  return EXIT.ok;
}

void runMain('hpc-pipeline', async ({ argv, signal }) => {
  const { action, file, options } = parse(argv);
  if (action === 'run') return run(file, options, signal);
  if (action === 'check') return check(file, options);
  process.stdout.write(`${JSON.stringify(pipelineJsonSchema(STAGE_COMMAND_SPECS), undefined, 2)}\n`);
  return EXIT.ok;
});
