/** get, put, rpc and info: each one INIT (where there is one) and one execution. pva-protocol.md 3.9-3.16. */
import { NoConvertError } from '../errors.ts';
import { Command } from '../frame/command.ts';
import type { AccessRights } from '../message/acl-change.ts';
import { encodeGetRequest } from '../message/get.ts';
import { encodeGetFieldRequest } from '../message/get-field.ts';
import { SUB } from '../message/operation.ts';
import { encodePutRequest } from '../message/put.ts';
import { encodeRpcRequest } from '../message/rpc.ts';
import { parsePvRequest } from '../value/pv-request.ts';
import type { TypeDef } from '../value/type-def.ts';
import { Value } from '../value/value.ts';
import type { Channel } from './channel.ts';
import { type Attachment, OneShot, type Reply, type RequestOptions } from './operation.ts';

/** Options of get, and of everything else that selects fields. */
export interface GetOptions extends RequestOptions {
  /** Which fields, e.g. `field(value)`; default all. */
  readonly pvRequest?: string | Value;
}

export function requestValue(pvRequest: string | Value | undefined): Value {
  return pvRequest instanceof Value ? pvRequest : parsePvRequest(pvRequest ?? '');
}

export class GetRequest extends OneShot<Value> {
  private readonly pvRequest: Value;

  constructor(channel: Channel, options: GetOptions) {
    super(channel, options);
    this.pvRequest = requestValue(options.pvRequest);
  }

  protected get repeatable(): boolean {
    return true;
  }

  protected init({ connection, sid }: Attachment): void {
    const { ioid, pvRequest } = this;
    connection.send(Command.GET, (w) => encodeGetRequest(w, { sid, ioid, subcommand: SUB.INIT, pvRequest }));
  }

  protected handle(reply: Reply): void {
    if (reply.subcommand & SUB.INIT) {
      // Said twice it is answered once.
      if (this.dataType) return;
      this.dataType = reply.type ?? undefined;
      const { connection, sid } = this.at as Attachment;
      const { ioid } = this;
      connection.send(Command.GET, (w) => encodeGetRequest(w, { sid, ioid, subcommand: SUB.EXEC }));
    } else if (reply.value) this.succeed(reply.value);
  }
}

/** Makes what is to be put of the channel's type and, if it could be read, its present value. */
export type PutBuilder = (type: TypeDef, present: Value | undefined) => Value;

/** Options of put. */
export interface PutOptions extends GetOptions {
  /** Read the present value before (default); needed to put an enum by its label. */
  readonly fetch?: boolean;
}

export class PutRequest extends OneShot<void> {
  private readonly pvRequest: Value;
  private readonly input: unknown;
  private readonly fetch: boolean;
  private sent = false;

  constructor(channel: Channel, input: unknown, options: PutOptions) {
    super(channel, options);
    this.pvRequest = requestValue(options.pvRequest);
    this.input = input;
    this.fetch = options.fetch ?? true;
  }

  protected get repeatable(): boolean {
    return !this.sent;
  }

  protected init({ connection, sid }: Attachment): void {
    const { ioid, pvRequest } = this;
    connection.send(Command.PUT, (w) => encodePutRequest(w, { sid, ioid, subcommand: SUB.INIT, pvRequest }));
  }

  /** Not every server can read back (a SharedPV without a get handler): go on without. */
  protected override tolerates(reply: Reply): boolean {
    return (reply.subcommand & SUB.GET) !== 0;
  }

  protected handle(reply: Reply): void {
    if (reply.subcommand & SUB.INIT) {
      if (this.dataType) return;
      this.dataType = reply.type ?? undefined;
      this.proceed(this.at as Attachment);
    } else if (reply.subcommand & SUB.GET) this.execute(reply.value);
    else if (this.sent) this.succeed(undefined);
  }

  protected override proceed({ connection, sid }: Attachment): void {
    if (!this.fetch) {
      this.execute(undefined);
      return;
    }
    const { ioid } = this;
    connection.send(Command.PUT, (w) => encodePutRequest(w, { sid, ioid, subcommand: SUB.GET }));
  }

