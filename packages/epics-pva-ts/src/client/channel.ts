/**
 * Channel: one name as this client sees it: `searching -> connecting -> active -> searching`.
 *
 * A channel lives as long as operations use it, and a little longer so that the next `get` is quick. Losing the
 * connection or the channel brings it back to searching; its operations are told and started again on the new one.
 */

import type { SearchReason } from '../connection/search-schedule.ts';
import { type Endpoint, formatEndpoint } from '../endpoint.ts';
import { CREATE_CHANNEL_MS } from '../limits.ts';
import { type AccessRights, FULL_ACCESS } from '../message/acl-change.ts';
import { TransientSet } from '../transient.ts';
import type { Log } from './log.ts';
import type { Operation } from './operation.ts';
import type { SearchEngine } from './search-engine.ts';
import type { ServerLink } from './server-link.ts';

export type ChannelState = 'searching' | 'connecting' | 'active';

export interface ChannelOptions {
  readonly name: string;
  readonly cid: number;
  readonly search: Pick<SearchEngine, 'add' | 'remove'>;
  linkTo(server: Endpoint): ServerLink;
  readonly log?: Log;
}

export class Channel {
  readonly name: string;
  readonly cid: number;
  private readonly options: ChannelOptions;
  private readonly operations = new TransientSet<Operation>();
  /** Those that have gone since the others began to be told something. */
  private gone: Set<Operation> | undefined;
  private stateNow: ChannelState = 'searching';
  private link: ServerLink | null = null;
  private sid = 0;
  private rights: AccessRights = FULL_ACCESS;
  private connectingSince = 0;
  /** Who claimed the name; cleared when another claim was reported. */
  private claim: { readonly server: string; readonly guid: Uint8Array } | undefined;
  private idleRounds = 0;

  constructor(options: ChannelOptions) {
    this.name = options.name;
    this.cid = options.cid;
    this.options = options;
    options.search.add(this.cid, this.name);
  }

  get state(): ChannelState {
    return this.stateNow;
  }

  /** `address:port` of the server while connected. */
  get server(): string | undefined {
    return this.stateNow === 'active' ? this.link?.name : undefined;
  }

  /** What the server says this client may do: everything until it says otherwise (a hint, PVXS never says it). */
  get accessRights(): AccessRights {
    return this.rights;
  }

  /** ACL_CHANGE; it may come before the channel is active. */
  onAccessRights(rights: AccessRights): void {
    this.rights = rights;
    if (this.stateNow === 'active') this.forEachOperation((op) => op.onAccessRights?.(rights));
  }

  hasSid(sid: number): boolean {
    return this.stateNow === 'active' && this.sid === sid;
  }

  /** A server says it has the name; the first one counts, another one is reported (PVXS). */
  found(server: Endpoint, guid?: Uint8Array): void {
    if (this.stateNow !== 'searching') {
      const first = this.claim?.server;
      const other = formatEndpoint(server);
      if (
        !guid ||
        first === undefined ||
        first === other ||
        Buffer.compare(guid, this.claim?.guid ?? guid) === 0
      )
        return;
      this.claim = undefined;
      this.options.log?.('warn', `'${this.name}' is served by ${first} and by ${other}; the first is used`);
      return;
    }
    this.claim = guid && { server: formatEndpoint(server), guid };
    this.options.search.remove(this.cid);
    this.stateNow = 'connecting';
    this.connectingSince = performance.now();
    this.link = this.options.linkTo(server);
    this.link.addChannel(this);
  }

  onActive(sid: number): void {
    this.sid = sid;
    this.stateNow = 'active';
    this.forEachOperation((op) => this.start(op));
  }

  onRefused(_why: string): void {
    this.backToSearch('refused');
  }

  /** The connection or the channel is gone. */
  onLost(reason: SearchReason, why: string): void {
    const wasActive = this.stateNow === 'active';
    this.backToSearch(reason);
    if (wasActive) this.forEachOperation((op) => op.onDisconnect(why));
  }

  /** Those there are now, but for those that go meanwhile: what one tells its user may end another. */
  private forEachOperation(tell: (op: Operation) => void): void {
    const before = this.gone;
    const gone = new Set<Operation>();
    this.gone = gone;
    try {
      for (const op of [...this.operations]) if (!gone.has(op)) tell(op);
    } finally {
      this.gone = before;
    }
  }

  private backToSearch(reason: SearchReason): void {
    this.stateNow = 'searching';
    this.link = null;
    this.rights = FULL_ACCESS;
    this.options.search.add(this.cid, this.name, reason);
  }

  add(op: Operation): void {
    this.operations.add(op);
    this.gone?.delete(op);
    this.idleRounds = 0;
    if (this.stateNow === 'active') this.start(op);
  }

  private start(op: Operation): void {
    const link = this.link as ServerLink;
    link.register(op);
    op.onConnect({
      connection: link.connection,
      sid: this.sid,
      server: link.name,
      forget: (tell) => link.unregister(op, tell ? this.sid : undefined),
    });
    if (this.rights !== FULL_ACCESS) op.onAccessRights?.(this.rights);
  }

  remove(op: Operation): void {
    this.operations.delete(op);
    this.gone?.add(op);
  }

  /** Once a second: gives up on a server that does not create the channel; core-pva servers may never answer. */
  tick(now: number): void {
    if (this.stateNow !== 'connecting' || now - this.connectingSince < CREATE_CHANNEL_MS) return;
    this.link?.removeChannel(this, undefined);
    this.backToSearch('connect-failed');
  }

  /** Once in a while: true when nothing has used this channel for two rounds. */
  isUnused(): boolean {
    this.idleRounds = this.operations.size === 0 ? this.idleRounds + 1 : 0;
    return this.idleRounds > 2;
  }

  close(): void {
    this.options.search.remove(this.cid);
    this.link?.removeChannel(this, this.stateNow === 'active' ? this.sid : undefined);
    this.link = null;
  }
}
