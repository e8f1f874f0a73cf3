/** The graph of a chain: which stage's objects go to which, in what order stages are started and ended. Pure. */
import type { StageChannels } from './stage-channels.ts';

/** A stage as the graph sees it. */
export interface FlowStage {
  readonly name: string;
  readonly channels: StageChannels;
  readonly after: readonly string[];
}

/** A channel between two stages. */
export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly channel: string;
  /** Values beside the objects, which are not in the ledger. */
  readonly metadata: boolean;
}

/** All channels that join two stages. */
export function edgesOf(stages: readonly FlowStage[]): Edge[] {
  const edges: Edge[] = [];
  for (const from of stages) {
    const outputs = new Set(from.channels.members.flatMap((m) => m.outputs));
    const ofProcessors = new Set(from.channels.processorOutputs);
    const beside = new Set([...from.channels.metadataOutputs, ...ofProcessors]);
    for (const to of stages) {
      const inputs = new Set(to.channels.members.flatMap((m) => m.inputs));
      const add = (channel: string, metadata: boolean): void =>
        void edges.push({ from: from.name, to: to.name, channel, metadata });
      for (const channel of inputs)
        if (outputs.has(channel) || ofProcessors.has(channel)) add(channel, false);
      for (const channel of to.channels.metadata)
        if (beside.has(channel) || outputs.has(channel)) add(channel, true);
    }
  }
  return edges;
}

type Follows = (name: string) => readonly string[];

/** A way from a stage back to itself, with that stage at both ends; undefined if there is none. */
export function cycleIn(names: readonly string[], follows: Follows): string[] | undefined {
  const done = new Set<string>();
  const way: string[] = [];
  const visit = (name: string): string[] | undefined => {
    const at = way.indexOf(name);
    if (at >= 0) return [...way.slice(at), name];
    if (done.has(name)) return undefined;
    way.push(name);
    for (const next of follows(name)) {
      const found = visit(next);
      if (found) return found;
    }
    way.pop();
    done.add(name);
    return undefined;
  };
  for (const name of names) {
    const found = visit(name);
    if (found) return found;
  }
  return undefined;
}

/** Stages before those they send to; otherwise in the given order. There must be no cycle. */
export function flowOrder(names: readonly string[], edges: readonly Edge[]): string[] {
  const order: string[] = [];
  const visit = (name: string): void => {
    if (order.includes(name)) return;
    for (const edge of edges) if (edge.to === name) visit(edge.from);
    order.push(name);
  };
  for (const name of names) visit(name);
  return order;
}

/**
 * Who waits for an object must be there before it is sent: stages start against the flow, the sources last, unless
 * `after` says otherwise.
 */
export function startOrder(stages: readonly FlowStage[], edges: readonly Edge[]): string[] {
  const names = stages.map(({ name }) => name);
  const wanted = flowOrder(names, edges).reverse();
  const order: string[] = [];
  const visit = (name: string): void => {
    if (order.includes(name)) return;
    for (const before of stages.find((stage) => stage.name === name)?.after ?? []) visit(before);
    order.push(name);
  };
  for (const name of wanted) visit(name);
  return order;
}
