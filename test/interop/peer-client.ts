/**
 * A peer's client in a process of its own, told what to do line by line.
 *
 * What may live here: the line protocol of test/interop/python/json_lines.py and what its answers mean.
 */
import type { PeerType, PeerValue } from './catalogue.ts';
import type { Child } from './child.ts';

/** What an answer may take beyond the time the peer itself was given for the operation. */
const ANSWER_MARGIN_MS = 10_000;
/** Time a peer gets for one operation, in s, as json_lines.py. */
const DEFAULT_TIMEOUT = 5;

/** A type and a value of it, as a peer sees them. */
export interface TypedValue {
  readonly type: PeerType;
  readonly value: PeerValue;
}

/** What a peer got: `changed` (p4p only) lists the members the server sent, as p4p's `changedSet`. */
export interface GotValue extends TypedValue {
  readonly changed?: string[];
}

/** A number array: numpy's name of its type, its length, and the SHA-256 of its bytes, little endian. */
export interface ArrayDigest {
  readonly dtype: string;
  readonly length: number;
  readonly sha256: string;
}

/** One event of a monitor. */
export type MonitorEvent =
  | ({ readonly event: 'update' } & GotValue)
  | { readonly event: 'disconnected' | 'finished' }
  | { readonly event: 'error'; readonly error: string };

/** Options of one operation. */
export interface OperationOptions {
  /** pvRequest text. Default: everything. */
  readonly request?: string;
  /** Time the peer gets, in s. Default: 5. */
  readonly timeout?: number;
}

/** An operation that the peer says has failed. */
export class PeerError extends Error {
  override readonly name = 'PeerError';
  /**
   * `timeout`: no answer, or no such channel. `remote`: the server answered with an error. `disconnected`. `error`: anything
   * else, and with pvapy every error but a timeout.
   */
  readonly kind: string;

