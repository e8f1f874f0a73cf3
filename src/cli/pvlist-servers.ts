/**
 * The servers `pvlist` lists: those that answer a search without names. The only place of the tool that knows how they
 * are found.
 */
import { pingServers } from 'epics-pva-ts';

/** A server that answered. */
export interface ListedServer {
  /** 24 hex digits in upper case, as pvlist prints them. */
  readonly guid: string;
  /** Protocol version of its messages. */
  readonly version: number;
  readonly protocol: string;
  /** `address:port`, at least one. */
  readonly addresses: readonly string[];
}

export interface FindOptions {
  /** Longest time in seconds. */
  readonly timeout: number;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/** All servers that answer, in the order of their GUIDs. */
export async function findServers({ timeout, signal, log }: FindOptions): Promise<ListedServer[]> {
  const servers = await pingServers({ timeout, signal, log: (_level, message) => log(message) });
  return servers.map((server) => ({ ...server, guid: server.guid.toUpperCase() }));
}
