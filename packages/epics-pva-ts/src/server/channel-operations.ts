/**
 * What the operations of one client's channel on the server have in common, from INIT to their end; get and rpc.
 *
 * Replies repeat the sub-command of the request, INIT replies are 0x08. One execution at a time per operation.
 * A PV that is not open yet makes INIT wait.
 */
import type { Credentials } from '../connection/server-connection.ts';
import { isPromise } from '../connection/surface.ts';
import type { UnderWay } from '../connection/under-way.ts';
import { LocalProtocolError, PvRequestError, RemoteError } from '../errors.ts';
import { Command } from '../frame/command.ts';
import type { AccessRights } from '../message/acl-change.ts';
import { encodeGetResponse } from '../message/get.ts';
import { SUB } from '../message/operation.ts';
import { encodeServerMessage } from '../message/request-control.ts';
import { encodeRpcResponse } from '../message/rpc.ts';
import type { PvRequest } from '../value/pv-request.ts';
import { struct, type TypeDef } from '../value/type-def.ts';
import type { Value } from '../value/value.ts';
import type { BitSet } from '../wire/bit-set.ts';
import { errorStatus, OK, type Status } from '../wire/status.ts';
import type { ReplySender } from './channel-traffic.ts';
import { FieldFilters } from './field-filters.ts';
import { OperationInfo } from './request-info.ts';
import type { ServedPV } from './source.ts';

export interface OperationContext {
  readonly connection: ReplySender;
  /** Requests of this client that are not answered yet. */
  readonly underWay: UnderWay;
  readonly pv: ServedPV;
  readonly client: Credentials;
  readonly ioid: number;
  readonly request: PvRequest;
  /** What the client may do now. */
  readonly rights: AccessRights;
  /** The ioid is free again. */
  ended(): void;
}

/** What a client's error text is: the message, never a stack trace. */
export function statusOf(error: unknown): Status {
  return errorStatus(error instanceof Error ? error.message : String(error));
}

export abstract class ServerOperation {
  /** The type of its data; undefined until the PV is open. */
  type: TypeDef | undefined;
  protected selection: BitSet | undefined;
  /** What field options of the request make of the values; null for nearly all. */
  protected filters: FieldFilters | null = null;
  protected readonly context: OperationContext;
  protected readonly info: OperationInfo;
  protected destroyed = false;
  private stopWaiting: () => void = () => {};
  private busy = false;

  constructor(context: OperationContext) {
    this.context = context;
    this.info = new OperationInfo(context.request);
  }

  /** Answers INIT as soon as the PV has a type. */
  init(): void {
    this.stopWaiting = this.context.pv.whenOpen((type) => {
      if (this.destroyed) return;
      try {
        const unknown = this.choose(type);
        this.type = type;
        if (unknown.length > 0) this.warn(`no such field: ${unknown.join(', ')}`);
        for (const warning of this.info.warnings) this.warn(warning);
        for (const warning of this.filters?.warnings ?? []) this.warn(warning);
        this.replyInit(OK, type);
      } catch (error) {
        if (!(error instanceof PvRequestError || error instanceof RemoteError)) throw error;
        this.replyInit(statusOf(error), undefined);
        this.context.ended();
      }
    });
  }

  /** Notes the fields asked for; the names that do not exist. @throws PvRequestError, RemoteError to refuse INIT */
  protected choose(type: TypeDef): readonly string[] {
    const { request } = this.context;
    const { mask, unknown } = request.select(type);
    this.selection = mask;
    this.filters = FieldFilters.of(request, type);
    return unknown;
  }

  protected abstract replyInit(status: Status, type: TypeDef | undefined): void;
  abstract readonly command: number;

  protected warn(message: string): void {
    const { connection, ioid } = this.context;
    connection.send(Command.MESSAGE, (w) => encodeServerMessage(w, { ioid, severity: 1, message }));
  }

  /** Runs what the PV does, now or later, and replies with its outcome. A second request meanwhile is refused. */
  protected run<T>(
    subcommand: number,
    work: () => T | Promise<T>,
    reply: (status: Status, result: T | undefined) => void,
  ): void {
    if (this.busy || !this.type) {
      reply(errorStatus(this.busy ? 'other request pending' : 'request before the reply to INIT'), undefined);
      return;
    }
    const finish = (status: Status, result: T | undefined): void => {
      this.busy = false;
      if (this.destroyed) return;
      reply(status, result);
      if (subcommand & SUB.DESTROY) this.context.ended();
    };
    const refuse = (error: unknown): void => finish(statusOf(error), undefined);
    const succeed = (result: T): void => {
      try {
        finish(OK, result);
      } catch (error) {
        // What the PV returned cannot be sent.
        refuse(error);
      }
    };
    this.info.begin();
    let result: T | Promise<T>;
    try {
      result = work();
    } catch (error) {
      refuse(error);
      return;
    }
    if (isPromise(result)) {
      this.busy = true;
      const { underWay } = this.context;
      const bytes = underWay.begin();
      // Ends behind the reply: what is read then may be a request to this very operation.
      const settled = <V>(settle: (v: V) => void) => {
        return (v: V): void => {
          try {
            settle(v);
          } finally {
            underWay.end(bytes);
          }
        };
      };
      result.then(settled(succeed), settled(refuse));
    } else succeed(result);
  }

