/**
 * Source: who owns which names, and what a channel of a server must be able to do.
 *
 * A server asks its sources in order: `has` when a client searches, `open` when it creates a channel, `list` when it
 * asks for all names (PVXS's onSearch, onCreate, onList). Names may come and go while the server runs; a source that
 * says so through `watch` gets their channels destroyed.
 */
import type { Credentials } from '../connection/server-connection.ts';
import type { PvRequest } from '../value/pv-request.ts';
import type { TypeDef } from '../value/type-def.ts';
import type { Value } from '../value/value.ts';
import type { AccessGrant } from './access-security.ts';
import type { PostedUpdate } from './posted-update.ts';
import type { RequestInfo } from './request-info.ts';

/** Receives what a PV posts; implemented by each client's monitor. */
export interface MonitorSink {
  /** One update; several sinks get the same. */
  push(update: PostedUpdate): void;
  /** The stream ends: what is queued is still sent, then the client is told. */
  finish(): void;
  /** The stream ends at once, with an error for the client. */
  fail?(message: string): void;
}

/** What a PV offers to the clients connected to it. SharedPV implements it. */
export interface ServedPV {
  /** Access security group, as the field ASG of a record; DEFAULT if not given. */
  readonly asg?: string | undefined;
  /** Access security level; 0 if not given, as in PvaPy. Rules of a lower level do not apply. */
  readonly asl?: 0 | 1 | undefined;
  /** Why the client of this channel may not read or write; undefined: it may. */
  refused?(what: 'read' | 'write'): string | undefined;
  /** Calls back with what the client of this channel may do, at once and whenever it changes. */
  onAccessChanged?(listener: (grant: AccessGrant) => void): void;
  /** Calls back with the type as soon as there is one; returns how to give up waiting. */
  whenOpen(ready: (type: TypeDef) => void): () => void;
  /** The complete present value. */
  get(client: Credentials): Value | Promise<Value>;
  /** `value` marks the fields to be set. @throws what the client is to be told */
  put(value: Value, client: Credentials, info: RequestInfo): void | Promise<void>;
  /** Answers a call. @throws what the client is to be told */
  rpc(argument: Value | null, client: Credentials, info: RequestInfo): Value | null | Promise<Value | null>;
  /**
   * PROCESS, and what `record[process=true]` adds to a put or get; without it clients are told that the PV has no
   * such thing. @throws what the client is to be told
   */
  process?(client: Credentials, info: RequestInfo): void | Promise<void>;
  /** PUT_GET; without it put, process and get do it, one after the other. */
  putGet?(value: Value, client: Credentials, info: RequestInfo): Value | Promise<Value>;
  /** Starts updates, beginning with the present value; returns how to stop them. */
  subscribe(sink: MonitorSink, request: PvRequest): () => void;
  /** A channel was created or destroyed; `close` disconnects it. */
  attach(close: () => void): () => void;
}

/** What a server wants to know of a source whose names change. */
export interface SourceEvents {
  /** There is a new name: clients that search for it are told to ask again soon. */
  appeared(name: string): void;
  /** A name is no longer served: its channels are destroyed, and their clients search for it again. */
  disappeared(name: string): void;
}

/** Who owns which names: a fixed set ({@link StaticSource}), or names made up when they are asked for. */
export interface Source {
  /** Does this source serve the name? Called for every searched name: must be quick. */
  has(name: string): boolean;
  /**
   * The PV behind a name, or undefined to leave it to later sources. The PV need not be open yet.
   * @throws what the client is to be told: then no other source is asked
   */
  open(name: string, client: Credentials): ServedPV | undefined;
  /** All names, if they are known. A source that makes names up has none to list. */
  list?(): Iterable<string>;
  /** A server begins to use the source; returns how it stops. A source may serve several servers. */
  watch?(events: SourceEvents): () => void;
}

/** A set of PVs by name. Usable without a server, in one, or in several. */
export class StaticSource implements Source {
  private readonly pvs = new Map<string, ServedPV>();
  private readonly watchers = new Set<SourceEvents>();

  /** Serves a PV under a name; one PV may have several. @throws Error when the name is taken */
  add(name: string, pv: ServedPV): this {
    if (this.pvs.has(name)) throw new Error(`a PV named '${name}' is already served`);
    this.pvs.set(name, pv);
    for (const watcher of this.watchers) watcher.appeared(name);
    return this;
  }

  /**
   * Stops serving a name and destroys its channels. The PV keeps its value and other names.
   * @returns the PV, undefined when the name is not served
   */
  remove(name: string): ServedPV | undefined {
    const pv = this.pvs.get(name);
    if (!pv) return undefined;
    this.pvs.delete(name);
    for (const watcher of this.watchers) watcher.disappeared(name);
    return pv;
  }

  /** Closes every PV that can be closed (SharedPV): clients are disconnected. The names stay. */
  close(): void {
    for (const pv of new Set(this.pvs.values())) (pv as { close?: () => void }).close?.();
  }

  /** The PV of a name. */
  get(name: string): ServedPV | undefined {
    return this.pvs.get(name);
  }

  has(name: string): boolean {
    return this.pvs.has(name);
  }

  open(name: string): ServedPV | undefined {
    return this.pvs.get(name);
  }

  list(): string[] {
    return [...this.pvs.keys()];
  }

  /** How many PVs there are. */
  get size(): number {
    return this.pvs.size;
  }

  watch(events: SourceEvents): () => void {
    this.watchers.add(events);
    return () => this.watchers.delete(events);
  }
}
