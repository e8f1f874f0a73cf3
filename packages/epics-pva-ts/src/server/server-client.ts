/**
 * ServerClient: one client's connection as the server sees it. Every message goes to its channels
 * (channel-table.ts) or its operations (operation-table.ts); searches over TCP are answered here.
 *
 * What a client does wrong gets an error reply where the protocol has one and closes the connection where state is
 * lost; unknown ids and commands are ignored, as PVXS and pvAccessCPP do (pva-protocol.md 3.8).
 */
import type { Credentials } from '../connection/server-connection.ts';
import { ServerConnection } from '../connection/server-connection.ts';
import type { Transport } from '../connection/transport.ts';
import { answerSearch } from '../connection/udp-responder.ts';
import type { PvaError } from '../errors.ts';
import { Command } from '../frame/command.ts';
import { HEADER_SIZE } from '../frame/header.ts';
import { type AccessRights, FULL_ACCESS } from '../message/acl-change.ts';
import { decodeCreateChannelRequest, decodeDestroyChannel } from '../message/channel.ts';
import { decodeGetFieldRequest } from '../message/get-field.ts';
import { decodeSearchRequest, encodeSearchResponse } from '../message/search.ts';
import type { DecodeContext } from '../value/decode-context.ts';
import type { WireReader } from '../wire/reader.ts';
import { ChannelTable, type ServerChannel } from './channel-table.ts';
import { ClientCounters } from './client-counters.ts';
import { Congestion } from './congestion.ts';
import { DEFAULT_LIMITS, type ServerLimits } from './limits.ts';
import { OperationTable } from './operation-table.ts';
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
  /** Payload bytes above which a message is sent in segments; default: the most a header can announce to every peer. */
  readonly maxSegment?: number | undefined;
  has(name: string): boolean;
  open(name: string, client: Credentials): ServedPV | undefined;
  /** What this client may do with the channel from the start; without it, or undefined: everything. */
  rights?(name: string, client: Credentials): AccessRights | undefined;
  closed(client: ServerClient, reason: PvaError | undefined): void;
  /** What a peer does that is ignored, but worth a line in the log. */
  notice?(text: string): void;
}

export class ServerClient {
  readonly connection: ServerConnection;
  private readonly host: ServerClientHost;
  private readonly channels: ChannelTable;
  private readonly operations: OperationTable;
  private readonly congestion: Congestion;
  private credentials: Credentials;
  private readonly counters = new ClientCounters();

  constructor(host: ServerClientHost, transport: Transport) {
    this.host = host;
    const limits = host.limits ?? DEFAULT_LIMITS;
    this.credentials = { peer: transport.peer, method: '', account: '', host: '' };
    this.connection = new ServerConnection({
      transport,
      now: performance.now(),
      timeout: host.timeout,
      maxSegment: host.maxSegment,
      maxUnsent: limits.unsentBytes,
      handler: {
        ready: (credentials) => {
          this.credentials = credentials;
        },
        message: (command, r, context) => this.onMessage(command, r, context),
        closed: (reason) => this.onClosed(reason),
        drain: () => this.congestion.giveTurns(),
        notice: (text) => host.notice?.(text),
      },
    });
    const { connection, counters } = this;
    this.congestion = new Congestion(connection);
    this.channels = new ChannelTable({
      connection,
      limits,
      counters,
      open: (name) => host.open(name, this.credentials),
      rights: (name) => host.rights?.(name, this.credentials),
      destroyOperation: (ioid) => this.operations.destroy(ioid),
    });
    this.operations = new OperationTable({
      connection,
      limits,
      counters,
      congestion: this.congestion,
      channels: this.channels,
      credentials: () => this.credentials,
    });
  }

  get peer(): string {
    return this.credentials.peer;
  }

  /** Channels this client has, in the order of their creation. */
  channelList(): ServerChannel[] {
    return [...this.channels];
  }

  /** Asks the host again what the client may do with each of its channels. */
  updateRights(): void {
    for (const channel of this.channels)
      channel.setRights(this.host.rights?.(channel.name, this.credentials) ?? FULL_ACCESS);
  }

  /** Names of the channels this client has. */
  channelNames(): string[] {
    return this.channelList().map((c) => c.name);
  }

  /** Operations this client has now, monitors among them. */
  get operationCount(): number {
    return this.operations.size;
  }

  /** Counters of this connection, its channels and monitors; `reset` begins to count anew. */
  report(reset: boolean): ConnectionReport {
    const { connection, credentials } = this;
    const channels = this.channelList().map(({ name, traffic, operations }) => ({
      name,
      traffic,
      operations: operations.ids().flatMap((ioid) => operations.get(ioid) ?? []),
    }));
    const { stats, unsentBytes, underWay } = connection;
    const requestStalls = underWay.stalls;
    return this.counters.report({ stats, requestStalls, unsentBytes, credentials, channels }, reset);
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
    if (this.operations.onMessage(command, r, ctx)) return;
    switch (command) {
      case Command.GET_FIELD:
        this.channels.describe(decodeGetFieldRequest(r));
        break;
      case Command.CREATE_CHANNEL:
        for (const c of decodeCreateChannelRequest(r).channels) this.channels.create(c.cid, c.name);
        break;
      case Command.DESTROY_CHANNEL:
        this.channels.destroy(decodeDestroyChannel(r).sid);
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
      default:
      // MESSAGE and what only servers send, ORIGIN_TAG and unknown commands are ignored.
    }
  }

  private onClosed(reason: PvaError | undefined): void {
    this.channels.clear();
    this.congestion.clear();
    this.host.closed(this, reason);
  }

  close(): void {
    this.connection.close();
  }
}
