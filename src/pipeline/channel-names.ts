/**
 * The names of a consumer's or collector's channels: `*` and `_` in what the user gave become its id and PvaPy's default
 * names, and no two servers of a run may claim the same name. Rules of PvaPy (systemController.py); the check is ours.
 */
import { UserError } from '../errors.ts';
import { formatId } from './id-format.ts';

/** The names as given on the command line; undefined or empty where there is no such channel. */
export interface ChannelNameOptions {
  readonly inputChannel: string;
  readonly outputChannel?: string | undefined;
  readonly statusChannel?: string | undefined;
  readonly controlChannel?: string | undefined;
  /** Python format specification for the id, such as `03d`. */
  readonly idFormatSpec?: string | undefined;
}

/** The names of one consumer's channels. */
export interface ChannelNames {
  readonly inputChannel: string;
  readonly outputChannel: string | undefined;
  readonly statusChannel: string | undefined;
  readonly controlChannel: string | undefined;
}

const SERVED = ['output', 'status', 'control'] as const;
type ServedRole = (typeof SERVED)[number];
type Role = 'input' | ServedRole;
/** Part of the default names. */
type StageKind = 'consumer' | 'collector';

function refuse(message: string): never {
  throw new UserError('HPC_CHANNEL_NAME', message);
}

function substitute(kind: StageKind, role: Role, name: string, id: string): string {
  const result =
    role !== 'input' && name === '_' ? `pvapy:${kind}:${id}:${role}` : name.replaceAll('*', () => id);
  if (result === '') refuse(`the name of the ${role} channel is empty`);
  if (/\s/.test(result)) refuse(`the name of the ${role} channel, '${result}', contains a blank`);
  return result;
}

function served(kind: StageKind, role: ServedRole, name: string | undefined, id: string): string | undefined {
  return name === undefined || name === '' ? undefined : substitute(kind, role, name, id);
}

/**
 * The channel names of the consumer with this id. Every `*` becomes the id; a name that is just `_` becomes
 * `pvapy:consumer:<id>:output`, `...:status`, `...:control`; it has no meaning for the input channel.
 * @throws UserError `HPC_CHANNEL_NAME` for an empty name, one with blanks, or a bad format specification.
 */
export function channelNames(options: ChannelNameOptions, consumerId: number): ChannelNames {
  const id = formatId(consumerId, options.idFormatSpec);
  return {
    inputChannel: substitute('consumer', 'input', options.inputChannel, id),
    outputChannel: served('consumer', 'output', options.outputChannel, id),
    statusChannel: served('consumer', 'status', options.statusChannel, id),
    controlChannel: served('consumer', 'control', options.controlChannel, id),
  };
}

/** Who serves the channels of a consumer; default the input by others, the output by this process. */
export interface ServedChannels {
  readonly servesInput?: boolean;
  readonly servesOutput?: boolean;
}

/**
 * The channel names of all consumers of a run, by id, after a check that each served name is claimed once only.
 * Sharing a channel that others serve is the normal case.
 * @throws UserError `HPC_CHANNEL_NAME` if two channels get the same name: several consumers with a name without `*`,
 *   two roles of one consumer, or a served name that is also an input channel.
 */
export function allChannelNames(
  options: ChannelNameOptions,
  consumerIds: readonly number[],
  { servesInput = false, servesOutput = true }: ServedChannels = {},
): Map<number, ChannelNames> {
  const all = new Map(consumerIds.map((id) => [id, channelNames(options, id)]));
  const roles: readonly Role[] = [
    ...(servesInput ? (['input'] as const) : []),
    ...SERVED.filter((role) => servesOutput || role !== 'output'),
  ];
  const owners = new Map<string, { readonly id: number; readonly role: Role }>();
  if (!servesInput) for (const [id, names] of all) owners.set(names.inputChannel, { id, role: 'input' });
  for (const [id, names] of all) {
    for (const role of roles) {
      const name = names[`${role}Channel`];
      if (name === undefined) continue;
      const owner = owners.get(name);
      if (owner?.role === role) {
        refuse(
          `consumers ${owner.id} and ${id} would both serve the ${role} channel '${name}'; put a * for the consumer id into its name`,
        );
      }
      if (owner) {
        refuse(
          `the ${role} channel of consumer ${id}, '${name}', is also the ${owner.role} channel of consumer ${owner.id}`,
        );
      }
      owners.set(name, { id, role });
    }
  }
  return all;
}

/** The names of a collector's channels, and of its input channel by producer id. */
export interface CollectorChannelNames extends ChannelNames {
  readonly producers: ReadonlyMap<number, string>;
}

/**
 * The channel names of a collector: in the input channel's name every `*` becomes the id of a producer, in the others
 * that of the collector; `_` becomes `pvapy:collector:<id>:output`, `...:status`, `...:control`.
 * @throws UserError `HPC_CHANNEL_NAME` as {@link allChannelNames}, and for producers that would share a channel
 */
export function collectorChannelNames(
  options: ChannelNameOptions,
  collectorId: number,
  producerIds: readonly number[],
): CollectorChannelNames {
  const id = formatId(collectorId, options.idFormatSpec);
  const producers = new Map<number, string>();
  const owners = new Map<string, string>();
  const claim = (name: string | undefined, owner: string): void => {
    if (name === undefined) return;
    const before = owners.get(name);
    if (before !== undefined) refuse(`${before} and ${owner} would be the same channel, '${name}'`);
    owners.set(name, owner);
  };
  if (producerIds.length > 1 && !options.inputChannel.includes('*'))
    refuse(
      `the input channel '${options.inputChannel}' needs a * for the ids of the ${producerIds.length} producers`,
    );
  for (const producerId of producerIds) {
    const producer = formatId(producerId, options.idFormatSpec);
    const name = substitute('collector', 'input', options.inputChannel, producer);
    producers.set(producerId, name);
    claim(name, `the input channel of producer ${producerId}`);
  }
  const names = {
    inputChannel: options.inputChannel,
    outputChannel: served('collector', 'output', options.outputChannel, id),
    statusChannel: served('collector', 'status', options.statusChannel, id),
    controlChannel: served('collector', 'control', options.controlChannel, id),
  };
  for (const role of SERVED) claim(names[`${role}Channel`], `the ${role} channel`);
  return { ...names, producers };
}
