/**
 * A Server of ours with the PVs of p4p_server.py, in the process of the test: the whole catalogue, RPCs, a counter.
 *
 * What may live here: serving them and keeping what clients put, so that a test can look at our side of it.
 */
import { Server, SharedPV, serverConfigFromEnv, struct, Value } from 'epics-pva-ts';
import { type CatalogueEntry, type PeerType, type PeerValue, readCatalogue } from './catalogue.ts';
import { gotValueOf, structureOf, typeDefOf } from './peer-value.ts';

/** One put that a client made. */
export interface ReceivedPut {
  readonly type: PeerType;
  readonly value: PeerValue;
  /** Paths of the fields the client sent. */
  readonly changed: string[];
  /** How the client said who it is: `anonymous` or `ca`, and the account of the latter. */
  readonly method: string;
  readonly account: string;
}

const ntScalar = (kind: 'double' | 'long') =>
  struct('epics:nt/NTScalar:1.0', {
    value: kind,
    alarm: struct('alarm_t', { severity: 'int', status: 'int', message: 'string' }),
    timeStamp: struct('time_t', { secondsPastEpoch: 'long', nanoseconds: 'int', userTag: 'int' }),
  });

const COUNTER = ntScalar('long');

/** A running server with the catalogue. */
export class OurServer {
  readonly server: Server;
  readonly prefix: string;
  /** The counter, an NTScalar long, as `<prefix>counter`. Nothing counts it but `count`. */
  readonly counter = SharedPV.readonly(Value.create(COUNTER));
  readonly #pvs = new Map<string, SharedPV>();
  readonly #puts = new Map<string, ReceivedPut[]>();
  #count = 0n;

  private constructor(server: Server, prefix: string) {
    this.server = server;
    this.prefix = prefix;
  }

  /**
   * Serves the catalogue, `rpc:add`, `rpc:echo`, `rpc:void` and `rpc:error` as p4p_server.py does, `counter` and
   * `read-only`, an NTScalar double that refuses puts.
   *
   * @param env From `peerEnv`.
   * @param prefix Put before every PV name.
   * @param entries The entries to serve. Default: all.
   */
  static async start(
    env: NodeJS.ProcessEnv,
    prefix: string,
    entries: readonly CatalogueEntry[] = readCatalogue(),
  ): Promise<OurServer> {
    const self = new OurServer(new Server(serverConfigFromEnv(env)), prefix);
    for (const { name, type, value } of entries) {
      self.#add(name, self.#recording(name, structureOf(typeDefOf(type), value)));
    }
    self.#addRpc('rpc:add', (argument) => {
      const [lhs, rhs] = [argument?.get('query.lhs'), argument?.get('query.rhs')];
      return Value.create(ntScalar('double'), { value: Number(lhs) + Number(rhs) });
    });
    self.#addRpc('rpc:echo', (argument) => argument);
    self.#addRpc('rpc:void', () => null);
    self.#addRpc('rpc:error', () => Promise.reject(new Error('this RPC always fails')));
    self.#add('counter', self.counter);
    self.#add('read-only', SharedPV.readonly(Value.create(ntScalar('double'), { value: 1.25 })));
    await self.server.start();
    return self;
  }

  /** The PV of this name, without prefix. */
  pv(name: string): SharedPV {
    const pv = this.#pvs.get(name);
    if (pv === undefined) {
      throw new Error(`our server has no PV ${this.prefix}${name}`);
    }
    return pv;
  }

  /** What clients have put to a PV since the last call of this, in order. */
  takePuts(name: string): ReceivedPut[] {
    return this.#puts.get(name)?.splice(0) ?? [];
  }

  /** Posts the next `updates` numbers to the counter, at once, each with a time stamp of its own. */
  count(updates: number): void {
    for (let i = 0; i < updates; i++) {
      this.#count++;
      const timeStamp = { secondsPastEpoch: this.#count };
      this.counter.post(Value.create(COUNTER, { value: this.#count, timeStamp }));
    }
  }

  /**
   * Posts numbers to the counter on an absolute schedule until the returned function is called.
   *
   * @param rate Numbers a second.
   */
  startCounting(rate: number): () => void {
    const start = performance.now();
    let posted = 0;
    const timer = setInterval(() => {
      const due = Math.floor(((performance.now() - start) * rate) / 1_000);
      this.count(due - posted);
      posted = due;
    }, 1);
    return () => clearInterval(timer);
  }

  close(): Promise<void> {
    return this.server.close();
  }

  #add(name: string, pv: SharedPV): void {
    this.#pvs.set(name, pv);
    this.server.addPV(this.prefix + name, pv);
  }

  #addRpc(name: string, answer: (argument: Value | null) => Value | null | Promise<Value | null>): void {
    const pv = new SharedPV({ onRpc: (_pv, argument) => answer(argument) });
    pv.open(Value.create(ntScalar('double')));
    this.#add(name, pv);
  }

  #recording(name: string, initial: Value): SharedPV {
    const puts: ReceivedPut[] = [];
    this.#puts.set(name, puts);
    const pv = new SharedPV({
      onPut: (self, value, { method, account }) => {
        puts.push({ ...gotValueOf(value), method, account });
        self.post(value);
      },
    });
    pv.open(initial);
    return pv;
  }
}
