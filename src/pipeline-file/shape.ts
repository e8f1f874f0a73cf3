/** From plain data to a PipelineFile: what does not fit the schema becomes one line each, with its place. */
import type { z } from 'zod';
import { didYouMean, nearestName, type Problems, shown } from './problems.ts';
import { type PipelineFile, pipelineSchema, type StageEntry, stageSchema } from './schema.ts';
import type { Path, YamlText } from './yaml-text.ts';

/** A stage that has the right shape, and where it stands in the list. */
export interface ShapedStage {
  readonly entry: StageEntry;
  readonly index: number;
}

/** What of a file has the right shape. */
export interface Shaped {
  /** Undefined if anything is wrong anywhere. */
  readonly file: PipelineFile | undefined;
  /** Good stages also of a file that is wrong, so that the rest can be checked. */
  readonly stages: readonly ShapedStage[];
  /** Names of all stages, good or not. */
  readonly names: readonly string[];
}

export function shapeOf(data: unknown, yaml: YamlText, problems: Problems): Shaped {
  const whole = pipelineSchema.safeParse(data, { reportInput: true });
  const raw = rawStages(data);
  if (!whole.success) for (const issue of whole.error.issues) report(issue, raw, yaml, problems);
  return {
    file: whole.data && { ...whole.data, environment: environmentTexts(whole.data, yaml) },
    stages: raw.flatMap((stage, index) => {
      const { data: entry } = stageSchema.safeParse(stage);
      return entry ? [{ entry, index }] : [];
    }),
    names: raw.flatMap((_, index) => rawName(raw, index) ?? []),
  };
}

/** A variable of the environment is text: what YAML takes for a number or a word is meant as it is written (`05075`). */
function environmentTexts({ environment }: PipelineFile, yaml: YamlText): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => {
      const text = typeof value === 'string' ? value : yaml.sourceOf(['environment', name]);
      return [name, text ?? String(value)];
    }),
  );
}

function rawStages(data: unknown): readonly unknown[] {
  const stages: unknown = typeof data === 'object' && data !== null ? Reflect.get(data, 'stages') : undefined;
  return Array.isArray(stages) ? stages : [];
}

function rawName(stages: readonly unknown[], index: number): string | undefined {
  const stage = stages[index];
  const name: unknown = typeof stage === 'object' && stage !== null ? Reflect.get(stage, 'name') : undefined;
  return typeof name === 'string' ? name : undefined;
}

function report(issue: z.core.$ZodIssue, raw: readonly unknown[], yaml: YamlText, problems: Problems): void {
  const path = issue.path.filter((key) => typeof key !== 'symbol') as Path;
  const inStage = path[0] === 'stages' && typeof path[1] === 'number' ? path[1] : undefined;
  const name = inStage === undefined ? undefined : rawName(raw, inStage);
  const who =
    inStage === undefined
      ? ''
      : name === undefined
        ? `stage ${inStage + 1} of the list: `
        : `stage '${name}': `;
  const key = path.slice(inStage === undefined ? 0 : 2).join('.');
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys((inStage === undefined ? pipelineSchema : stageSchema).shape);
    for (const unknown of issue.keys)
      problems.add(
        yaml.keyPositionOf([...path, unknown]),
        `${who}there is no key '${unknown}'${didYouMean(unknown, known)}`,
      );
    return;
  }
  const missing = issue.input === undefined && key !== '';
  const what = missing ? `the key '${key}' is missing` : `${key === '' ? '' : `${key}: `}${reasonOf(issue)}`;
  problems.add(yaml.positionOf(path), `${who}${what}`);
}

function reasonOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value') {
    const words = issue.values.map(String);
    const meant = typeof issue.input === 'string' ? nearestName(issue.input, words) : undefined;
    const hint = meant === undefined ? '' : `; did you mean '${meant}'?`;
    return `${shown(issue.input)} is not one of ${words.join(', ')}${hint}`;
  }
  if (issue.code === 'invalid_type') {
    const wanted: Record<string, string> = {
      record: 'a mapping',
      object: 'a mapping',
      array: 'a list',
      int: 'a whole number',
    };
    return `must be ${wanted[issue.expected] ?? `a ${issue.expected}`}, not ${shown(issue.input)}`;
  }
  if (issue.code === 'invalid_union') return `must be a name, or a list of names, not ${shown(issue.input)}`;
  return issue.message.charAt(0).toLowerCase() + issue.message.slice(1);
}
