/**
 * ServerClient: one client's connection as the server sees it: its channels, its operations, every message of it.
 *
 * What a client does wrong gets an error reply where the protocol has one and closes the connection where state is
 * lost (an ioid used twice); unknown ids and commands are ignored, as PVXS and pvAccessCPP do (pva-protocol.md 3.8).
 */
import type { Credentials } from '../connection/server-connection.ts';
import { ServerConnection } from '../connection/server-connection.ts';
import type { Transport } from '../connection/transport.ts';
import { answerSearch, MAX_NAME_BYTES } from '../connection/udp-responder.ts';
import { type PvaError, RemoteProtocolError } from '../errors.ts';
import { Command, commandName } from '../frame/command.ts';
import { HEADER_SIZE } from '../frame/header.ts';
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
import { ChannelTraffic } from './channel-traffic.ts';
import { ClientCounters } from './client-counters.ts';
import { DEFAULT_LIMITS, type ServerLimits } from './limits.ts';
import { MonitorOperation } from './monitor-operation.ts';
import type { ConnectionReport } from './report.ts';
import type { ServedPV } from './source.ts';

/** What a server does for its clients' connections. */
export interface ServerClientHost {
  readonly guid: Uint8Array;
  readonly tcpPort: number;
  /** Seconds. */
  readonly timeout: number;
  /** Default {@link DEFAULT_LIMITS}. */
  readonly limits?: ServerLimits;
  has(name: string): boolean;
  open(name: string, client: Credentials): ServedPV | undefined;
  closed(client: ServerClient, reason: PvaError | undefined): void;
}

/** Types of ended puts kept so that requests still in flight can be decoded, with the types they may define. */
const MAX_RETIRED = 1000;
const REFUSED_SID = 0xffffffff;

interface ServerChannel {
  readonly cid: number;
  readonly sid: number;
  readonly name: string;
  readonly pv: ServedPV;
  readonly traffic: ChannelTraffic;
  readonly operations: Set<number>;
  /** How to give up each GET_FIELD that waits for the PV to open. */
  readonly waiting: Set<() => void>;
  readonly detach: () => void;
}

export class ServerClient {
  readonly connection: ServerConnection;
  private readonly host: ServerClientHost;
  private readonly channels = new Map<number, ServerChannel>();
  private readonly operations = new Map<number, { op: ServerOperation; channel: ServerChannel }>();
  private readonly retired = new Map<number, TypeDef>();
  private congested = new Set<MonitorOperation>();
  private credentials: Credentials;
  private nextSid = 0;
  private monitors = 0;
  private readonly limits: ServerLimits;
  private readonly counters = new ClientCounters();

  constructor(host: ServerClientHost, transport: Transport) {
    this.host = host;
    this.limits = host.limits ?? DEFAULT_LIMITS;
    this.credentials = { peer: transport.peer, method: '', account: '', host: '' };
    this.connection = new ServerConnection({
      transport,
      now: performance.now(),
      timeout: host.timeout,
      maxUnsent: this.limits.unsentBytes,
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

  /** Counters of this connection, its channels and monitors; `reset` begins to count anew. */
  report(reset: boolean): ConnectionReport {
    const { connection, credentials } = this;
    const channels = Array.from(this.channels.values(), ({ name, traffic, operations }) => ({
      name,
      traffic,
      operations: [...operations].flatMap((ioid) => this.operations.get(ioid)?.op ?? []),
    }));
    const { stats, unsentBytes } = connection;
    return this.counters.report({ stats, unsentBytes, credentials, channels }, reset);
  }

  /** Requests of a channel begin with its id. */
  private countReceived(command: number, r: WireReader): void {
    if (command < Command.DESTROY_CHANNEL || command === Command.MESSAGE || r.remaining < 4) return;
    const { bytes, offset, littleEndian, remaining } = r;
    const sid = littleEndian ? bytes.readUInt32LE(offset) : bytes.readUInt32BE(offset);
    const channel = this.channels.get(sid);
    if (channel) channel.traffic.rx += remaining + HEADER_SIZE;
  }

  private onMessage(command: number, r: WireReader, ctx: DecodeContext): void {
    this.countReceived(command, r);
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
    if (this.channels.size >= this.limits.channels) {
      this.counters.refused.channels++;
      refuse(`too many channels (${this.limits.channels}) on this connection`);
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
    const traffic = new ChannelTraffic(this.connection);
    this.channels.set(sid, {
      cid,
      sid,
      name,
      pv,
      traffic,
      operations: new Set(),
      waiting: new Set(),
      detach,
    });
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
    channel.detach();
  }

  private destroyOperation(ioid: number): void {
    const entry = this.operations.get(ioid);
    if (!entry) return;
    this.operations.delete(ioid);
    if (entry.op.command === Command.MONITOR) this.monitors--;
    entry.channel.operations.delete(ioid);
    if (entry.op instanceof PutOperation && entry.op.type) {
      this.retired.set(ioid, entry.op.type);
      if (this.retired.size > MAX_RETIRED) this.retired.delete(this.retired.keys().next().value as number);
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
    const full = this.isFull(command);
    if (full) {
      this.counters.refused[full]++;
      fail(`too many ${full} (${this.limits[full]}) on this connection`);
      return;
    }
    const op = make(channel, {
      connection: channel.traffic,
      pv: channel.pv,
      client: this.credentials,
      ioid: m.ioid,
      request: new PvRequest(m.pvRequest),
      ended: () => this.destroyOperation(m.ioid),
    });
    this.operations.set(m.ioid, { op, channel });
    if (command === Command.MONITOR) this.monitors++;
    channel.operations.add(m.ioid);
    op.init();
  }

  /** The limit that leaves no room for one more operation of this command. */
  private isFull(command: number): 'operations' | 'monitors' | undefined {
    if (this.operations.size >= this.limits.operations) return 'operations';
    return command === Command.MONITOR && this.monitors >= this.limits.monitors ? 'monitors' : undefined;
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
    if (channel.waiting.size >= this.limits.operations) {
      this.counters.refused.operations++;
      const status = errorStatus(`too many operations (${this.limits.operations}) on this channel`);
      this.connection.send(Command.GET_FIELD, (w) => encodeGetFieldResponse(w, { ioid, status }));
      return;
    }
    let answered = false;
    let giveUp = (): void => {};
    giveUp = channel.pv.whenOpen((top) => {
      answered = true;
      channel.waiting.delete(giveUp);
      const type = m.subfield === '' ? top : top.find(m.subfield)?.type;
      const status = type ? OK : errorStatus(`no field '${m.subfield}'`);
      this.connection.send(Command.GET_FIELD, (w) => encodeGetFieldResponse(w, { ioid, status, type }));
    });
    if (!answered) channel.waiting.add(giveUp);
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