  private execute(present: Value | undefined): void {
    const at = this.at;
    const type = this.dataType;
    if (!at || !type || this.sent) return;
    const value = buildPut(type, present, this.input);
    this.sent = true;
    const { ioid } = this;
    at.connection.send(Command.PUT, (w) =>
      this.lending(w, () => encodePutRequest(w, { sid: at.sid, ioid, subcommand: SUB.EXEC, value })),
    );
    this.executing();
  }
}

/** Makes the structure to put. @throws NoConvertError, NoFieldError */
export function buildPut(type: TypeDef, present: Value | undefined, input: unknown): Value {
  if (typeof input === 'function') {
    const built: unknown = (input as PutBuilder)(type, present);
    // Another structure would be sent with this one's field numbers.
    if (built instanceof Value && built.type.equals(type)) return built;
    throw new NoConvertError(`the function given to put() must return a Value of the type it was given`);
  }
  const value = Value.create(type);
  if (input instanceof Value || isPlainObject(input)) return value.assign(input as Record<string, unknown>);
  const node = type.find('value');
  if (!node)
    throw new NoConvertError(
      `this channel has no field 'value': give an object with ${type.members.map((m) => m.name).join(', ')}`,
    );
  if (node.type.find?.('choices') && node.type.find('index'))
    return value.set('value.index', enumIndex(present, input));
  return value.set('value', input);
}

function isPlainObject(v: unknown): boolean {
  if (typeof v !== 'object' || v === null) return false;
  const proto = Object.getPrototypeOf(v);
  return proto === Object.prototype || proto === null;
}

/** An enum is put by label, which counts first as in pvput, or by index. */
function enumIndex(present: Value | undefined, input: unknown): unknown {
  if (typeof input !== 'string') return input;
  const choices = present?.tryGet('value.choices');
  const at = Array.isArray(choices) ? (choices as string[]).indexOf(input) : -1;
  if (at >= 0) return at;
  if (/^\s*\d+\s*$/.test(input)) return input;
  const known = Array.isArray(choices) && choices.length > 0 ? `; there are: ${choices.join(', ')}` : '';
  throw new NoConvertError(`'${input}' is no choice of this enum${known}`);
}

export class RpcRequest extends OneShot<Value | null> {
  private readonly pvRequest: Value;
  private readonly argument: Value | null;
  private sent = false;

  constructor(channel: Channel, argument: Value | null, options: GetOptions) {
    super(channel, options);
    this.pvRequest = requestValue(options.pvRequest);
    this.argument = argument;
  }

  protected get repeatable(): boolean {
    return !this.sent;
  }

  protected init({ connection, sid }: Attachment): void {
    const { ioid, pvRequest } = this;
    connection.send(Command.RPC, (w) => encodeRpcRequest(w, { sid, ioid, subcommand: SUB.INIT, pvRequest }));
  }

  protected handle(reply: Reply): void {
    if (!(reply.subcommand & SUB.INIT)) {
      if (this.sent) this.succeed(reply.result ?? null);
      return;
    }
    if (!this.sent) this.proceed(this.at as Attachment);
  }

  protected override proceed({ connection, sid }: Attachment): void {
    const { ioid, argument } = this;
    this.sent = true;
    connection.send(Command.RPC, (w) =>
      this.lending(w, () => encodeRpcRequest(w, { sid, ioid, subcommand: SUB.EXEC, argument })),
    );
    this.executing();
  }
}

/** What a channel is: its type and where it is served. */
export interface ChannelInfo {
  /** Its whole type. */
  readonly type: TypeDef;
  /** `address:port` of the server. */
  readonly server: string;
  /** What the server says this client may do (ACL_CHANGE); everything if it says nothing, which most servers do. */
  readonly accessRights: AccessRights;
}

export class InfoRequest extends OneShot<ChannelInfo> {
  protected get repeatable(): boolean {
    return true;
  }

  protected init({ connection, sid }: Attachment): void {
    const { ioid } = this;
    connection.send(Command.GET_FIELD, (w) => encodeGetFieldRequest(w, { sid, ioid, subfield: '' }));
  }

  protected handle(reply: Reply): void {
    const { accessRights } = this.channel;
    if (reply.type)
      this.succeed({ type: reply.type, server: (this.at as Attachment).server, accessRights }, false);
    else this.fail(new NoConvertError(`${this.channel.name}: the server sent no type`));
  }

  /** GET_FIELD is one message: there is no operation the server could be told to forget. */
  override fail(error: Error): void {
    super.fail(error, false);
  }
}
