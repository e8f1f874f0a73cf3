/**
 * From the text of a pipeline file to a plan that can be run, or to all that is wrong with it. No process, no
 * network, no file: everything here can be tried without starting anything.
 */
import type { CommandSpec } from '../cli/option-table.ts';
import { UserError } from '../errors.ts';
import { cycleIn, type Edge, edgesOf, flowOrder, startOrder } from './flow.ts';
import { checkOptions, type StageOptions } from './option-values.ts';
import { didYouMean, type Problem, Problems } from './problems.ts';
import { namesOf, type PipelineFile, type StageCommand, type StageEntry } from './schema.ts';
import { type Shaped, shapeOf } from './shape.ts';
import { runsProcessor, type StageChannels, stageChannels } from './stage-channels.ts';
import { WiringError, wire } from './wiring.ts';
import { type Path, type Variables, YamlText } from './yaml-text.ts';

/** A stage of a plan. */
export interface PlannedStage {
  readonly name: string;
  readonly command: StageCommand;
  readonly options: StageOptions;
  readonly channels: StageChannels;
  readonly after: readonly string[];
  readonly ready: StageEntry['ready'];
  readonly restart: StageEntry['restart'];
  readonly maxRestarts: number;
  readonly essential: boolean;
  /** Nothing of this chain comes before it. */
  readonly isSource: boolean;
}

/** A chain that can be run. */
export interface Plan {
  readonly file: PipelineFile;
  /** In flow order: a stage before those it sends to. */
  readonly stages: readonly PlannedStage[];
  readonly edges: readonly Edge[];
  /** Names in the order in which stages are started. */
  readonly start: readonly string[];
}

export interface PlanOptions {
  readonly commands: Readonly<Record<StageCommand, CommandSpec>>;
  readonly variables: Variables;
  /** Names of ready-made processors; any name is taken when undefined. */
  readonly processors?: readonly string[];
  /** Is there this file in the chain's folder (as the file gives it)? Any is taken when undefined. */
  readonly exists?: (folder: string, file: string) => boolean;
}

/** A plan, or the mistakes that prevent one. */
export type PlanResult =
  | { readonly plan: Plan; readonly problems?: undefined }
  | { readonly plan?: undefined; readonly problems: readonly Problem[] };

export function planPipeline(text: string, options: PlanOptions): PlanResult {
  const problems = new Problems();
  const yaml = new YamlText(text, problems);
  // What follows a mistake in the syntax is guesswork.
  if (problems.any) return { problems: problems.list };
  yaml.substitute(options.variables, problems);
  const data = yaml.toData(problems);
  if (data === undefined) return { problems: problems.list };
  const shaped = shapeOf(data, yaml, problems);
  const plan = new Planner(shaped, options, yaml, problems).plan();
  return plan && !problems.any ? { plan } : { problems: problems.list };
}

/** A stage on its way to a PlannedStage. */
interface Draft {
  readonly entry: StageEntry;
  readonly path: Path;
  readonly options: StageOptions;
  readonly inputs: readonly string[];
  readonly after: readonly string[];
  channels: StageChannels | undefined;
  /** Something is wrong with it that was said; what follows from it is not. */
  broken: boolean;
}

class Planner {
  private readonly shaped: Shaped;
  private readonly yaml: YamlText;
  private readonly problems: Problems;
  private readonly drafts = new Map<string, Draft>();

