/**
 * OperationTable: the operations of one client, by ioid, and every request to them.
 *
 * Unknown ids are answered as pvAccessCPP does; an ioid used twice, or for another kind of operation, closes the
 * connection, because state is lost (pva-protocol.md 3.8).
 */
import type { Credentials, ServerConnection } from '../connection/server-connection.ts';
import { RemoteProtocolError } from '../errors.ts';
import { Command, commandName } from '../frame/command.ts';
import { MAX_REQUEST_BYTES, MAX_RETIRED_OPERATIONS } from '../limits.ts';
import { decodeGetRequest } from '../message/get.ts';
import { decodeMonitorRequest, type MonitorRequest } from '../message/monitor.ts';
import {
  decodeRequest,
  encodeResponseHead,
  type InitRequest,
  type OperationRequest,
  type Request,
  SUB,
} from '../message/operation.ts';
import { decodeProcessRequest } from '../message/process.ts';
import { decodePutRequest } from '../message/put.ts';
import { decodePutGetRequest } from '../message/put-get.ts';
import { decodeRequestControl } from '../message/request-control.ts';
import { decodeRpcRequest } from '../message/rpc.ts';
import { IdTable, LatestById } from '../transient.ts';
import type { DecodeContext } from '../value/decode-context.ts';
import { PvRequest } from '../value/pv-request.ts';
import { LAZY_FROM } from '../value/raw-body.ts';
import type { TypeDef } from '../value/type-def.ts';
import type { WireReader } from '../wire/reader.ts';
import { errorStatus } from '../wire/status.ts';
import {
  GetOperation,
  type OperationContext,
  RpcOperation,
  type ServerOperation,
} from './channel-operations.ts';
import type { ChannelTable, ServerChannel } from './channel-table.ts';
import type { ClientCounters } from './client-counters.ts';
import type { Congestion } from './congestion.ts';
import type { ServerLimits } from './limits.ts';
import { MonitorOperation } from './monitor-operation.ts';
import { ProcessOperation, PutGetOperation } from './put-get-operation.ts';
import { PutOperation } from './put-operation.ts';

export interface OperationTableOptions {
  readonly connection: ServerConnection;
  readonly limits: ServerLimits;
  readonly counters: ClientCounters;
  readonly congestion: Congestion;
  readonly channels: Pick<ChannelTable, 'get'>;
  /** Who the client is; known after the handshake. */
  credentials(): Credentials;
}

export class OperationTable {
  private readonly options: OperationTableOptions;
  private readonly operations = new IdTable<{ op: ServerOperation; channel: ServerChannel; bytes: number }>();
  /** Bytes of the INITs that made these operations, and of the message being handled. */
  private requestBytes = 0;
  private messageBytes = 0;
  /** Types of ended puts: requests still in flight can be decoded, with the types they may define. */
  private readonly retired = new LatestById<TypeDef>(MAX_RETIRED_OPERATIONS);
  private monitors = 0;

  constructor(options: OperationTableOptions) {
    this.options = options;
  }

  /** Operations there are now. */
  get size(): number {
    return this.operations.size;
  }

  /** The limit that leaves no room for one more operation of this command. */
  private isFull(command: number): 'operations' | 'monitors' | undefined {
    const { limits } = this.options;
    if (this.operations.size >= limits.operations) return 'operations';
    return command === Command.MONITOR && this.monitors >= limits.monitors ? 'monitors' : undefined;
  }

  /** Handles a message if it is one of an operation; false if it is not. */
  onMessage(command: number, r: WireReader, ctx: DecodeContext): boolean {
    this.messageBytes = r.remaining;
    switch (command) {
      case Command.MONITOR:
        this.onMonitor(decodeMonitorRequest(r, ctx));
        return true;
      case Command.GET: {
        const m = decodeGetRequest(r, ctx);
        if (m.subcommand & SUB.INIT) this.init(command, m, (context) => new GetOperation(context));
        else this.find(command, m, GetOperation)?.execute(m.subcommand);
        return true;
      }
      case Command.PUT: {
        const m = decodePutRequest(r, ctx, this.typeOf, LAZY_FROM);
        if (m.subcommand & SUB.INIT) this.init(command, m, (context) => new PutOperation(context));
        else this.find(command, m, PutOperation)?.execute(m.subcommand, m.value);
        return true;
      }
      case Command.PUT_GET: {
        const m = decodePutGetRequest(r, ctx, this.typeOf);
        if (m.subcommand & SUB.INIT) this.init(command, m, (context) => new PutGetOperation(context));
        else this.find(command, m, PutGetOperation)?.execute(m.subcommand, m.value);
        return true;
      }
      case Command.PROCESS: {
        const m = decodeProcessRequest(r, ctx);
        if (m.subcommand & SUB.INIT) this.init(command, m, (context) => new ProcessOperation(context));
        else this.find(command, m, ProcessOperation)?.execute(m.subcommand);
        return true;
      }
      case Command.RPC: {
        const m = decodeRpcRequest(r, ctx, LAZY_FROM);
        if (m.subcommand & SUB.INIT) this.init(command, m, (context) => new RpcOperation(context));
        else this.find(command, m, RpcOperation)?.execute(m.subcommand, m.argument ?? null);
        return true;
      }
      case Command.ARRAY: {
        // Nobody's tools use it (docs/decisions/0012): refused, so that nobody waits. Decoded, because the request may
        // define type ids that later ones refer to.
        const { ioid, subcommand } = decodeRequest(r, ctx);
        const status = errorStatus(
          'ARRAY is not supported by this server; use GET or PUT of the whole array, or RPC',
        );
        this.options.connection.send(command, (w) => encodeResponseHead(w, { ioid, subcommand, status }));
        return true;
      }
      case Command.DESTROY_REQUEST:
        this.destroy(decodeRequestControl(r).ioid);
        return true;
      case Command.CANCEL_REQUEST:
        this.operations.get(decodeRequestControl(r).ioid)?.op.cancel();
        return true;
      default:
        return false;
    }
  }

