/**
 * ServerLink: the one TCP connection to a server, shared by all channels there. Creates channels on it and hands
 * each reply to its operation.
 */
import { ClientConnection } from '../connection/client-connection.ts';
import type { Transport } from '../connection/transport.ts';
import { type Endpoint, formatEndpoint } from '../endpoint.ts';
import { PvaError } from '../errors.ts';
import { Command } from '../frame/command.ts';
import { MAX_RETIRED_OPERATIONS, MAX_UNSENT_BYTES, NAME_SERVER_UNSENT_BYTES } from '../limits.ts';
import { decodeAclChange } from '../message/acl-change.ts';
import {
  decodeCreateChannelResponse,
  decodeDestroyChannel,
  encodeCreateChannelRequest,
  encodeDestroyChannel,
} from '../message/channel.ts';
import { decodeGetResponse } from '../message/get.ts';
import { decodeGetFieldResponse } from '../message/get-field.ts';
import { decodeMonitorResponse } from '../message/monitor.ts';
import { decodeProcessResponse } from '../message/process.ts';
import { decodePutResponse } from '../message/put.ts';
import { decodePutGetResponse } from '../message/put-get.ts';
import { decodeServerMessage, encodeRequestControl } from '../message/request-control.ts';
import { decodeRpcResponse } from '../message/rpc.ts';
import {
  decodeSearchResponse,
  encodeSearchRequest,
  type SearchChannel,
  SearchFlag,
  searchRequest,
} from '../message/search.ts';
import { TcpTransport } from '../socket/tcp.ts';
import { IdTable, LatestById } from '../transient.ts';
import type { DecodeContext } from '../value/decode-context.ts';
import { LAZY_FROM } from '../value/raw-body.ts';
import type { TypeDef } from '../value/type-def.ts';
import type { WireReader } from '../wire/reader.ts';
import { isSuccess } from '../wire/status.ts';
import type { Channel } from './channel.ts';
import type { Operation } from './operation.ts';
import type { SearchEngine } from './search-engine.ts';

/** What a link needs of its transport beside {@link Transport}. */
export interface LinkTransport extends Transport {
  attach(connection: ClientConnection): void;
}

export interface LinkEvents {
  /** Ended, once; `error` undefined when the peer closed in good order. */
  closed(error: Error | undefined): void;
}

export interface ServerLinkOptions {
  readonly endpoint: Endpoint;
  /** Seconds. */
  readonly timeout: number;
  readonly user: string;
  readonly host: string;
  /** Payload bytes above which a message is sent in segments; default: the most a header can announce to every peer. */
  readonly maxSegment?: number | undefined;
  /** What the peer does that is ignored, but worth a line in the log. */
  readonly notice?: (text: string) => void;
  readonly search: Pick<SearchEngine, 'onResponse'>;
  /** Opens the connection; default TCP. Tests join client and server in memory. */
  readonly connect?: (endpoint: Endpoint, events: LinkEvents) => LinkTransport;
  /** Ended; its channels are those given. `connected` false: it never was. */
  closed(link: ServerLink, channels: Channel[], connected: boolean, reason: Error | undefined): void;
  ready(link: ServerLink): void;
}

export class ServerLink {
  readonly endpoint: Endpoint;
  readonly connection: ClientConnection;
  private readonly options: ServerLinkOptions;
  /** By cid. */
  private readonly channels = new Map<number, Channel>();
  private readonly operations = new IdTable<Operation>();
  private readonly retired = new LatestById<{ type: TypeDef; putType: TypeDef | undefined }>(
    MAX_RETIRED_OPERATIONS,
  );
  private wasReady = false;
  private ended = false;
  /** Rounds of `collect` without a channel. */
  private idleRounds = 0;

  constructor(options: ServerLinkOptions) {
    this.options = options;
    this.endpoint = options.endpoint;
    const transport = (options.connect ?? connectTcp)(options.endpoint, {
      closed: (error) =>
        this.connection.transportClosed(error && new PvaError('PVA_SOCKET', error.message, { cause: error })),
    });
    this.connection = new ClientConnection({
      transport,
      now: performance.now(),
      timeout: options.timeout,
      user: options.user,
      host: options.host,
      maxSegment: options.maxSegment,
      handler: {
        notice: (text) => options.notice?.(text),
        ready: () => {
          this.wasReady = true;
          for (const channel of this.channels.values()) this.create(channel);
          options.ready(this);
        },
        message: (command, r, context) => this.onMessage(command, r, context),
        closed: (reason) => this.onClosed(reason),
      },
    });
    transport.attach(this.connection);
  }

  get name(): string {
    return formatEndpoint(this.endpoint);
  }

  /** Puts a channel on this connection; `channel.active` or `channel.refused` follows. */
  addChannel(channel: Channel): void {
    this.channels.set(channel.cid, channel);
    this.idleRounds = 0;
    if (this.connection.isReady) this.create(channel);
  }

  private create(channel: Channel): void {
    this.connection.send(Command.CREATE_CHANNEL, (w) =>
      encodeCreateChannelRequest(w, { channels: [{ cid: channel.cid, name: channel.name }] }),
    );
  }

  /** Takes a channel off; the server is told if it has it. */
  removeChannel(channel: Channel, sid: number | undefined): void {
    this.channels.delete(channel.cid);
    if (sid !== undefined)
      this.connection.send(Command.DESTROY_CHANNEL, (w) =>
        encodeDestroyChannel(w, { sid, cid: channel.cid }),
      );
  }

