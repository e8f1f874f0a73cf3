/** Source: who owns which names, and what a channel of a server must be able to do. */
import type { Credentials } from '../connection/server-connection.ts';
import type { PvRequest } from '../value/pv-request.ts';
import type { TypeDef } from '../value/type-def.ts';
import type { Value } from '../value/value.ts';
import type { PostedUpdate } from './posted-update.ts';

/** Receives what a PV posts; implemented by each client's monitor. */
export interface MonitorSink {
  /** One update; several sinks get the same. */
  push(update: PostedUpdate): void;
  /** The stream ends: what is queued is still sent, then the client is told. */
  finish(): void;
}

/** What a PV offers to the clients connected to it. SharedPV implements it. */
export interface ServedPV {
  /** Calls back with the type as soon as there is one; returns how to give up waiting. */
  whenOpen(ready: (type: TypeDef) => void): () => void;
  /** The complete present value. */
  get(client: Credentials): Value | Promise<Value>;
  /** @throws what the client is to be told */
  put(value: Value, client: Credentials): void | Promise<void>;
  /** Answers a call. @throws what the client is to be told */
  rpc(argument: Value | null, client: Credentials): Value | null | Promise<Value | null>;
  /** Starts updates, beginning with the present value; returns how to stop them. */
  subscribe(sink: MonitorSink, request: PvRequest): () => void;
  /** A channel was created or destroyed; `close` disconnects it. */
  attach(close: () => void): () => void;
}

/** Who owns which names: a fixed set ({@link StaticSource}), or names made up when they are asked for. */
export interface Source {
  /** Does this source serve the name? Called for every searched name: must be quick. */
  has(name: string): boolean;
  /** The PV behind a name, or undefined to leave it to other sources. */
  open(name: string, client: Credentials): ServedPV | undefined;
  /** All names, if they are known. */
  list?(): string[];
}

/** A fixed set of PVs by name. */
export class StaticSource implements Source {
  private readonly pvs = new Map<string, ServedPV>();

  /** @throws Error when the name is taken */
  add(name: string, pv: ServedPV): this {
    if (this.pvs.has(name)) throw new Error(`a PV named '${name}' is already served`);
    this.pvs.set(name, pv);
    return this;
  }

  /** Takes a PV away and returns it; its clients stay connected. */
  remove(name: string): ServedPV | undefined {
    const pv = this.pvs.get(name);
    this.pvs.delete(name);
    return pv;
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
}
