/**
 * put-get: INIT, reading what a put would change (get-put), and then the put whose reply is what is got. Without
 * a put: get-get and get-put alone. pva-protocol.md 3.11.
 */
import { Command } from '../frame/command.ts';
import { SUB } from '../message/operation.ts';
import { encodePutGetRequest } from '../message/put-get.ts';
import type { TypeDef } from '../value/type-def.ts';
import type { Value } from '../value/value.ts';
import type { Channel } from './channel.ts';
import { type Attachment, OneShot, type Reply } from './operation.ts';
import { buildPut, type GetOptions, type PutOptions, requestValue } from './requests.ts';

const PVXS_SILENCE = ' (PVXS servers never answer PUT_GET; put and get instead)';

/** INIT, then one read: `getGet` and `getPut`. */
export class PutGetReadRequest extends OneShot<Value> {
  private readonly pvRequest: Value;
  private readonly subcommand: number;
  private putTypeNow: TypeDef | undefined;

  /** @param what `get`: what a put-get would return; `put`: what it would change */
  constructor(channel: Channel, what: 'get' | 'put', options: GetOptions) {
    super(channel, options);
    this.pvRequest = requestValue(options.pvRequest);
    this.subcommand = what === 'get' ? SUB.GET : SUB.GET_PUT;
  }

  get putType(): TypeDef | undefined {
    return this.putTypeNow;
  }

  protected get repeatable(): boolean {
    return true;
  }

  protected override get silence(): string {
    return PVXS_SILENCE;
  }

  protected init({ connection, sid }: Attachment): void {
    const { ioid, pvRequest } = this;
    connection.send(Command.PUT_GET, (w) =>
      encodePutGetRequest(w, { sid, ioid, subcommand: SUB.INIT, pvRequest }),
    );
  }

  protected handle(reply: Reply): void {
    if (!(reply.subcommand & SUB.INIT)) {
      if (reply.value) this.succeed(reply.value);
      return;
    }
    // Said twice it is answered once.
    if (this.dataType) return;
    this.dataType = reply.type ?? undefined;
    this.putTypeNow = reply.putType;
    const { connection, sid } = this.at as Attachment;
    const { ioid, subcommand } = this;
    connection.send(Command.PUT_GET, (w) => encodePutGetRequest(w, { sid, ioid, subcommand }));
  }
}

export class PutGetRequest extends OneShot<Value> {
  private readonly pvRequest: Value;
  private readonly input: unknown;
  private readonly fetch: boolean;
  private putTypeNow: TypeDef | undefined;
  private sent = false;

  constructor(channel: Channel, input: unknown, options: PutOptions) {
    super(channel, options);
    this.pvRequest = requestValue(options.pvRequest);
    this.input = input;
    this.fetch = options.fetch ?? true;
  }

  get putType(): TypeDef | undefined {
    return this.putTypeNow;
  }

  protected get repeatable(): boolean {
    return !this.sent;
  }

  protected override get silence(): string {
    return PVXS_SILENCE;
  }

  protected init({ connection, sid }: Attachment): void {
    const { ioid, pvRequest } = this;
    connection.send(Command.PUT_GET, (w) =>
      encodePutGetRequest(w, { sid, ioid, subcommand: SUB.INIT, pvRequest }),
    );
  }

  /** Not every server can read back: go on without. */
  protected override tolerates(reply: Reply): boolean {
    return (reply.subcommand & SUB.GET_PUT) !== 0;
  }

  protected handle(reply: Reply): void {
    if (reply.subcommand & SUB.INIT) {
      if (this.dataType) return;
      this.dataType = reply.type ?? undefined;
      this.putTypeNow = reply.putType;
      if (!this.fetch) {
        this.execute(undefined);
        return;
      }
      const { connection, sid } = this.at as Attachment;
      const { ioid } = this;
      connection.send(Command.PUT_GET, (w) => encodePutGetRequest(w, { sid, ioid, subcommand: SUB.GET_PUT }));
    } else if (reply.subcommand & SUB.GET_PUT) this.execute(reply.value);
    else if (this.sent && reply.value) this.succeed(reply.value);
  }

  private execute(present: Value | undefined): void {
    const { at, putTypeNow: type } = this;
    if (!at || !type || this.sent) return;
    const value = buildPut(type, present, this.input);
    this.sent = true;
    at.connection.send(Command.PUT_GET, (w) =>
      encodePutGetRequest(w, { sid: at.sid, ioid: this.ioid, subcommand: SUB.EXEC, value }),
    );
  }
}