  register(operation: Operation): void {
    this.operations.set(operation.ioid, operation);
  }

  /** Forgets an operation; with a sid the server is told to. */
  unregister(operation: Operation, sid?: number): void {
    if (!this.operations.delete(operation.ioid)) return;
    if (operation.type)
      this.retired.keep(operation.ioid, { type: operation.type, putType: operation.putType });
    if (sid !== undefined)
      this.connection.send(Command.DESTROY_REQUEST, (w) =>
        encodeRequestControl(w, { sid, ioid: operation.ioid }),
      );
  }

  private readonly typeOf = (ioid: number): TypeDef | undefined =>
    this.operations.get(ioid)?.type ?? this.retired.get(ioid)?.type;

  private readonly putTypeOf = (ioid: number): TypeDef | undefined =>
    this.operations.get(ioid)?.putType ?? this.retired.get(ioid)?.putType;

  /** Operations that are initialised, or about to be. */
  get operationCount(): number {
    return this.operations.size;
  }

  private onMessage(command: number, r: WireReader, context: DecodeContext): void {
    switch (command) {
      case Command.MONITOR: {
        const m = decodeMonitorResponse(r, context, this.typeOf, LAZY_FROM);
        const operation = this.operations.get(m.ioid);
        if (operation) operation.onMonitor(m);
        else m.value?.release();
        break;
      }
      case Command.GET: {
        const m = decodeGetResponse(r, context, this.typeOf);
        this.operations.get(m.ioid)?.onReply(command, m);
        break;
      }
      case Command.PUT: {
        const m = decodePutResponse(r, context, this.typeOf);
        this.operations.get(m.ioid)?.onReply(command, m);
        break;
      }
      case Command.PUT_GET: {
        const m = decodePutGetResponse(r, context, this.typeOf, this.putTypeOf);
        this.operations.get(m.ioid)?.onReply(command, m);
        break;
      }
      case Command.PROCESS: {
        const m = decodeProcessResponse(r);
        this.operations.get(m.ioid)?.onReply(command, m);
        break;
      }
      case Command.RPC: {
        const m = decodeRpcResponse(r, context);
        this.operations.get(m.ioid)?.onReply(command, m);
        break;
      }
      case Command.GET_FIELD: {
        const m = decodeGetFieldResponse(r, context);
        this.operations.get(m.ioid)?.onReply(command, { ...m, subcommand: 0 });
        break;
      }
      case Command.CREATE_CHANNEL: {
        const m = decodeCreateChannelResponse(r);
        const channel = this.channels.get(m.cid);
        if (channel?.state !== 'connecting') {
          // Not wanted any more, or there already: PVXS gives it back too.
          // A server that sends such replies and reads nothing must not fill our memory with what we return.
          if (isSuccess(m.status) && this.connection.unsentBytes < MAX_UNSENT_BYTES)
            this.connection.send(Command.DESTROY_CHANNEL, (w) =>
              encodeDestroyChannel(w, { sid: m.sid, cid: m.cid }),
            );
        } else if (isSuccess(m.status)) channel.onActive(m.sid);
        else {
          this.channels.delete(m.cid);
          channel.onRefused(m.status.message);
        }
        break;
      }
      case Command.DESTROY_CHANNEL: {
        const m = decodeDestroyChannel(r);
        const channel = this.channels.get(m.cid);
        if (channel?.hasSid(m.sid)) {
          this.channels.delete(m.cid);
          channel.onLost('disconnected', `server ${this.name} removed the channel`);
        }
        break;
      }
      case Command.ACL_CHANGE: {
        const { cid, rights } = decodeAclChange(r);
        this.channels.get(cid)?.onAccessRights(rights);
        break;
      }
      case Command.SEARCH_RESPONSE:
        this.options.search.onResponse(decodeSearchResponse(r), this.endpoint);
        break;
      case Command.MESSAGE: {
        const m = decodeServerMessage(r);
        this.operations.get(m.ioid)?.onServerMessage(m.severity, m.message);
        break;
      }
      default:
      // ORIGIN_TAG and unknown commands are ignored (pva-protocol.md 3).
    }
  }

  /**
   * Sends names to this server as a name server; skipped while much is unsent, as PVXS does.
   * @param always do not skip: they are not asked for again soon
   */
  search(channels: readonly SearchChannel[], sequence: number, always = false): void {
    if (!this.connection.isReady || (!always && this.connection.unsentBytes > NAME_SERVER_UNSENT_BYTES))
      return;
    const request = searchRequest(channels, { sequence, flags: SearchFlag.UNICAST, replyPort: 0 });
    this.connection.send(Command.SEARCH, (w) => encodeSearchRequest(w, request));
  }

  /** Once in a while: true when nothing has used this connection for two rounds. */
  isUnused(): boolean {
    this.idleRounds = this.channels.size === 0 ? this.idleRounds + 1 : 0;
    return this.idleRounds > 2;
  }

  private onClosed(reason: Error | undefined): void {
    if (this.ended) return;
    this.ended = true;
    const channels = [...this.channels.values()];
    this.channels.clear();
    this.operations.clear();
    this.options.closed(this, channels, this.wasReady, reason);
  }

  close(): void {
    this.connection.close();
  }
}

function connectTcp({ address, port }: Endpoint, events: LinkEvents): LinkTransport {
  return TcpTransport.connect(address, port, events);
}
