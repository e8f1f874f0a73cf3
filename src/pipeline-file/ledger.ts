/**
 * The ledger of a chain: what each stage did with what it received, and whether what one stage published arrived at
 * the next. Pure figures; an object that is in none of the columns is a fault, and the verdict says so.
 */
import type { PlannedStage } from './plan.ts';
import type { Member } from './stage-channels.ts';
import { type MemberFigures, NO_FIGURES } from './stage-messages.ts';

/** What is known of a stage's counters. */
export interface StageFigures {
  /** By member id; of a member that never answered nothing is known. */
  readonly members: ReadonlyMap<number, MemberFigures>;
  /** Times it, or its predecessor, died: what it held then is not in the figures. */
  readonly deaths: number;
}

/** A stage's line. Objects; an initial update of a connection is one if the stage takes it as one. */
export interface StageLine {
  readonly name: string;
  readonly isSource: boolean;
  readonly received: number;
  readonly processed: number;
  readonly errors: number;
  readonly rejected: number;
  /** Left out on purpose. */
  readonly skipped: number;
  readonly queued: number;
  readonly missed: number;
  readonly published: number;
  readonly publishErrors: number;
}

/** A channel between stages, and those who share or all read what is published on it. */
export interface LinkLine {
  readonly from: string;
  readonly to: readonly string[];
  readonly channels: readonly string[];
  readonly published: number;
  readonly received: number;
  /** Negative if more arrived than was published. */
  readonly lost: number;
  /** Arrived, and failed there, of which the sender was told (output modes `pva` and `rpc`): errors of both stages. */
  readonly failed: number;
}

/** How the ledger ended. */
export type Verdict = 'balanced' | 'incomplete' | 'UNBALANCED';

export interface Ledger {
  readonly stages: readonly StageLine[];
  readonly links: readonly LinkLine[];
  /** Objects lost, wherever. */
  readonly lost: number;
  readonly verdict: Verdict;
  /** Why it is not balanced. */
  readonly reasons: readonly string[];
  /** Everything published has arrived and nothing is under way. */
  readonly settled: boolean;
}

export type FiguresOf = (stage: string) => StageFigures;

export function ledgerOf(stages: readonly PlannedStage[], figuresOf: FiguresOf): Ledger {
  const lines = stages.map((stage) => stageLine(stage, figuresOf(stage.name)));
  const links = linkLines(stages, figuresOf);
  const deaths = stages.flatMap(({ name }) => deathsOf(name, figuresOf(name)));
  const wrong = [
    ...stages.flatMap((s, i) => stageFault(s, lines[i] as StageLine)),
    ...links.flatMap(linkFault),
  ];
  const lost =
    links.reduce((n, link) => n + Math.max(0, link.lost) - link.failed, 0) +
    lines.reduce(
      (n, s) => n + s.errors + s.rejected + s.queued + s.publishErrors + (s.isSource ? s.missed : 0),
      0,
    );
  return {
    stages: lines,
    links,
    lost,
    verdict: deaths.length > 0 ? 'incomplete' : wrong.length > 0 ? 'UNBALANCED' : 'balanced',
    reasons: deaths.length > 0 ? deaths : wrong,
    settled:
      wrong.length === 0 && links.every((link) => link.lost <= 0) && lines.every((s) => s.queued === 0),
  };
}

function deathsOf(name: string, { deaths, members }: StageFigures): string[] {
  const said = (who: string, times: number): string[] =>
    times > 0 ? [`${who} died ${times} time(s): what it held is not known`] : [];
  return [
    ...said(name, deaths),
    ...[...members].flatMap(([id, member]) => said(`consumer ${id} of ${name}`, member.deaths)),
  ];
}

function figures(of: StageFigures, member: Member): Omit<MemberFigures, 'id'> {
  return of.members.get(member.id) ?? NO_FIGURES;
}

function stageLine(stage: PlannedStage, of: StageFigures): StageLine {
  const { members } = stage.channels;
  const sum = (read: (member: Member) => number): number =>
    members.reduce((n, member) => n + read(member), 0);
  return {
    name: stage.name,
    isSource: stage.isSource,
    received: sum((member) => figures(of, member).received + figures(of, member).initial),
    processed: sum((member) => figures(of, member).processed),
    errors: sum((member) => figures(of, member).errors),
    rejected: sum((member) => figures(of, member).rejected),
    skipped: sum((member) => figures(of, member).skipped),
    queued: sum((member) => figures(of, member).queued),
    missed: sum((member) => figures(of, member).missed),
    published: sum((member) => figures(of, member).published),
    publishErrors: sum((member) => figures(of, member).publishErrors),
  };
}

