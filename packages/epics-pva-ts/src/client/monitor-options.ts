/** What a monitor is made with, what it tells, and what it counts. */
import type { PvaError } from '../errors.ts';
import type { AccessRights } from '../message/acl-change.ts';
import type { TypeDef } from '../value/type-def.ts';
import type { Value } from '../value/value.ts';
import type { BitSet } from '../wire/bit-set.ts';
import type { GetOptions } from './requests.ts';
import type { WhenFull } from './update-queue.ts';

/** What to call when a monitor has something to tell. Without `update` the updates are queued for `for await`. */
export interface MonitorHandlers {
  /**
   * One update: a complete structure whose marks say what changed. `overrun` holds the fields that changed more than
   * once since the update before. A returned promise stops reading from this server until it settles: do not wait in
   * it for another reply of the same server. A callback that throws or rejects ends the subscription, and what it
   * threw surfaces as an uncaught exception.
   */
  update?(value: Value, overrun: BitSet): void | Promise<void>;
  /** The channel is connected (again): `type` may differ from before. */
  connected?(server: string, type: TypeDef): void;
  /** The channel was lost; it is searched for again. */
  disconnected?(why: string): void;
  /**
   * The server ended the stream in good order (sub-command 0x10): the subscription is over and does not begin again by
   * itself, as in PVXS and p4p; who wants to go on makes another one. Nothing else calls it: an error is told to `error`,
   * a lost channel to `disconnected`, and `close()` or a cancelled `signal` to neither. A `for await` still gets what is
   * queued and then ends without an exception, as after `close()`; this callback tells the two apart.
   */
  finished?(): void;
  /** The server says what this client may do with the channel (ACL_CHANGE); most servers never do. */
  accessRights?(rights: AccessRights): void;
  /** The server refused or ended the monitor with an error; it is tried again when the channel reconnects. */
  error?(error: PvaError): void;
}

/** Options of monitor. It has no time limit: it waits until the channel is there. */
export interface MonitorOptions extends Omit<GetOptions, 'timeout'> {
  /** Length of the client-side queue of `for await`; default 4, with `record[pipeline=true]` at least the server's. */
  readonly queueSize?: number;
  /**
   * What happens to an update that finds that queue full. Default `'merge'`: into the newest one, so that the latest value
   * is never lost (PVXS). `'reject'`: it is dropped, so that every update that comes is one that was sent (PvaPy's
   * `PvObjectQueue`); the overrun mask of the next one says which fields were missed.
   */
  readonly whenFull?: WhenFull;
}

/**
 * Counters since the subscription was made or they were reset; `received` = `delivered` + `squashed` + `rejected` +
 * `queued`.
 */
export interface SubscriptionStats {
  /** Updates received. */
  readonly received: number;
  /** Updates with a non-empty overrun mask. */
  readonly overruns: number;
  /** Updates merged into the newest one because the queue of `for await` was full. */
  readonly squashed: number;
  /** Updates refused because the queue of `for await` was full, with `whenFull: 'reject'`. */
  readonly rejected: number;
  /** Updates handed to the callback, to `for await`, `take` or `pop`. */
  readonly delivered: number;
  /** Updates waiting for `for await` now. */
  readonly queued: number;
  /** Is the monitor running on a server now? */
  readonly connected: boolean;
}
