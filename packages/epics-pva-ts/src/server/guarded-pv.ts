/**
 * GuardedPV: a PV as one client's channel sees it, with what that client may do.
 *
 * Every request of a channel passes here on its way to the PV, so that no operation can forget to ask. Updates of
 * monitors do not pass: what a client may no longer read is ended instead.
 */
import type { Credentials } from '../connection/server-connection.ts';
import { callUser } from '../connection/surface.ts';
import { RemoteError } from '../errors.ts';
import type { PvRequest } from '../value/pv-request.ts';
import type { TypeDef } from '../value/type-def.ts';
import type { Value } from '../value/value.ts';
import { type AccessGrant, FULL_GRANT } from './access-security.ts';
import type { MonitorSink, ServedPV, Source } from './source.ts';

/** A write that a rule with TRAPWRITE allowed, before it is carried out. */
export interface TrappedWrite {
  /** Name of the PV. */
  readonly name: string;
  /** Who writes, as the client says it is. */
  readonly client: Credentials;
  /** The value put, or the argument of an RPC. */
  readonly value: Value | null;
}

export interface GuardedPVOptions {
  readonly name: string;
  readonly pv: ServedPV;
  /** Where the PV came from. */
  readonly source: Source;
  readonly client: Credentials;
  /** Undefined: no access security, everything is allowed. */
  readonly grant?: AccessGrant | undefined;
  /** The channel was created, or is gone. */
  readonly attached: (pv: GuardedPV, isThere: boolean) => void;
  readonly onTrapWrite?: ((write: TrappedWrite) => void) | undefined;
}

export class GuardedPV implements ServedPV {
  readonly name: string;
  readonly source: Source;
  readonly client: Credentials;
  /** Operations that not every PV has: this one has them if the PV behind it has. */
  readonly process?: NonNullable<ServedPV['process']>;
  readonly putGet?: NonNullable<ServedPV['putGet']>;
  private readonly pv: ServedPV;
  private readonly options: GuardedPVOptions;
  private grantNow: AccessGrant;
  private accessChanged: ((grant: AccessGrant) => void) | undefined;
  private readonly monitors = new Map<MonitorSink, () => void>();
  private disconnectChannel: () => void = () => {};

  constructor(options: GuardedPVOptions) {
    this.options = options;
    this.name = options.name;
    this.source = options.source;
    this.client = options.client;
    this.pv = options.pv;
    this.grantNow = options.grant ?? FULL_GRANT;
    const { pv } = this;
    if (pv.process)
      this.process = (...args) => {
        this.demandWrite(null);
        return pv.process?.(...args);
      };
    if (pv.putGet)
      this.putGet = (...args) => {
        this.demandWrite(args[0]);
        return (pv as Required<ServedPV>).putGet(...args);
      };
  }

  get asg(): string | undefined {
    return this.pv.asg;
  }

  get asl(): 0 | 1 | undefined {
    return this.pv.asl;
  }

  /** What the client may do now. */
  get grant(): AccessGrant {
    return this.grantNow;
  }

  onAccessChanged(listener: (grant: AccessGrant) => void): void {
    this.accessChanged = listener;
    listener(this.grantNow);
  }

  /** New rules: monitors end when the client may no longer read. */
  setGrant(grant: AccessGrant = FULL_GRANT): void {
    const before = this.grantNow;
    this.grantNow = grant;
    if (before.read === grant.read && before.write === grant.write) return;
    const refusal = this.refused('read');
    if (refusal)
      for (const [sink, stop] of [...this.monitors]) {
        stop();
        sink.fail?.(refusal);
      }
    this.accessChanged?.(grant);
  }

  refused(what: 'read' | 'write'): string | undefined {
    if (this.grantNow[what]) return undefined;
    const { client, asg = 'DEFAULT', asl = 0 } = this;
    const who = client.method === 'ca' && client.account !== '' ? `'${client.account}'` : 'anonymous';
    return `${what} access denied to ${who} at ${client.peer} (ASG ${asg}, ASL ${asl})`;
  }

  private demand(what: 'read' | 'write'): void {
    const refusal = this.refused(what);
    if (refusal) throw new RemoteError(refusal);
  }

  private demandWrite(value: Value | null): void {
    this.demand('write');
    const { onTrapWrite } = this.options;
    if (!onTrapWrite || !this.grantNow.trapWrite) return;
    const { name, client } = this;
    callUser(() => onTrapWrite({ name, client, value }));
  }

  whenOpen(ready: (type: TypeDef) => void): () => void {
    return this.pv.whenOpen(ready);
  }

  get(...args: Parameters<ServedPV['get']>): ReturnType<ServedPV['get']> {
    this.demand('read');
    return this.pv.get(...args);
  }

  put(...args: Parameters<ServedPV['put']>): ReturnType<ServedPV['put']> {
    this.demandWrite(args[0]);
    return this.pv.put(...args);
  }

  rpc(...args: Parameters<ServedPV['rpc']>): ReturnType<ServedPV['rpc']> {
    this.demandWrite(args[0]);
    return this.pv.rpc(...args);
  }

  subscribe(sink: MonitorSink, request: PvRequest): () => void {
    const refusal = this.refused('read');
    if (refusal) {
      sink.fail?.(refusal);
      return () => {};
    }
    const unsubscribe = this.pv.subscribe(sink, request);
    const stop = (): void => {
      if (this.monitors.delete(sink)) unsubscribe();
    };
    this.monitors.set(sink, stop);
    return stop;
  }

  attach(close: () => void): () => void {
    this.disconnectChannel = close;
    this.options.attached(this, true);
    const detach = this.pv.attach(close);
    return () => {
      this.options.attached(this, false);
      detach();
    };
  }

  /** Destroys the channel: its client is told, and searches for the name again. */
  disconnect(): void {
    this.disconnectChannel();
  }
}
