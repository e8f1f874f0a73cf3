/**
 * ServedChannels: the sources of a server in their order, the channels opened from them, and what each may do.
 *
 * Sources come and go while the server runs, and so do names and access rules: this is where a channel is found again
 * to be destroyed or to get other rights.
 */
import type { Credentials } from '../connection/server-connection.ts';
import type { AccessGrant, AccessSecurity } from './access-security.ts';
import { GuardedPV, type TrappedWrite } from './guarded-pv.ts';
import type { ServedPV, Source } from './source.ts';

export interface ServedChannelsOptions {
  /** A source's mistake, which must not end the process. */
  readonly problem: (message: string) => void;
  /** The set of names has changed. */
  readonly changed: () => void;
  readonly onTrapWrite?: ((write: TrappedWrite) => void) | undefined;
}

interface SourceEntry {
  readonly source: Source;
  readonly order: number;
  readonly unwatch: () => void;
  /** Access security does not apply: the channel `server`. */
  readonly isOpenToAll: boolean;
}

export class ServedChannels {
  private readonly options: ServedChannelsOptions;
  private entries: SourceEntry[] = [];
  private readonly channels = new Map<string, Set<GuardedPV>>();
  private security: AccessSecurity | null = null;

  constructor(options: ServedChannelsOptions) {
    this.options = options;
  }

  get sources(): readonly { readonly source: Source; readonly order: number }[] {
    return this.entries.map(({ source, order }) => ({ source, order }));
  }

  /** Sources of one order are asked as they were added. @throws Error when the source is there already */
  addSource(source: Source, order: number, isOpenToAll = false): void {
    if (this.entries.some((e) => e.source === source)) throw new Error('this source is already served');
    const unwatch = source.watch?.({
      appeared: () => this.options.changed(),
      disappeared: (name) => {
        this.options.changed();
        this.disconnect((pv) => pv.source === source, name);
      },
    });
    this.entries.push({ source, order, unwatch: unwatch ?? (() => {}), isOpenToAll });
    this.entries.sort((a, b) => a.order - b.order);
    this.options.changed();
  }

  /** Destroys the channels of the source. False when it is not there. */
  removeSource(source: Source): boolean {
    const entry = this.entries.find((e) => e.source === source);
    if (!entry) return false;
    this.entries = this.entries.filter((e) => e !== entry);
    entry.unwatch();
    this.options.changed();
    this.disconnect((pv) => pv.source === source);
    return true;
  }

  /** Destroys all channels of a name, from whatever source; how many. */
  disconnectName(name: string): number {
    return this.disconnect(() => true, name);
  }

  private disconnect(concerns: (pv: GuardedPV) => boolean, name?: string): number {
    const sets = name === undefined ? [...this.channels.values()] : [this.channels.get(name) ?? []];
    const found = sets.flatMap((set) => [...set]).filter(concerns);
    for (const pv of found) pv.disconnect();
    return found.length;
  }

  /** Asked for every searched name, also from the UDP socket. */
  has(name: string): boolean {
    return this.entries.some(({ source }) => {
      try {
        return source.has(name);
      } catch (error) {
        this.options.problem(`a source failed to look for '${name}': ${(error as Error).message}`);
        return false;
      }
    });
  }

  /** The PV of a new channel. @throws what the source throws: the refusal the client is told */
  open(name: string, client: Credentials): ServedPV | undefined {
    for (const { source, isOpenToAll } of this.entries) {
      const pv = source.open(name, client);
      if (!pv) continue;
      if (isOpenToAll) return pv;
      const { attached } = this;
      const { onTrapWrite } = this.options;
      const grant = this.grantTo(pv, client);
      return new GuardedPV({ name, pv, source, client, grant, attached, onTrapWrite });
    }
    return undefined;
  }

  private readonly attached = (channel: GuardedPV, isThere: boolean): void => {
    let set = this.channels.get(channel.name);
    if (isThere) {
      if (!set) {
        set = new Set();
        this.channels.set(channel.name, set);
      }
      set.add(channel);
      return;
    }
    set?.delete(channel);
    if (set?.size === 0) this.channels.delete(channel.name);
  };

  private grantTo(pv: ServedPV, client: Credentials): AccessGrant | undefined {
    return this.security?.grant(pv.asg, pv.asl ?? 0, client);
  }

  /** New rules for all channels, existing ones included; null: everything is allowed. */
  setAccessSecurity(security: AccessSecurity | null): void {
    this.security = security;
    for (const set of [...this.channels.values()])
      for (const channel of [...set]) channel.setGrant(this.grantTo(channel, channel.client));
  }

  /** Names of all sources that know theirs, each once, sorted (PVXS). */
  names(): string[] {
    const names = new Set<string>();
    for (const { source } of this.entries)
      try {
        for (const name of source.list?.() ?? []) names.add(name);
      } catch (error) {
        this.options.problem(`a source failed to list its names: ${(error as Error).message}`);
      }
    return [...names].sort();
  }
}