  /** The present value, which must have the type INIT announced, or the client could not decode it. */
  protected present(): Value | Promise<Value> {
    const { pv, client } = this.context;
    const value = pv.get(client);
    return isPromise(value) ? value.then((v) => this.checked(v)) : this.checked(value);
  }

  /** A value as this client asked for it. */
  protected filtered(
    value: Value | Promise<Value>,
    filters: FieldFilters | null = this.filters,
  ): Value | Promise<Value> {
    if (!filters) return value;
    return isPromise(value) ? value.then((v) => filters.present(v)) : filters.present(value);
  }

  /** What a client puts, where `array=` makes it a part of the array there is: the whole of it. */
  protected whole(given: Value, filters: FieldFilters | null = this.filters): Value | Promise<Value> {
    if (!filters) return given;
    if (!filters.putsSlices) return filters.put(given, given);
    const present = this.present();
    return isPromise(present)
      ? present.then((there) => filters.put(given, there))
      : filters.put(given, present);
  }

  /** @throws LocalProtocolError for a value the client could not decode */
  protected checked(value: Value): Value {
    if (value.type === this.type || (this.type && value.type.equals(this.type))) return value;
    throw new LocalProtocolError(`the PV announced ${this.type?.displayId} and gave another ${value.id}`);
  }

  /** Puts, and processes if `record[process]` says so, or if it does not and `byDefault`. */
  protected putAndProcess(value: Value, byDefault: boolean): void | Promise<void> {
    const { pv, client } = this.context;
    const { process } = this.info;
    const processes = pv.process !== undefined && (process === true || (byDefault && process !== false));
    // A put of nothing that forces processing is how PVXS clients say PROCESS.
    if (processes && value.marks.isEmpty()) return this.process();
    const done = pv.put(value, client, this.info);
    if (!processes) return done;
    return isPromise(done) ? done.then(() => this.process()) : this.process();
  }

  /** @throws RemoteError when the client may not process: that takes the right to put */
  protected demandProcessing(): void {
    const { rights, pv } = this.context;
    if (!rights.put)
      throw new RemoteError(pv.refused?.('write') ?? 'processing not permitted: no right to put');
  }

  /** Processes; without `record[block=true]` the reply does not wait until a promise of it settles (QSRV). */
  private process(): void | Promise<void> {
    const { pv, client } = this.context;
    const done = pv.process?.(client, this.info);
    if (!isPromise(done) || this.mustWait) return done;
    done.catch((error: unknown) => {
      if (!this.destroyed) this.warn(`processing failed: ${statusOf(error).message}`);
    });
    return undefined;
  }

  /** Must the reply wait for the end of processing? */
  protected get mustWait(): boolean {
    return this.info.block;
  }

  /** The client does not want the present execution any more. The reply comes when the PV is done all the same. */
  cancel(): void {
    if (this.busy) this.info.abort();
  }

  destroy(): void {
    this.destroyed = true;
    this.stopWaiting();
    this.cancel();
  }
}

export class GetOperation extends ServerOperation {
  readonly command = Command.GET;

  /** With `record[process=true]` the PV is processed before (pvDatabase, QSRV 1). */
  private processed(): Value | Promise<Value> {
    const { pv, client } = this.context;
    const processes = this.info.process === true && pv.process !== undefined;
    if (processes) this.demandProcessing();
    const done = processes ? pv.process?.(client, this.info) : undefined;
    return this.filtered(isPromise(done) ? done.then(() => this.present()) : this.present());
  }

  protected replyInit(status: Status, type: TypeDef | undefined): void {
    const { connection, ioid } = this.context;
    connection.send(Command.GET, (w) => encodeGetResponse(w, { ioid, subcommand: SUB.INIT, status, type }));
  }

  execute(subcommand: number): void {
    const { connection, ioid } = this.context;
    this.run(
      subcommand,
      () => this.processed(),
      (status, value) => {
        const { selection } = this;
        connection.send(Command.GET, (w) =>
          encodeGetResponse(w, { ioid, subcommand, status, value, selection }),
        );
      },
    );
  }
}

export class RpcOperation extends ServerOperation {
  readonly command = Command.RPC;

  /** RPC needs no type: it is ready at once. */
  override init(): void {
    this.type = NO_TYPE;
    this.replyInit(OK);
  }

  protected replyInit(status: Status): void {
    const { connection, ioid } = this.context;
    connection.send(Command.RPC, (w) => encodeRpcResponse(w, { ioid, subcommand: SUB.INIT, status }));
  }

  execute(subcommand: number, argument: Value | null): void {
    const { connection, ioid, pv, client } = this.context;
    this.run(
      subcommand,
      () => {
        if (!this.context.rights.rpc)
          throw new RemoteError(this.context.pv.refused?.('write') ?? 'RPC not permitted: no right to call');
        return pv.rpc(argument, client, this.info);
      },
      (status, result) =>
        connection.send(Command.RPC, (w) =>
          encodeRpcResponse(w, { ioid, subcommand, status, result: result ?? null }),
        ),
    );
  }
}

const NO_TYPE: TypeDef = struct('', {});
