/**
 * ChannelPool: the channels and connections of one Context, each made when it is first needed, shared by all who need it,
 * and closed when nobody has for a while.
 *
 * It joins what they need of each other: a search that found a server gives its channel the connection to it, a
 * connection that is lost sends its channels back to the search.
 */
import { type ClientConfig, parseAddress } from '../config.ts';
import { lossReport } from '../connection/loss-report.ts';
import { type Endpoint, formatEndpoint } from '../endpoint.ts';
import { LocalProtocolError } from '../errors.ts';
import { COLLECT_MS } from '../limits.ts';
import type { Lookup } from '../socket/resolve.ts';
import { Channel } from './channel.ts';
import { FixedServer } from './fixed-server.ts';
import type { Log } from './log.ts';
import { NameServers } from './name-servers.ts';
import { SearchEngine } from './search-engine.ts';
import { ServerLink } from './server-link.ts';

export interface ChannelPoolOptions {
  readonly config: ClientConfig;
  /** Claims sent to servers. */
  readonly user: string;
  readonly host: string;
  readonly log: Log;
  readonly lookup: Lookup | undefined;
  readonly maxSegment: number | undefined;
}

export class ChannelPool {
  readonly search: SearchEngine;
  private readonly options: ChannelPoolOptions;
  private readonly channels = new Map<string, Channel>();
  private readonly channelsByCid = new Map<number, Channel>();
  private readonly links = new Map<string, ServerLink>();
  private readonly nameServers: NameServers;
  private nextCid = 0x12345678;
  private lastCollect = performance.now();
  private closed = false;

  /** @throws ConfigError for a configuration that names an interface this host does not have */
  constructor(options: ChannelPoolOptions) {
    this.options = options;
    const { config, log, lookup } = options;
    this.search = new SearchEngine({
      config,
      log,
      lookup,
      found: (cid, server, guid) => this.channelsByCid.get(cid)?.found(server, guid),
      searchNameServers: (channels, sequence) => this.nameServers.search(channels, sequence),
      // The process that was there is gone, whether or not its connection has noticed: one message finds out.
      restarted: (server) => this.links.get(formatEndpoint(server))?.connection.probe(),
    });
    this.nameServers = new NameServers({
      servers: config.nameServers,
      defaultPort: config.serverPort,
      log,
      lookup,
      linkTo: (server) => this.linkTo(server),
      missing: () => this.search.missing,
    });
  }

  /** The channel of a name, at the server given or wherever it is found. @throws LocalProtocolError, ConfigError */
  channel(name: string, server?: string): Channel {
    if (name === '' || Buffer.byteLength(name) > 500)
      throw new LocalProtocolError(`a channel name has 1 to 500 bytes, '${name.slice(0, 40)}' does not`);
    const key = server === undefined ? name : `${server}\0${name}`;
    let channel = this.channels.get(key);
    if (!channel) {
      const search = server === undefined ? this.search : this.fixedServer(server);
      this.nextCid = (this.nextCid + 1) >>> 0;
      channel = new Channel({
        name,
        cid: this.nextCid,
        search,
        linkTo: (server) => this.linkTo(server),
        log: this.options.log,
      });
      this.channels.set(key, channel);
      this.channelsByCid.set(channel.cid, channel);
    }
    return channel;
  }

  private fixedServer(server: string): FixedServer {
    const { host, port } = parseAddress(server, this.options.config.serverPort);
    return new FixedServer({ address: host, port }, (cid, endpoint) =>
      this.channelsByCid.get(cid)?.found(endpoint),
    );
  }

  private linkTo(endpoint: Endpoint): ServerLink {
    const key = formatEndpoint(endpoint);
    let link = this.links.get(key);
    if (!link) {
      const { config, user, host, maxSegment, log } = this.options;
      link = new ServerLink({
        endpoint,
        timeout: config.tcpTimeout,
        user,
        host,
        maxSegment,
        notice: (text) => log('info', text),
        search: this.search,
        ready: (ready) => this.nameServers.onReady(ready),
        closed: (ended, channels, connected, reason) => {
          if (this.links.get(key) === ended) this.links.delete(key);
          this.nameServers.onClosed(ended, connected);
          if (reason && connected) log(...lossReport(`connection to ${key} lost`, reason));
          const why = `connection to ${key} lost${reason ? `: ${reason.message}` : ''}`;
          if (!this.closed)
            for (const c of channels) c.onLost(connected ? 'disconnected' : 'connect-failed', why);
        },
      });
      this.links.set(key, link);
    }
    return link;
  }

  /** To be called about once a second; closes what nobody has used for a while. */
  tick(now: number): void {
    for (const link of this.links.values()) link.connection.tick(now);
    for (const channel of this.channels.values()) channel.tick(now);
    this.nameServers.tick(now);
    this.search.tick(now);
    if (now - this.lastCollect < COLLECT_MS) return;
    this.lastCollect = now;
    for (const [key, channel] of this.channels) {
      if (!channel.isUnused()) continue;
      this.channels.delete(key);
      this.channelsByCid.delete(channel.cid);
      channel.close();
    }
    for (const link of this.links.values()) if (!this.nameServers.uses(link) && link.isUnused()) link.close();
  }

  /** Begins the end: no more connections to name servers, and what is lost from now on is not searched for again. */
  stop(): void {
    this.closed = true;
    this.nameServers.close();
  }

  /** Closes all channels and connections, after `stop`. */
  async close(): Promise<void> {
    for (const channel of this.channels.values()) channel.close();
    for (const link of [...this.links.values()]) link.close();
    await this.search.close();
  }
}
