/**
 * What mirror sources and metadata channels need of a protocol, and how a channel of the right one is named. pvAccess
 * is the one there is: a Context of epics-pva-ts is a ChannelProvider. Another one, such as Channel Access, would be a
 * file of its own that implements the interface (docs/decisions/0013-channel-access.md). Every room may import this.
 */
import type { BitSet, Value } from 'epics-pva-ts';
import { UserError, type UserErrorCode } from './errors.ts';

/** What happens to a subscribed channel. */
export interface ProviderHandlers {
  /** A complete structure whose marks say what changed; `overrun` has the fields that changed more than once. */
  update(value: Value, overrun: BitSet): void;
  /** The channel is there (again), on this server. The next update is its present value. */
  connected(server: string): void;
  /** The channel was lost; it is searched for until the subscription is closed. */
  disconnected(why: string): void;
  /** The server refused, or ended the subscription. */
  error(error: Error): void;
  /** The server ended the stream in good order: this subscription hears of nothing more, see monitor-renewal.ts. */
  finished?(): void;
}

/** A channel that is followed, whether it is there now or not. */
export interface ProviderSubscription {
  /** Updates since the start or the last reset, and whether the channel is there now. */
  readonly stats: { readonly received: number; readonly overruns: number; readonly connected: boolean };
  resetStats(): void;
  /** No handler is called afterwards. */
  close(): void;
}

/** Where remote channels come from: one protocol. */
export interface ChannelProvider {
  /** Follows a channel. A protocol without requests does not look at `pvRequest`. */
  monitor(
    channel: string,
    options: { readonly pvRequest: string },
    handlers: ProviderHandlers,
  ): ProviderSubscription;
}

const DECISION = 'docs/decisions/0013-channel-access.md';

/** What to do where a record was asked for by Channel Access. */
export function insteadOfChannelAccess(name: string, write = `pva://${name}`): string {
  return `Channel Access is not offered; write ${write}, for IOCs with QSRV serve their records over pvAccess, too (${DECISION})`;
}

export interface PvaNameOptions {
  /** What the name is of, for messages: `metadata channel`. */
  readonly what: string;
  readonly code: UserErrorCode;
  /** Is the channel served by this program? There is no IOC then to be asked another way. */
  readonly served?: boolean;
}

/**
 * The name in `pva://name`.
 * @throws UserError for `ca://name`; for a name without protocol, which to PvaPy is Channel Access; for any other
 *   protocol, no name, or one with blanks
 */
export function parsePvaName(text: string, { what, code, served = false }: PvaNameOptions): string {
  const [, protocol, name = ''] = /^(?:([a-z]+):\/\/)?(.*)$/is.exec(text.trim()) ?? [];
  const refuse = (why: string): never => {
    throw new UserError(code, `${what} '${text}': ${why}`);
  };
  if (name === '' || /\s/.test(name)) return refuse('it has no name, or one with blanks; write pva://name');
  if (protocol?.toLowerCase() === 'pva') return name;
  if (protocol !== undefined && protocol.toLowerCase() !== 'ca')
    return refuse(`unknown protocol '${protocol}'; write pva://${name}`);
  const bare = protocol === undefined ? 'without a protocol it would be Channel Access: ' : '';
  return refuse(
    bare +
      (served
        ? `Channel Access is not offered; write pva://${name} (${DECISION})`
        : insteadOfChannelAccess(name)),
  );
}