function stageFault(stage: PlannedStage, line: StageLine): string[] {
  const { name, received, processed, errors, rejected, skipped, queued } = line;
  const known = processed + errors + rejected + skipped + queued;
  if (stage.command === 'ad-sim-server' || received === known) return [];
  const left = skipped > 0 ? ` + skipped ${skipped}` : '';
  return [
    `${name}: received ${received} is not processed ${processed} + errors ${errors} + rejected ${rejected}${left} + queued ${queued}`,
  ];
}

function linkFault(link: LinkLine): string[] {
  if (link.lost >= 0) return [];
  return [`${link.from} -> ${link.to.join(', ')}: ${link.received} arrived of ${link.published} published`];
}

/** What came out on a channel. */
interface Published {
  readonly from: string;
  readonly count: number;
  /** Objects sent that the other side did not acknowledge, whether they arrived or not. */
  readonly refused: number;
}

/** One reader of a channel. */
interface Reader {
  readonly stage: PlannedStage;
  readonly member: Member;
}

function linkLines(stages: readonly PlannedStage[], figuresOf: FiguresOf): LinkLine[] {
  const published = new Map<string, Published>();
  for (const stage of stages) {
    const of = figuresOf(stage.name);
    const hearsErrors = stage.command === 'hpc-consumer' && stage.options.text('output-mode') !== 'pvas';
    for (const member of stage.channels.members)
      for (const channel of member.outputs)
        published.set(channel, {
          from: stage.name,
          count: figures(of, member).published,
          refused: hearsErrors ? figures(of, member).publishErrors : 0,
        });
  }
  const groups = new Map<string, Reader[]>();
  for (const stage of stages)
    for (const member of stage.channels.members) {
      if (member.inputs.length === 0 || !member.inputs.every((channel) => published.has(channel))) continue;
      // Monitors that share by a request of the user's own cannot be told from those that all get everything.
      if (member.monitors > 1) continue;
      const key = groupKey(stage, member);
      groups.set(key, [...(groups.get(key) ?? []), { stage, member }]);
    }
  return [...groups.values()].map((readers) => linkLine(readers, published, figuresOf));
}

/** Readers with the same key share one stream; others receive all of it. */
function groupKey(stage: PlannedStage, member: Member): string {
  const option = (name: string): string => stage.options.text(`distributor-${name}`) ?? '';
  const shares =
    stage.command === 'hpc-consumer' &&
    ['group', 'set', 'trigger', 'updates'].some((name) => option(name) !== '');
  return shares
    ? JSON.stringify([member.inputs, option('group')])
    : JSON.stringify([stage.name, member.id, member.inputs]);
}

function linkLine(
  readers: readonly Reader[],
  published: ReadonlyMap<string, Published>,
  figuresOf: FiguresOf,
): LinkLine {
  const channels = readers[0]?.member.inputs ?? [];
  const sources = channels.flatMap((channel) => published.get(channel) ?? []);
  const total = sources.reduce((n, { count }) => n + count, 0);
  const sets = new Map<string, number[]>();
  for (const [i, { stage, member }] of readers.entries()) {
    // All of a set receive the same; without a set each object goes to one of them.
    const set = readers.length > 1 ? (stage.options.text('distributor-set') ?? '') : '';
    const key = set === '' ? `alone ${i}` : set;
    sets.set(key, [...(sets.get(key) ?? []), figures(figuresOf(stage.name), member).received]);
  }
  const most = (counts: readonly number[]): number => Math.max(...counts);
  const arrived = [...sets.values()].reduce((n, counts) => n + most(counts), 0);
  const inSets = [...sets.values()].reduce((n, all) => n + all.reduce((m, one) => m + most(all) - one, 0), 0);
  const refused = sources.reduce((n, source) => n + source.refused, 0);
  const failed = Math.min(refused, Math.max(0, arrived - inSets - total));
  return {
    from: [...new Set(sources.map(({ from }) => from))].join(', '),
    to: [...new Set(readers.map(({ stage }) => stage.name))],
    channels,
    published: total,
    received: arrived,
    lost: total - arrived + inSets + failed,
    failed,
  };
}
