/**
 * ServerClient: one client's connection as the server sees it: its channels, its operations, every message of it.
 *
 * What a client does wrong gets an error reply where the protocol has one and closes the connection where state is
 * lost (an ioid used twice); unknown ids and commands are ignored, as PVXS and pvAccessCPP do (pva-protocol.md 3.8).
 */
import type { Credentials } from '../connection/server-connection.ts';
import { ServerConnection } from '../connection/server-connection.ts';
import type { Transport } from '../connection/transport.ts';
import { answerSearch } from '../connection/udp-responder.ts';
import { type PvaError, RemoteProtocolError } from '../errors.ts';
import { Command, commandName } from '../frame/command.ts';
import {
  MAX_CHANNELS,
  MAX_NAME_BYTES,
  MAX_OPERATIONS,
  MAX_REQUEST_BYTES,
  MAX_RETIRED_OPERATIONS,
  MAX_WAITING_GET_FIELDS,
} from '../limits.ts';
import {
  decodeCreateChannelRequest,
  decodeDestroyChannel,
  encodeCreateChannelResponse,
  encodeDestroyChannel,
} from '../message/channel.ts';
import { decodeGetRequest } from '../message/get.ts';
import { decodeGetFieldRequest, encodeGetFieldResponse } from '../message/get-field.ts';
import { decodeMonitorRequest } from '../message/monitor.ts';
import {
  decodeHead,
  decodeTyped,
  encodeResponseHead,
  type InitRequest,
  type OperationRequest,
  SUB,
} from '../message/operation.ts';
import { decodePutRequest } from '../message/put.ts';
import { decodeRequestControl } from '../message/request-control.ts';
import { decodeRpcRequest } from '../message/rpc.ts';
import { decodeSearchRequest, encodeSearchResponse } from '../message/search.ts';
import type { DecodeContext } from '../value/decode-context.ts';
import { PvRequest } from '../value/pv-request.ts';
import type { TypeDef } from '../value/type-def.ts';
import type { WireReader } from '../wire/reader.ts';
import { errorStatus, OK, StatusType } from '../wire/status.ts';
import {
  GetOperation,
  PutOperation,
  RpcOperation,
  type ServerOperation,
  statusOf,
} from './channel-operations.ts';
import { MonitorOperation } from './monitor-operation.ts';
import type { ServedPV } from './source.ts';

/** What a server does for its clients' connections. */
export interface ServerClientHost {
  readonly guid: Uint8Array;
  readonly tcpPort: number;
  /** Seconds. */
  readonly timeout: number;
  has(name: string): boolean;
  open(name: string, client: Credentials): ServedPV | undefined;
  closed(client: ServerClient, reason: PvaError | undefined): void;
}

const REFUSED_SID = 0xffffffff;

interface ServerChannel {
  readonly cid: number;
  readonly sid: number;
  readonly name: string;
  readonly pv: ServedPV;
  readonly operations: Set<number>;
  /** How to give up each GET_FIELD that waits for the PV to open. */
  readonly waiting: Set<() => void>;
  readonly detach: () => void;
}

export class ServerClient {
  readonly connection: ServerConnection;
  private readonly host: ServerClientHost;
  private readonly channels = new Map<number, ServerChannel>();
  private readonly operations = new Map<
    number,
    { op: ServerOperation; channel: ServerChannel; bytes: number }
  >();
  /** Bytes of the INITs that made these operations, and of the message being handled. */
  private requestBytes = 0;
  private messageBytes = 0;
  /** GET_FIELDs that wait. */
  private waiting = 0;
  /** Types of ended puts: requests still in flight can be decoded, with the types they may define. */
  private readonly retired = new Map<number, TypeDef>();
  private congested = new Set<MonitorOperation>();
  private credentials: Credentials;
  private nextSid = 0;

  constructor(host: ServerClientHost, transport: Transport) {
    this.host = host;
    this.credentials = { peer: transport.peer, method: '', account: '', host: '' };
    this.connection = new ServerConnection({
      transport,
      now: performance.now(),
      timeout: host.timeout,
      handler: {
        ready: (credentials) => {
          this.credentials = credentials;
        },
        message: (command, r, context) => this.onMessage(command, r, context),
        closed: (reason) => this.onClosed(reason),
        drain: () => this.onDrain(),
      },
    });
  }

  get peer(): string {
    return this.credentials.peer;
  }

  /** Names of the channels this client has. */
  channelNames(): string[] {
    return [...this.channels.values()].map((c) => c.name);
  }

