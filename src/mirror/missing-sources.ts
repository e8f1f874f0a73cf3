/**
 * MissingSources: says once of every mirror that its source has not been there for a while, in one line for all of
 * them. A mirror without a source is not served at all, so its clients see nothing that tells them why; and mirrors of
 * several servers in a circle wait for each other for ever.
 */
import type { Logger } from '../log.ts';
import type { MirrorChannel } from './mirror-channel.ts';

/** A source that is there within this time, in ms, is not missed. */
const MISSED_AFTER_MS = 10_000;
/** Mirrors named in a line. */
const NAMED = 5;

/** What is looked at of a mirror. */
export type Mirror = Pick<MirrorChannel, 'spec' | 'connected'>;

export class MissingSources {
  private readonly channels: readonly Mirror[];
  private readonly logger: Logger;
  /** Since when a mirror has no source; Infinity when that was said. */
  private readonly since = new Map<Mirror, number>();

  constructor(channels: readonly Mirror[], logger: Logger) {
    this.channels = channels;
    this.logger = logger;
  }

  /** The source of a mirror has come or gone: it is missed anew, however short it was there. */
  seen(channel: Mirror): void {
    this.since.delete(channel);
  }

  /** To be called about every second. @param now ms of a steady clock */
  check(now: number): void {
    const missed: string[] = [];
    for (const channel of this.channels) {
      if (channel.connected) continue;
      const since = this.since.get(channel);
      if (since === undefined) this.since.set(channel, now);
      else if (now - since >= MISSED_AFTER_MS) {
        this.since.set(channel, Number.POSITIVE_INFINITY);
        missed.push(`${channel.spec.mirror} from ${channel.spec.source}`);
      }
    }
    if (missed.length > 0) this.say(missed);
  }

  private say(missed: readonly string[]): void {
    const more = missed.length > NAMED ? ` and ${missed.length - NAMED} more` : '';
    this.logger.error(
      `no source for ${MISSED_AFTER_MS / 1000} s, still searching: ${missed.slice(0, NAMED).join(', ')}${more}; ` +
        'check the names, that their servers run, and EPICS_PVA_ADDR_LIST; a source that is itself a mirror of one ' +
        'of these mirrors (a circle of mirror servers) never appears: mirror the original channel instead',
    );
  }
}