  constructor(shaped: Shaped, options: PlanOptions, yaml: YamlText, problems: Problems) {
    this.shaped = shaped;
    this.yaml = yaml;
    this.problems = problems;
    for (const { entry, index } of shaped.stages) {
      const path: Path = ['stages', index];
      if (this.drafts.has(entry.name)) {
        problems.add(yaml.positionOf([...path, 'name']), `two stages have the name '${entry.name}'`);
        continue;
      }
      const before = problems.list.length;
      const stage = { yaml, path: [...path, 'options'], stage: entry.name, problems };
      const checked = checkOptions(options.commands[entry.command], entry.options, stage);
      // A line for each frame is no help among the lines of others.
      if (entry.command === 'ad-sim-server') checked.setDefault('report-period', '0');
      if (entry.command !== 'ad-sim-server')
        this.checkProcessor(checked, [...path, 'options'], entry.name, options);
      const inputs = this.references(entry.input, [...path, 'input'], entry.name);
      const after = this.references(entry.after, [...path, 'after'], entry.name);
      if (entry.serves !== undefined && !runsProcessor(entry.command))
        problems.add(
          yaml.positionOf([...path, 'serves']),
          `stage '${entry.name}': serves: ${entry.command} runs no processor that could serve channels`,
        );
      const broken = problems.list.length > before;
      this.drafts.set(entry.name, {
        entry,
        path,
        options: checked,
        inputs,
        after,
        channels: undefined,
        broken,
      });
    }
  }

  /** What would only be found out when the stage starts. */
  private checkProcessor(checked: StageOptions, path: Path, stage: string, options: PlanOptions): void {
    const { processors, exists } = options;
    const file = checked.text('processor-file');
    const name = checked.text('processor-class');
    const folder = this.shaped.file?.directory ?? '.';
    if (file !== undefined && exists?.(folder, file) === false)
      this.problems.add(
        this.yaml.positionOf([...path, 'processor-file']),
        `stage '${stage}': option 'processor-file': there is no file '${file}' in the chain's folder`,
      );
    if (file === undefined && name !== undefined && processors?.includes(name) === false)
      this.problems.add(
        this.yaml.positionOf([...path, 'processor-class']),
        `stage '${stage}': option 'processor-class': there is no ready-made processor '${name}', and no 'processor-file' is given${didYouMean(name, processors)}`,
      );
  }

  plan(): Plan | undefined {
    if (this.cycle('input', ({ inputs }) => inputs) || this.cycle('after', ({ after }) => after))
      return undefined;
    for (const draft of this.drafts.values()) this.connect(draft);
    this.refuseSharedChannels();
    const drafts = [...this.drafts.values()];
    const flowing = drafts.flatMap(({ entry, after, channels }) =>
      channels ? [{ name: entry.name, after, channels }] : [],
    );
    const edges = edgesOf(flowing);
    if (this.channelCycle(edges)) return undefined;
    this.refuseUnservedChannels();
    const { file } = this.shaped;
    if (!file || this.problems.any) return undefined;
    const names = flowOrder(
      flowing.map(({ name }) => name),
      edges,
    );
    return {
      file,
      stages: names.map((name) => planned(this.drafts.get(name) as Draft, edges)),
      edges,
      start: startOrder(flowing, edges),
    };
  }

  private at(draft: Draft, key: string): { line: number; column: number } {
    return this.yaml.positionOf([...draft.path, key]);
  }

  /** Names of stages that exist. */
  private references(value: StageEntry['input'], path: Path, stage: string): string[] {
    const known = this.shaped.names;
    const key = String(path.at(-1));
    return namesOf(value).filter((name, i, all) => {
      const at = this.yaml.positionOf(typeof value === 'string' ? path : [...path, i]);
      if (!known.includes(name))
        this.problems.add(
          at,
          `stage '${stage}': ${key}: there is no stage '${name}'${didYouMean(name, known)}`,
        );
      else if (all.indexOf(name) !== i)
        this.problems.add(at, `stage '${stage}': ${key}: '${name}' is given twice`);
      else return true;
      return false;
    });
  }

  private cycle(key: 'input' | 'after', follows: (draft: Draft) => readonly string[]): boolean {
    const way = cycleIn([...this.drafts.keys()], (name) => {
      const draft = this.drafts.get(name);
      return draft ? follows(draft) : [];
    });
    const first = way && this.drafts.get(way[0] ?? '');
    if (!first) return false;
    const meaning = key === 'input' ? 'objects would go round' : 'each would wait for the other to start';
    this.problems.add(this.at(first, key), `${key}: ${meaning}: ${way.join(' <- ')}`);
    return true;
  }

