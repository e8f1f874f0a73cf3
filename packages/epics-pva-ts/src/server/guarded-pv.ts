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
import { type AccessRights, ALL_RIGHTS } from './access-security.ts';
import type { MonitorSink, ServedPV, Source } from './source.ts';

/** A write that a rule with TRAPWRITE allowed, before it is carried out. */
export interface TrappedWrite {
  readonly name: string;
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
  readonly rights?: AccessRights | undefined;
  /** The channel was created, or is gone. */
  readonly attached: (pv: GuardedPV, isThere: boolean) => void;
  readonly onTrapWrite?: ((write: TrappedWrite) => void) | undefined;
}

export class GuardedPV implements ServedPV {
  readonly name: string;
  readonly source: Source;
  readonly client: Credentials;
  /** Told when the client's rights have changed while the channel lives; the channel's connection may set it. */
  onAccessChanged: ((rights: AccessRights) => void) | undefined;
  private readonly pv: ServedPV;
  private readonly options: GuardedPVOptions;
  private rightsNow: AccessRights;
  private readonly monitors = new Map<MonitorSink, () => void>();
  private disconnectChannel: () => void = () => {};

  constructor(options: GuardedPVOptions) {
    this.options = options;
    this.name = options.name;
    this.source = options.source;
    this.client = options.client;
    this.pv = options.pv;
    this.rightsNow = options.rights ?? ALL_RIGHTS;
  }

  get asg(): string | undefined {
    return this.pv.asg;
  }

  get asl(): 0 | 1 | undefined {
    return this.pv.asl;
  }

  get rights(): AccessRights {
    return this.rightsNow;
  }

  /** New rules: monitors end when the client may no longer read. */
  setRights(rights: AccessRights = ALL_RIGHTS): void {
    const before = this.rightsNow;
    this.rightsNow = rights;
    if (before.read === rights.read && before.write === rights.write) return;
    const refusal = this.refused('read');
    if (refusal)
      for (const [sink, stop] of [...this.monitors]) {
        stop();
        sink.fail?.(refusal);
      }
    this.onAccessChanged?.(rights);
  }

  refused(what: 'read' | 'write'): string | undefined {
    if (this.rightsNow[what]) return undefined;
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
    if (!onTrapWrite || !this.rightsNow.trapWrite) return;
    const { name, client } = this;
    callUser(() => onTrapWrite({ name, client, value }));
  }

  whenOpen(ready: (type: TypeDef) => void): () => void {
    return this.pv.whenOpen(ready);
  }

  get(client: Credentials): Value | Promise<Value> {
    this.demand('read');
    return this.pv.get(client);
  }

  put(value: Value, client: Credentials): void | Promise<void> {
    this.demandWrite(value);
    return this.pv.put(value, client);
  }

  rpc(argument: Value | null, client: Credentials): Value | null | Promise<Value | null> {
    this.demandWrite(argument);
    return this.pv.rpc(argument, client);
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