  /** Makes the operation of an INIT; the client is told when the channel is not there. */
  private init(command: number, m: Request, make: (context: OperationContext) => ServerOperation): void {
    const { connection, channels, limits, counters } = this.options;
    // Nothing that stays may refer to the message, or all that came with it would stay.
    const { ioid } = m;
    const channel = channels.get(m.sid);
    const fail = (text: string): void =>
      connection.send(command, (w) =>
        encodeResponseHead(w, { ioid, subcommand: SUB.INIT, status: errorStatus(text) }),
      );
    if (!channel) {
      fail('bad channel id');
      return;
    }
    if (this.operations.has(ioid))
      throw new RemoteProtocolError(`${commandName(command)}: operation id ${ioid} is in use`);
    const full = this.isFull(command);
    if (full) {
      counters.refused[full]++;
      fail(`too many ${full} (${limits[full]}) on this connection`);
      return;
    }
    const bytes = this.messageBytes;
    if (this.requestBytes + bytes > MAX_REQUEST_BYTES) {
      counters.refused.operations++;
      fail(`the pvRequests of this connection take more than ${MAX_REQUEST_BYTES} bytes`);
      return;
    }
    const op = make({
      connection: channel.traffic,
      underWay: connection.underWay,
      pv: channel.pv,
      client: this.options.credentials(),
      ioid,
      request: new PvRequest((m as InitRequest).pvRequest ?? null),
      get rights() {
        return channel.rights;
      },
      ended: () => this.destroy(ioid),
    });
    this.operations.set(ioid, { op, channel, bytes });
    this.requestBytes += bytes;
    if (command === Command.MONITOR) this.monitors++;
    channel.operations.set(ioid, op);
    op.init();
  }

  /** The operation a request is for; unknown ids are answered as pvAccessCPP does. */
  private find<T extends ServerOperation>(
    command: number,
    m: OperationRequest,
    is: new (...args: never[]) => T,
  ): T | undefined {
    const op = this.operations.get(m.ioid)?.op;
    if (op instanceof is) return op;
    if (op) throw new RemoteProtocolError(`${commandName(command)} for an operation of another kind`);
    if ((m.subcommand & SUB.DESTROY) === 0 && command !== Command.MONITOR) {
      const status = errorStatus('bad request id');
      this.options.connection.send(command, (w) =>
        encodeResponseHead(w, { ioid: m.ioid, subcommand: m.subcommand, status }),
      );
    }
    return undefined;
  }

  private onMonitor(m: MonitorRequest): void {
    if (m.subcommand & SUB.INIT) {
      const pipeline = (m.subcommand & SUB.PIPELINE) !== 0;
      const { congestion } = this.options;
      this.init(
        Command.MONITOR,
        m,
        (context) => new MonitorOperation(context, congestion, pipeline, m.nfree ?? 0),
      );
      return;
    }
    const op = this.find(Command.MONITOR, m, MonitorOperation);
    if (!op) return;
    // The specification allows combining: window first, then start or stop, then the end.
    if (m.subcommand & SUB.PIPELINE) op.acknowledge(m.nfree ?? 0);
    if (m.subcommand & SUB.STOP) {
      if (m.subcommand & SUB.GET) op.start();
      else op.stop();
    }
    if (m.subcommand & SUB.DESTROY) this.destroy(m.ioid);
  }

  destroy(ioid: number): void {
    const entry = this.operations.get(ioid);
    if (!entry) return;
    const { op, channel, bytes } = entry;
    this.operations.delete(ioid);
    this.requestBytes -= bytes;
    if (op.command === Command.MONITOR) this.monitors--;
    channel.operations.delete(ioid);
    if ((op instanceof PutOperation || op instanceof PutGetOperation) && op.type)
      this.retired.keep(ioid, op.type);
    op.destroy();
  }

  private readonly typeOf = (ioid: number): TypeDef | undefined =>
    this.operations.get(ioid)?.op.type ?? this.retired.get(ioid);
}