  private channelCycle(edges: readonly Edge[]): boolean {
    const way = cycleIn([...this.drafts.keys()], (name) =>
      edges.filter(({ from }) => from === name).map(({ to }) => to),
    );
    const first = way && this.drafts.get(way[0] ?? '');
    if (!first) return false;
    this.problems.add(
      this.at(first, 'name'),
      `objects would go round through these channels: ${way.join(' -> ')}`,
    );
    return true;
  }

  /** Wires a stage, after those before it, and finds its channels. */
  private connect(draft: Draft): void {
    if (draft.channels || draft.broken) return;
    const { entry, options, inputs } = draft;
    const before = inputs.flatMap((name) => this.drafts.get(name) ?? []);
    for (const upstream of before) this.connect(upstream);
    const broken = inputs.length > before.length || before.some((upstream) => !upstream.channels);
    if (broken) {
      draft.broken = true;
      return;
    }
    try {
      if (inputs.length > 0)
        wire(
          { command: entry.command, options },
          before.map((d) => ({ ...d.entry, options: d.options, channels: d.channels as StageChannels })),
        );
      const missing = options.missing();
      for (const name of missing)
        this.problems.add(
          this.at(draft, 'name'),
          `stage '${entry.name}': ${entry.command} needs the option '${name}'${name === 'input-channel' ? ", or the key 'input'" : ''}`,
        );
      if (missing.length === 0) draft.channels = stageChannels(entry.command, options, namesOf(entry.serves));
    } catch (error) {
      if (!(error instanceof UserError || error instanceof WiringError)) throw error;
      const key = error instanceof WiringError ? 'input' : 'options';
      this.problems.add(this.at(draft, key), `stage '${entry.name}': ${error.message}`);
    }
    draft.broken = draft.channels === undefined;
  }

  private refuseSharedChannels(): void {
    const owners = new Map<string, string>();
    for (const draft of this.drafts.values())
      for (const channel of draft.channels?.served ?? []) {
        const { name } = draft.entry;
        const owner = owners.get(channel);
        if (owner !== undefined)
          this.problems.add(
            this.at(draft, 'name'),
            owner === name
              ? `stage '${name}' would serve the channel '${channel}' twice`
              : `stages '${owner}' and '${name}' would both serve the channel '${channel}'`,
          );
        owners.set(channel, name);
      }
  }

  /** On a network of its own a chain meets nobody else. */
  private refuseUnservedChannels(): void {
    const { file } = this.shaped;
    if (file?.network !== 'isolated' || file['broadcast-port'] !== undefined) return;
    const drafts = [...this.drafts.values()];
    if (drafts.some(({ channels }) => channels === undefined)) return;
    const served = new Set(drafts.flatMap(({ channels }) => channels?.served ?? []));
    for (const draft of drafts) {
      const { members = [], metadata = [] } = draft.channels ?? {};
      const putInto = draft.entry.command === 'hpc-consumer' && draft.options.text('output-mode') !== 'pvas';
      const needed = members.flatMap(({ inputs, outputs }) => (putInto ? [...inputs, ...outputs] : inputs));
      for (const channel of new Set([...needed, ...metadata]))
        if (!served.has(channel))
          this.problems.add(
            this.at(draft, 'name'),
            `stage '${draft.entry.name}': no stage serves the channel '${channel}'; if the processor of one does, name it there in 'serves'; channels of others need network: environment${didYouMean(channel, [...served])}`,
          );
    }
  }
}

function planned({ entry, options, channels, after }: Draft, edges: readonly Edge[]): PlannedStage {
  const { name, command, ready, restart, essential } = entry;
  return {
    name,
    command,
    options,
    channels: channels as StageChannels,
    after,
    ready,
    restart,
    maxRestarts: entry['max-restarts'],
    essential,
    isSource: !edges.some((edge) => edge.to === name && !edge.metadata),
  };
}