  private onMessage(command: number, r: WireReader, ctx: DecodeContext): void {
    this.messageBytes = r.remaining;
    switch (command) {
      case Command.MONITOR:
        this.onMonitor(decodeMonitorRequest(r, ctx));
        break;
      case Command.GET:
        this.onGet(decodeGetRequest(r, ctx));
        break;
      case Command.PUT:
        this.onPut(decodePutRequest(r, ctx, this.typeOf));
        break;
      case Command.RPC:
        this.onRpc(decodeRpcRequest(r, ctx));
        break;
      case Command.GET_FIELD:
        this.onGetField(decodeGetFieldRequest(r));
        break;
      case Command.CREATE_CHANNEL:
        for (const c of decodeCreateChannelRequest(r).channels) this.createChannel(c.cid, c.name);
        break;
      case Command.DESTROY_CHANNEL:
        this.destroyChannel(decodeDestroyChannel(r).sid);
        break;
      case Command.DESTROY_REQUEST:
        this.destroyOperation(decodeRequestControl(r).ioid);
        break;
      case Command.SEARCH: {
        const findNames = (names: readonly string[]): boolean[] => names.map((n) => this.host.has(n));
        const response = answerSearch(
          decodeSearchRequest(r),
          { address: this.peer, port: 0 },
          { ...this.host, guid: this.host.guid, tcpPort: this.host.tcpPort, findNames },
        );
        if (response) this.connection.send(Command.SEARCH_RESPONSE, (w) => encodeSearchResponse(w, response));
        break;
      }
      case Command.PUT_GET:
      case Command.ARRAY:
      case Command.PROCESS: {
        const { ioid, subcommand } = decodeHead(r);
        // The request may define type ids that later ones refer to.
        if (subcommand & SUB.INIT) decodeTyped(r, ctx);
        const status = errorStatus(`${commandName(command)} is not supported by this server`);
        this.connection.send(command, (w) => encodeResponseHead(w, { ioid, subcommand, status }));
        break;
      }
      default:
      // CANCEL_REQUEST: executions are not interruptible. AUTHNZ, MESSAGE and unknown commands are ignored.
    }
  }

  private createChannel(cid: number, name: string): void {
    const refuse = (message: string): void =>
      this.connection.send(Command.CREATE_CHANNEL, (w) =>
        encodeCreateChannelResponse(w, {
          cid,
          sid: REFUSED_SID,
          status: errorStatus(message, StatusType.FATAL),
        }),
      );
    if (name === '' || Buffer.byteLength(name) > MAX_NAME_BYTES) {
      refuse(`a channel name has 1 to ${MAX_NAME_BYTES} bytes`);
      return;
    }
    if (this.channels.size >= MAX_CHANNELS) {
      refuse(`too many channels (${MAX_CHANNELS}) on this connection`);
      return;
    }
    let pv: ServedPV | undefined;
    try {
      pv = this.host.open(name, this.credentials);
    } catch (error) {
      refuse(statusOf(error).message);
      return;
    }
    if (!pv) {
      refuse(`this server has no channel '${name}'`);
      return;
    }
    const sid = this.newSid();
    const detach = pv.attach(() => this.dropChannel(sid));
    this.channels.set(sid, { cid, sid, name, pv, operations: new Set(), waiting: new Set(), detach });
    this.connection.send(Command.CREATE_CHANNEL, (w) =>
      encodeCreateChannelResponse(w, { cid, sid, status: OK }),
    );
  }

  private newSid(): number {
    do {
      this.nextSid = (this.nextSid + 1) >>> 0;
    } while (this.nextSid === REFUSED_SID || this.channels.has(this.nextSid));
    return this.nextSid;
  }

  private destroyChannel(sid: number): void {
    const channel = this.channels.get(sid);
    if (!channel) return;
    this.forgetChannel(channel);
    this.connection.send(Command.DESTROY_CHANNEL, (w) => encodeDestroyChannel(w, { sid, cid: channel.cid }));
  }

  /** The PV went away: the client is told and will search for it again. */
  private dropChannel(sid: number): void {
    this.destroyChannel(sid);
  }

  private forgetChannel(channel: ServerChannel): void {
    this.channels.delete(channel.sid);
    for (const ioid of [...channel.operations]) this.destroyOperation(ioid);
    for (const giveUp of channel.waiting) giveUp();
    this.waiting -= channel.waiting.size;
    channel.detach();
  }

  private destroyOperation(ioid: number): void {
    const entry = this.operations.get(ioid);
    if (!entry) return;
    this.operations.delete(ioid);
    this.requestBytes -= entry.bytes;
    entry.channel.operations.delete(ioid);
    if (entry.op instanceof PutOperation && entry.op.type) {
      this.retired.set(ioid, entry.op.type);
      if (this.retired.size > MAX_RETIRED_OPERATIONS)
        this.retired.delete(this.retired.keys().next().value as number);
    }
    entry.op.destroy();
  }

  private readonly typeOf = (ioid: number): TypeDef | undefined =>
    this.operations.get(ioid)?.op.type ?? this.retired.get(ioid);

