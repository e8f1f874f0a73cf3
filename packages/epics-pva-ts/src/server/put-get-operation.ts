/**
 * PUT_GET and PROCESS of one client's channel, from INIT to its end.
 *
 * Both types of PUT_GET are the PV's whole type; `putField` and `getField` of the request select. Put, process and get
 * follow each other; the PV is processed unless `record[process=false]` (pvDatabase, the only server that has PUT_GET).
 */
import { isPromise } from '../connection/surface.ts';
import { RemoteError } from '../errors.ts';
import { Command } from '../frame/command.ts';
import { SUB } from '../message/operation.ts';
import { encodeProcessResponse } from '../message/process.ts';
import { encodePutGetResponse } from '../message/put-get.ts';
import type { TypeDef } from '../value/type-def.ts';
import type { Value } from '../value/value.ts';
import type { BitSet } from '../wire/bit-set.ts';
import type { Status } from '../wire/status.ts';
import { ServerOperation } from './channel-operations.ts';
import { FieldFilters } from './field-filters.ts';

export class PutGetOperation extends ServerOperation {
  readonly command = Command.PUT_GET;
  private putSelection: BitSet | undefined;
  private putFilters: FieldFilters | null = null;

  protected override choose(type: TypeDef): readonly string[] {
    const { request } = this.context;
    const put = request.select(type, 'putField');
    const get = request.select(type, 'getField');
    this.putSelection = put.mask;
    this.selection = get.mask;
    this.putFilters = FieldFilters.of(request, type, 'putField');
    this.filters = FieldFilters.of(request, type, 'getField');
    return [...put.unknown, ...get.unknown];
  }

  protected replyInit(status: Status, type: TypeDef | undefined): void {
    const { connection, ioid } = this.context;
    connection.send(Command.PUT_GET, (w) =>
      encodePutGetResponse(w, { ioid, subcommand: SUB.INIT, status, putType: type, type }),
    );
  }

  execute(subcommand: number, value: Value | undefined): void {
    const { connection, ioid } = this.context;
    const isGetPut = (subcommand & (SUB.GET | SUB.GET_PUT)) === SUB.GET_PUT;
    const selection = isGetPut ? this.putSelection : this.selection;
    const filters = isGetPut ? this.putFilters : this.filters;
    this.run(
      subcommand,
      () => {
        if (subcommand & (SUB.GET | SUB.GET_PUT) || !value) return this.filtered(this.present(), filters);
        const whole = this.whole(value, this.putFilters);
        return this.filtered(isPromise(whole) ? whole.then((v) => this.putGet(v)) : this.putGet(whole));
      },
      (status, result) =>
        connection.send(Command.PUT_GET, (w) =>
          encodePutGetResponse(w, { ioid, subcommand, status, value: result, selection }),
        ),
    );
  }

  private putGet(value: Value): Value | Promise<Value> {
    const { pv, client, rights } = this.context;
    if (!rights.putGet)
      throw new RemoteError(this.context.pv.refused?.('write') ?? 'put-get not permitted: no right to put');
    if (pv.putGet) {
      const result = pv.putGet(value, client, this.info);
      return isPromise(result) ? result.then((v) => this.checked(v)) : this.checked(result);
    }
    const done = this.putAndProcess(value, true);
    return isPromise(done) ? done.then(() => this.present()) : this.present();
  }

  /** What is got is what there is after processing. */
  protected override get mustWait(): boolean {
    return true;
  }
}

export class ProcessOperation extends ServerOperation {
  readonly command = Command.PROCESS;

  protected override choose(): readonly string[] {
    if (!this.context.pv.process) throw new RemoteError('processing not supported by this PV');
    return [];
  }

  protected replyInit(status: Status): void {
    const { connection, ioid } = this.context;
    connection.send(Command.PROCESS, (w) => encodeProcessResponse(w, { ioid, subcommand: SUB.INIT, status }));
  }

  execute(subcommand: number): void {
    const { connection, ioid, pv, client } = this.context;
    this.run<void>(
      subcommand,
      () => {
        this.demandProcessing();
        return pv.process?.(client, this.info);
      },
      (status) =>
        connection.send(Command.PROCESS, (w) => encodeProcessResponse(w, { ioid, subcommand, status })),
    );
  }
}
