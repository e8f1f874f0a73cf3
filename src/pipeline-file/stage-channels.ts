/**
 * The channels of a stage, from its options: what it reads, what it serves, and where its objects come out. The rules
 * of names are those of the commands themselves (pipeline/channel-names.ts, mirror/channel-map.ts).
 */
import { parseMetadataChannels } from '../input/metadata-channel.ts';
import { parseChannelMap } from '../mirror/channel-map.ts';
import { allChannelNames, collectorChannelNames } from '../pipeline/channel-names.ts';
import { consumerIds, producerIds } from '../pipeline/consumer-ids.ts';
import { formatId } from '../pipeline/id-format.ts';
import type { StageOptions } from './option-values.ts';
import type { StageCommand } from './schema.ts';

/** One consumer of a stage, one channel of a mirror server, or the whole of another stage. */
export interface Member {
  readonly id: number;
  /** Channels objects are read from. */
  readonly inputs: readonly string[];
  /** Monitors of each of them. */
  readonly monitors: number;
  /** Channels objects are published on. */
  readonly outputs: readonly string[];
}

/** All channels of a stage. */
export interface StageChannels {
  readonly members: readonly Member[];
  /** Channels values are read from that go along with objects. */
  readonly metadata: readonly string[];
  /** Channels published beside the objects. */
  readonly metadataOutputs: readonly string[];
  /** Channels that its processors serve beside their output: how often they publish there is not in the ledger. */
  readonly processorOutputs: readonly string[];
  /** Channels of this stage's servers. */
  readonly served: readonly string[];
  /** Whether others put objects into this stage, which serves its input channel. */
  readonly servesInput: boolean;
}

const NONE = { metadata: [], metadataOutputs: [], processorOutputs: [], servesInput: false } as const;

/** The commands that run a processor. */
export function runsProcessor(command: StageCommand): boolean {
  return command === 'hpc-consumer' || command === 'hpc-collector';
}

/**
 * @param serves names of further channels that the processor of the stage serves; `*` is the id
 * @throws UserError for names and ids that cannot be
 */
export function stageChannels(
  command: StageCommand,
  options: StageOptions,
  serves: readonly string[] = [],
): StageChannels {
  switch (command) {
    case 'ad-sim-server':
      return simulatorChannels(options);
    case 'mirror-server':
      return mirrorChannels(options);
    case 'hpc-consumer':
      return withProcessorOutputs(consumerChannels(options), options, serves);
    case 'hpc-collector':
      return withProcessorOutputs(collectorChannels(options), options, serves);
  }
}

/** What the processor of each member serves: what is known of ready-made ones, and what the file says. */
function withProcessorOutputs(
  channels: StageChannels,
  options: StageOptions,
  serves: readonly string[],
): StageChannels {
  const isReadyMade = options.text('processor-file') === undefined;
  const hasStatistics = isReadyMade && options.text('processor-class') === 'ImageStatisticsProcessor';
  const processorOutputs = channels.members.flatMap(({ id, outputs }) => {
    const known = hasStatistics ? outputs.map((output) => `${output}:statistics`) : [];
    const formatted = formatId(id, options.text('id-format-spec'));
    const named = serves.map((name) => name.replaceAll('*', () => formatted));
    return [...new Set([...known, ...named])];
  });
  return { ...channels, processorOutputs, served: [...channels.served, ...processorOutputs] };
}

function names(...all: readonly (string | undefined)[]): string[] {
  return all.filter((name) => name !== undefined && name !== '') as string[];
}

function listed(text: string | undefined): string[] {
  return names(...(text ?? '').split(',').map((item) => item.trim()));
}

function simulatorChannels(options: StageOptions): StageChannels {
  const outputs = listed(options.text('channel-name'));
  const metadataOutputs = listed(options.text('metadata-pv')).map((name) => name.replace(/^pva:\/\//, ''));
  return {
    ...NONE,
    members: [{ id: 0, inputs: [], monitors: 0, outputs }],
    metadataOutputs,
    served: [...outputs, ...metadataOutputs],
  };
}

function mirrorChannels(options: StageOptions): StageChannels {
  const map = parseChannelMap(options.text('channel-map') ?? '');
  return {
    ...NONE,
    members: map.map(({ mirror, source, nMonitors }, id) => {
      return { id, inputs: [source], monitors: nMonitors, outputs: [mirror] };
    }),
    served: [
      ...map.map(({ mirror }) => mirror),
      ...names(options.text('status-channel'), options.text('control-channel')),
    ],
  };
}

/** The ids of a stage of consumers. @throws UserError */
export function idsOfConsumers(options: StageOptions): number[] {
  return consumerIds({
    consumerId: options.number('consumer-id') ?? 1,
    nConsumers: options.number('n-consumers') ?? 1,
    consumerIdList: options.text('consumer-id-list'),
  });
}

function nameOptions(options: StageOptions) {
  return {
    inputChannel: options.text('input-channel') ?? '',
    outputChannel: options.text('output-channel'),
    statusChannel: options.text('status-channel'),
    controlChannel: options.text('control-channel'),
    idFormatSpec: options.text('id-format-spec'),
  };
}

function consumerChannels(options: StageOptions): StageChannels {
  const servesInput = options.text('input-mode') !== 'pva';
  const servesOutput = options.text('output-mode') === 'pvas';
  const all = allChannelNames(nameOptions(options), idsOfConsumers(options), { servesInput, servesOutput });
  const system = options.text('system-status-channel');
  return {
    members: [...all].map(([id, { inputChannel, outputChannel }]) => ({
      id,
      inputs: [inputChannel],
      monitors: 1,
      outputs: names(outputChannel),
    })),
    metadata: parseMetadataChannels(options.text('metadata-channels') ?? ''),
    metadataOutputs: [],
    processorOutputs: [],
    served: [
      ...[...all.values()].flatMap((c) =>
        names(
          c.statusChannel,
          c.controlChannel,
          servesInput ? c.inputChannel : undefined,
          servesOutput ? c.outputChannel : undefined,
        ),
      ),
      ...names(system === '_' ? 'pvapy:consumer:system:status' : system),
    ],
    servesInput,
  };
}

function collectorChannels(options: StageOptions): StageChannels {
  const id = options.number('collector-id') ?? 1;
  const channels = collectorChannelNames(
    nameOptions(options),
    id,
    producerIds(options.text('producer-id-list') ?? ''),
  );
  const outputs = names(channels.outputChannel);
  return {
    ...NONE,
    members: [
      {
        id,
        inputs: [...channels.producers.values()],
        monitors: 1,
        outputs,
      },
    ],
    metadata: parseMetadataChannels(options.text('metadata-channels') ?? ''),
    served: [...outputs, ...names(channels.statusChannel, channels.controlChannel)],
  };
}