  /** Makes the operation of an INIT; undefined when the channel is not there, which the client is told. */
  private init(
    command: number,
    m: InitRequest,
    make: (channel: ServerChannel, context: OpContext) => ServerOperation,
  ): void {
    const channel = this.channels.get(m.sid);
    const fail = (text: string): void =>
      this.connection.send(command, (w) =>
        encodeResponseHead(w, { ioid: m.ioid, subcommand: SUB.INIT, status: errorStatus(text) }),
      );
    if (!channel) {
      fail('bad channel id');
      return;
    }
    if (this.operations.has(m.ioid))
      throw new RemoteProtocolError(`${commandName(command)}: operation id ${m.ioid} is in use`);
    if (this.operations.size >= MAX_OPERATIONS) {
      fail(`too many operations (${MAX_OPERATIONS}) on this connection`);
      return;
    }
    const bytes = this.messageBytes;
    if (this.requestBytes + bytes > MAX_REQUEST_BYTES) {
      fail(`the pvRequests of this connection take more than ${MAX_REQUEST_BYTES} bytes`);
      return;
    }
    const op = make(channel, {
      connection: this.connection,
      pv: channel.pv,
      client: this.credentials,
      ioid: m.ioid,
      request: new PvRequest(m.pvRequest),
      ended: () => this.destroyOperation(m.ioid),
    });
    this.operations.set(m.ioid, { op, channel, bytes });
    this.requestBytes += bytes;
    channel.operations.add(m.ioid);
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
      this.connection.send(command, (w) =>
        encodeResponseHead(w, { ioid: m.ioid, subcommand: m.subcommand, status }),
      );
    }
    return undefined;
  }

  private onGet(m: InitRequest | (OperationRequest & { pvRequest?: undefined })): void {
    if (m.subcommand & SUB.INIT)
      this.init(Command.GET, withRequest(m), (_c, context) => new GetOperation(context));
    else this.find(Command.GET, m, GetOperation)?.execute(m.subcommand);
  }

  private onPut(m: ReturnType<typeof decodePutRequest>): void {
    if (m.subcommand & SUB.INIT)
      this.init(Command.PUT, withRequest(m), (_c, context) => new PutOperation(context));
    else this.find(Command.PUT, m, PutOperation)?.execute(m.subcommand, m.value);
  }

  private onRpc(m: ReturnType<typeof decodeRpcRequest>): void {
    if (m.subcommand & SUB.INIT)
      this.init(Command.RPC, withRequest(m), (_c, context) => new RpcOperation(context));
    else this.find(Command.RPC, m, RpcOperation)?.execute(m.subcommand, m.argument ?? null);
  }

  private onMonitor(m: ReturnType<typeof decodeMonitorRequest>): void {
    if (m.subcommand & SUB.INIT) {
      const pipeline = (m.subcommand & SUB.PIPELINE) !== 0;
      this.init(
        Command.MONITOR,
        withRequest(m),
        (_c, context) => new MonitorOperation(context, this, pipeline, m.nfree ?? 0),
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
    if (m.subcommand & SUB.DESTROY) this.destroyOperation(m.ioid);
  }

  private onGetField(m: ReturnType<typeof decodeGetFieldRequest>): void {
    const { ioid } = m;
    const channel = this.channels.get(m.sid);
    if (!channel) {
      this.connection.send(Command.GET_FIELD, (w) =>
        encodeGetFieldResponse(w, { ioid, status: errorStatus('bad channel id') }),
      );
      return;
    }
    if (this.waiting >= MAX_WAITING_GET_FIELDS) {
      const status = errorStatus(`too many GET_FIELDs (${MAX_WAITING_GET_FIELDS}) wait on this connection`);
      this.connection.send(Command.GET_FIELD, (w) => encodeGetFieldResponse(w, { ioid, status }));
      return;
    }
    let answered = false;
    let giveUp = (): void => {};
    giveUp = channel.pv.whenOpen((top) => {
      answered = true;
      if (channel.waiting.delete(giveUp)) this.waiting--;
      const type = m.subfield === '' ? top : top.find(m.subfield)?.type;
      const status = type ? OK : errorStatus(`no field '${m.subfield}'`);
      this.connection.send(Command.GET_FIELD, (w) => encodeGetFieldResponse(w, { ioid, status, type }));
    });
    if (answered) return;
    channel.waiting.add(giveUp);
    this.waiting++;
  }

  waitForRoom(monitor: MonitorOperation): void {
    this.congested.add(monitor);
  }

  private onDrain(): void {
    if (this.congested.size === 0) return;
    const waiting = this.congested;
    this.congested = new Set();
    const served: MonitorOperation[] = [];
    for (const monitor of waiting) if (monitor.pump()) served.push(monitor);
    for (const monitor of served) if (this.congested.delete(monitor)) this.congested.add(monitor);
  }

  private onClosed(reason: PvaError | undefined): void {
    for (const channel of [...this.channels.values()]) this.forgetChannel(channel);
    this.operations.clear();
    this.congested.clear();
    this.host.closed(this, reason);
  }

  close(): void {
    this.connection.close();
  }
}

type OpContext = ConstructorParameters<typeof GetOperation>[0];

function withRequest(
  m: OperationRequest & { readonly pvRequest?: InitRequest['pvRequest'] | undefined },
): InitRequest {
  return { ...m, pvRequest: m.pvRequest ?? null };
}
