/** Plans and mistakes of pipeline files that stand in tests. */
import { STAGE_COMMAND_SPECS } from '../../src/cli/stage-commands.ts';
import { type Plan, type PlannedStage, type PlanResult, planPipeline } from '../../src/pipeline-file/plan.ts';

export interface Given {
  readonly set?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
}

export function result(text: string, { set = {}, environment = {} }: Given = {}): PlanResult {
  return planPipeline(text, {
    commands: STAGE_COMMAND_SPECS,
    variables: { set: new Map(Object.entries(set)), environment },
    processors: ['UserDataProcessor', 'RotateProcessor', 'ImageStatisticsProcessor'],
    exists: (folder, file) => `${folder}/${file}` === './there.ts',
  });
}

export function plan(text: string, given?: Given): Plan {
  const found = result(text, given);
  if (!found.plan)
    throw new Error(found.problems.map((p) => `${p.line}:${p.column}: ${p.message}`).join('\n'));
  return found.plan;
}

/** All mistakes, as `LINE:COLUMN: text`. */
export function mistakes(text: string, given?: Given): string[] {
  return (result(text, given).problems ?? []).map((p) => `${p.line}:${p.column}: ${p.message}`);
}

export function stage(of: Plan, name: string): PlannedStage {
  const found = of.stages.find((candidate) => candidate.name === name);
  if (!found) throw new Error(`no stage ${name}`);
  return found;
}

/** The arguments of a stage on one line. */
export function argv(of: Plan, name: string): string {
  return stage(of, name).options.argv().join(' ');
}
