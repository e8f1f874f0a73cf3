/** What a SharedPV asks and tells its owner, and how access security knows it. */
import type { Credentials } from '../connection/server-connection.ts';
import type { Value } from '../value/value.ts';
import type { RequestInfo } from './request-info.ts';
import type { SharedPV } from './shared-pv.ts';

/** Decides about a put: `post()` it or not; throw (or reject) to refuse it with a message. */
export type PutHandler = (
  pv: SharedPV,
  value: Value,
  client: Credentials,
  info: RequestInfo,
) => void | Promise<void>;
/** Answers a call; throw (or reject) to refuse it with a message. */
export type RpcHandler = (
  pv: SharedPV,
  argument: Value | null,
  client: Credentials,
  info: RequestInfo,
) => Value | null | Promise<Value | null>;
/** Does what processing means for this PV; throw (or reject) to tell the client that it failed. */
export type ProcessHandler = (pv: SharedPV, client: Credentials, info: RequestInfo) => void | Promise<void>;

/** What a {@link SharedPV} asks and tells its owner. */
export interface SharedPVHandlers {
  /** Decides about what clients put. Without it puts are refused. Who is done with a value may `release()` it. */
  onPut?: PutHandler;
  /** Answers calls. Without it calls are refused. Who is done with an argument may `release()` it. */
  onRpc?: RpcHandler;
  /** PROCESS, and puts and gets with `record[process=true]`; without it PROCESS is refused. */
  onProcess?: ProcessHandler;
  /** The first client has connected. */
  onFirstConnect?: (pv: SharedPV) => void;
  /** The last client is gone. */
  onLastDisconnect?: (pv: SharedPV) => void;
}

export interface SharedPVOptions extends SharedPVHandlers {
  /** Access security group, as of a record. Default DEFAULT. See AccessSecurity. */
  readonly asg?: string;
  /** Access security level, as of a record. Default 0. */
  readonly asl?: 0 | 1;
}
