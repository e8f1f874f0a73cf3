/**
 * NameServers: connections to the servers of EPICS_PVA_NAME_SERVERS, kept up so that names can be searched for over
 * TCP (pva-protocol.md 5.8).
 *
 * A host name is resolved for every attempt to connect: a name server that moved is found at its new address, and one
 * whose name was unknown while the network came up is found later. Of several addresses the next is tried each time.
 */
import { parseAddress } from '../config.ts';
import { SEARCH_SEQUENCE, searchBatches } from '../connection/search-batch.ts';
import type { Endpoint } from '../endpoint.ts';
import { NAME_SERVER_RETRY_MS } from '../limits.ts';
import type { SearchChannel } from '../message/search.ts';
import { type Lookup, resolveHost } from '../socket/resolve.ts';
import type { Log } from './log.ts';
import type { ServerLink } from './server-link.ts';

export interface NameServersOptions {
  /** `host[:port]` each. */
  readonly servers: readonly string[];
  /** Port of those given without one. */
  readonly defaultPort: number;
  readonly log: Log;
  readonly lookup?: Lookup | undefined;
  /** The connection to that server, a new one if there is none. */
  linkTo(endpoint: Endpoint): ServerLink;
  /** The names still searched for. */
  missing(): Iterable<SearchChannel>;
}

/** A name server that does not answer is tried again after 1, 2, 4, 8 and then every 10 s (PVXS: 10 s always). */
const FIRST_RETRY_MS = 1000;

interface NameServer {
  readonly host: string;
  readonly port: number;
  link: ServerLink | null;
  resolving: boolean;
  /** When to connect again, and how long to wait after the next failure. */
  retryAt: number;
  delay: number;
  attempts: number;
}

export class NameServers {
  private readonly options: NameServersOptions;
  private readonly servers: NameServer[];
  private closed = false;

  /** Begins to connect. @throws ConfigError for entries that are not `host[:port]` */
  constructor(options: NameServersOptions) {
    this.options = options;
    const entries = new Map(
      options.servers.map((text) => {
        const { host, port } = parseAddress(text, options.defaultPort);
        return [`${host} ${port}`, { host, port }];
      }),
    );
    this.servers = [...entries.values()].map((entry) => ({
      ...entry,
      link: null,
      resolving: false,
      retryAt: 0,
      delay: FIRST_RETRY_MS,
      attempts: 0,
    }));
    this.tick(0);
  }

  /** To be called about once a second: connects again to those that are gone. */
  tick(now: number): void {
    for (const server of this.servers)
      if (!server.link && !server.resolving && now >= server.retryAt) void this.connect(server);
  }

  private async connect(server: NameServer): Promise<void> {
    server.resolving = true;
    const addresses = await resolveHost(server.host, this.options.lookup);
    server.resolving = false;
    if (this.closed) return;
    const address = addresses[server.attempts++ % Math.max(1, addresses.length)];
    if (address === undefined) {
      this.options.log('warn', `name server ${server.host}: no such host, trying again`);
      this.retryLater(server);
      return;
    }
    server.link = this.options.linkTo({ address, port: server.port });
    // Channels may have opened the connection before.
    if (server.link.connection.isReady) this.onReady(server.link);
  }

  private retryLater(server: NameServer): void {
    server.retryAt = performance.now() + server.delay;
    server.delay = Math.min(NAME_SERVER_RETRY_MS, server.delay * 2);
  }

  /** Is this connection kept up for searches? */
  uses(link: ServerLink): boolean {
    return this.servers.some((server) => server.link === link);
  }

  /** A connection is validated: if it is a name server's it is asked at once for what is still missing. */
  onReady(link: ServerLink): void {
    if (!this.uses(link)) return;
    for (const batch of searchBatches(this.options.missing())) link.search(batch, SEARCH_SEQUENCE, true);
  }

  /** A connection ended; `connected` false: it never was. */
  onClosed(link: ServerLink, connected: boolean): void {
    for (const server of this.servers) {
      if (server.link !== link) continue;
      server.link = null;
      if (connected) server.delay = FIRST_RETRY_MS;
      this.retryLater(server);
    }
  }

  /** Asks every one that is connected. */
  search(channels: readonly SearchChannel[], sequence: number): void {
    for (const link of new Set(this.servers.map((server) => server.link))) link?.search(channels, sequence);
  }

  close(): void {
    this.closed = true;
  }
}
