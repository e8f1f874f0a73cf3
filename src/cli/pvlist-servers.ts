/** The servers `pvlist` lists. The only place of the tool that knows how they are found: by `Context.discover`. */
import { Context } from 'epics-pva-ts';
import { delay } from './delay.ts';

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
  /** Time in seconds. */
  readonly timeout: number;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/** All servers that answer, in the order of their GUIDs. */
export async function findServers({ timeout, signal, log }: FindOptions): Promise<ListedServer[]> {
  const context = new Context({ log: (_level, message) => log(message) });
  const found = new Map<string, ListedServer & { addresses: string[] }>();
  const discovery = context.discover((announced) => {
    const guid = announced.guid.toUpperCase();
    if (announced.event === 'offline') {
      found.delete(guid);
      return;
    }
    const known = found.get(guid);
    if (!known)
      found.set(guid, {
        guid,
        version: announced.peerVersion,
        protocol: announced.protocol,
        addresses: [announced.server],
      });
    else if (!known.addresses.includes(announced.server)) known.addresses.push(announced.server);
  });
  try {
    await delay(timeout, signal);
  } finally {
    discovery.close();
    await context.close();
  }
  return [...found.values()].sort((a, b) => (a.guid < b.guid ? -1 : 1));
}
