/**
 * FixedServer: takes the place of search for a channel whose server is given, as the channel `server` that no search
 * finds (pva-protocol.md 5.6).
 */
import type { SearchReason } from '../connection/search-schedule.ts';
import type { Endpoint } from '../endpoint.ts';

/** A server that was lost, could not be reached or refused the channel is asked again after this time, in ms. */
const RETRY_MS = 1000;

/** Says at once that the server has the name, and again whenever the channel was lost. */
export class FixedServer {
  private readonly endpoint: Endpoint;
  private readonly found: (cid: number, server: Endpoint) => void;
  private timer: NodeJS.Timeout | undefined;

  constructor(endpoint: Endpoint, found: (cid: number, server: Endpoint) => void) {
    this.endpoint = endpoint;
    this.found = found;
  }

  add(cid: number, _name: string, reason: SearchReason = 'new'): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.found(cid, this.endpoint), reason === 'new' ? 0 : RETRY_MS);
  }

  remove(_cid: number): void {
    clearTimeout(this.timer);
  }
}