  constructor(kind: string, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** A peer's client in a process of its own. Its operations run one after the other. */
export class PeerClient {
  readonly child: Child;
  readonly #pending = new Map<number, { resolve(answer: unknown): void; reject(error: Error): void }>();
  #lastId = 0;

  constructor(child: Child) {
    this.child = child;
    child.onLine(({ stream, text }) => {
      if (stream === 'stdout' && text.startsWith('{"id":')) {
        this.#onAnswer(JSON.parse(text));
      }
    });
    void child.exited.then(() => {
      for (const { reject } of this.#pending.values()) {
        reject(child.error('ended before it answered'));
      }
    });
  }

  /** Reads a PV. */
  get(pv: string, options: OperationOptions = {}): Promise<GotValue> {
    return this.#ask<GotValue>({ op: 'get', pv, ...options });
  }

  /** The type of a PV. pvapy asks GET_FIELD; p4p has no such call and gives the type of a get. */
  async info(pv: string, options: OperationOptions = {}): Promise<PeerType> {
    return (await this.#ask<TypedValue>({ op: 'info', pv, ...options })).type;
  }

  /**
   * Writes to a PV.
   *
   * @param value Members to write; what is not given by member names goes to the member `value`.
   * @param options `get` (p4p only): whether to read before writing, as p4p does. Default: true.
   */
  async put(
    pv: string,
    value: PeerValue,
    options: OperationOptions & { readonly get?: boolean } = {},
  ): Promise<void> {
    await this.#ask({ op: 'put', pv, value, ...options });
  }

  /**
   * Writes and reads in one operation (PUT_GET), which only pvapy has.
   *
   * @param value For the member `value`, as text.
   * @param request With `putField(...)` and `getField(...)`.
   */
  putGet(pv: string, value: string, request: string, options: OperationOptions = {}): Promise<GotValue> {
    return this.#ask<GotValue>({ op: 'put_get', pv, value, ...options, request });
  }

  /** Calls an RPC with an NTURI whose query has these arguments; the result is null where the server gave none. */
  async rpc(
    pv: string,
    args: { [name: string]: TypedValue },
    options: OperationOptions = {},
  ): Promise<TypedValue | null> {
    return orNull(await this.#ask<TypedValue>({ op: 'rpc', pv, args, ...options }));
  }

  /** Calls an RPC with any structure as its argument. */
  async rpcWith(
    pv: string,
    argument: TypedValue,
    options: OperationOptions = {},
  ): Promise<TypedValue | null> {
    return orNull(await this.#ask<TypedValue>({ op: 'rpc', pv, argument, ...options }));
  }

  /** The first `count` events of a monitor, which is ended then. */
  async monitor(pv: string, count: number, options: OperationOptions = {}): Promise<MonitorEvent[]> {
    return (await this.#ask<{ events: MonitorEvent[] }>({ op: 'monitor', pv, count, ...options })).events;
  }

  /** Reads a PV whose member `value` is a number array: what it holds, without sending it here. */
  async digest(pv: string, options: OperationOptions = {}): Promise<ArrayDigest> {
    return digestOf(await this.#ask<ArrayDigest>({ op: 'digest', pv, ...options }));
  }

  /** Puts an array of `length` elements to the member `value`: element i is `i % 251`. */
  async fill(pv: string, length: number, options: OperationOptions = {}): Promise<void> {
    await this.#ask({ op: 'fill', pv, length, ...options });
  }

  /** Starts a monitor of number arrays; `nextDigest` takes its updates. */
  async watchDigest(sub: string, pv: string, options: OperationOptions = {}): Promise<void> {
    await this.#ask({ op: 'watch_digest', sub, pv, ...options });
  }

  /** The next update of such a monitor. @throws PeerError of kind `timeout` */
  async nextDigest(sub: string, options: { readonly timeout?: number } = {}): Promise<ArrayDigest> {
    const { events } = await this.#ask<{ events: ArrayDigest[] }>({ op: 'next', sub, count: 1, ...options });
    return digestOf(events[0] as ArrayDigest);
  }

  /** Starts a monitor whose events are collected under the name `sub` until `next` takes them. */
  async subscribe(sub: string, pv: string, options: OperationOptions = {}): Promise<void> {
    await this.#ask({ op: 'subscribe', sub, pv, ...options });
  }

  /**
   * The next `count` events of a subscription.
   *
   * @throws PeerError of kind `timeout` when fewer come in time; those are lost.
   */
  async next(
    sub: string,
    count: number,
    options: { readonly timeout?: number } = {},
  ): Promise<MonitorEvent[]> {
    return (await this.#ask<{ events: MonitorEvent[] }>({ op: 'next', sub, count, ...options })).events;
  }

  /** Ends a subscription. */
  async unsubscribe(sub: string): Promise<void> {
    await this.#ask({ op: 'unsubscribe', sub });
  }

  /** An operation that only this program has, and its answer. */
  call<T>(op: string, fields: object = {}): Promise<T> {
    return this.#ask<T>({ op, ...fields });
  }

  /** Ends the process: by the end of its input, with signals when that takes too long. */
  async stop(): Promise<void> {
    this.child.endInput();
    await this.child.waitForExit(3_000).catch(() => this.child.stop());
  }

  #ask<T>(request: { op: string; timeout?: number; [key: string]: unknown }): Promise<T> {
    this.#lastId += 1;
    const id = this.#lastId;
    const timeoutMs = (request.timeout ?? DEFAULT_TIMEOUT) * 1_000 + ANSWER_MARGIN_MS;
    return new Promise<unknown>((resolve, reject) => {
      const timer = setTimeout(
        () => settle.reject(this.child.error(`did not answer ${request.op} within ${timeoutMs} ms`)),
        timeoutMs,
      );
      const finish = () => {
        clearTimeout(timer);
        this.#pending.delete(id);
      };
      const settle = {
        resolve: (answer: unknown) => {
          finish();
          resolve(answer);
        },
        reject: (error: Error) => {
          finish();
          reject(error);
        },
      };
      this.#pending.set(id, settle);
      if (this.child.running) {
        this.child.writeLine(JSON.stringify({ id, ...request }));
      } else {
        settle.reject(this.child.error('has ended'));
      }
    }) as Promise<T>;
  }

  #onAnswer(answer: { id: number; ok: boolean; kind?: string; error?: string }): void {
    const waiting = this.#pending.get(answer.id);
    if (answer.ok) {
      waiting?.resolve(answer);
    } else {
      waiting?.reject(new PeerError(answer.kind ?? 'error', answer.error ?? 'no reason given'));
    }
  }
}

/** A digest without what else its answer holds. */
function digestOf({ dtype, length, sha256 }: ArrayDigest): ArrayDigest {
  return { dtype, length, sha256 };
}

function orNull(result: TypedValue): TypedValue | null {
  return result.type === null ? null : result;
}
