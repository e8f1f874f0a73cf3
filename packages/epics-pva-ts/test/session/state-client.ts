/** The state machines of a client's channels and operations, against a server that the test plays. */
import type { Channel } from '../../src/client/channel.ts';
import type { OneShot } from '../../src/client/operation.ts';
import { GetRequest, InfoRequest, PutRequest, RpcRequest } from '../../src/client/requests.ts';
import { Subscription } from '../../src/client/subscription.ts';
import { Command } from '../../src/frame/command.ts';
import { encodeCreateChannelResponse, encodeDestroyChannel } from '../../src/message/channel.ts';
import { encodeMonitorResponse } from '../../src/message/monitor.ts';
import { encodeResponseHead, encodeTyped, SUB } from '../../src/message/operation.ts';
import { encodeServerMessage } from '../../src/message/request-control.ts';
import { encodeType } from '../../src/value/type-codec.ts';
import { BitSet } from '../../src/wire/bit-set.ts';
import { errorStatus, OK, type Status } from '../../src/wire/status.ts';
import { settled } from '../support/memory-transport.ts';
import { INT, ids, int } from '../support/scripted-replies.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import type { Machine, Subject } from '../support/state-machine.ts';

const NO = errorStatus('no');
const SUBCOMMANDS: Readonly<Record<number, string>> = {
  [SUB.EXEC]: '',
  [SUB.INIT]: ' INIT',
  [SUB.GET]: ' read back',
  [SUB.START]: ' start',
  [SUB.DESTROY]: ' destroy',
};
const OPERATIONS: ReadonlySet<number> = new Set([Command.GET, Command.PUT, Command.RPC, Command.MONITOR]);

/** A client with one channel `pv`. */
abstract class ClientSide implements Subject {
  readonly server: ScriptedServer;
  readonly channel: Channel;
  protected readonly log: string[] = [];

  constructor(createChannels: boolean) {
    this.server = new ScriptedServer({ createChannels });
    this.server.up = false;
    this.channel = this.server.channel('pv');
  }

  abstract state(): string;

  /** The search finds the server. */
  find(): void {
    this.server.up = true;
    this.channel.found({ address: 'script', port: 1 });
  }

  async heard(): Promise<string[]> {
    await settled();
    const requests = this.server.peers.length === 0 ? [] : await this.server.requests();
    const sent = requests.map((m) => {
      const sub = OPERATIONS.has(m.command) ? (SUBCOMMANDS[ids(m).subcommand] ?? '') : '';
      return `sends ${m.name}${sub}`;
    });
    return [...sent, ...this.log.splice(0)];
  }

  /** As the server, if anybody is connected. */
  say(command: number, write: Parameters<ScriptedServer['send']>[1]): void {
    if (this.server.peers.length > 0) this.server.send(command, write);
  }

  loseConnection(): void {
    this.server.up = false;
    if (this.server.peers.length > 0) this.server.peer.transport.close();
  }
}

class ChannelSubject extends ClientSide {
  private used = false;

  constructor() {
    super(false);
  }

  state(): string {
    return this.used ? 'closed' : this.channel.state;
  }

  static async in(state: string): Promise<ChannelSubject> {
    const subject = new ChannelSubject();
    if (state === 'searching') return subject;
    subject.find();
    await subject.heard();
    if (state !== 'connecting') subject.create(OK);
    await settled();
    // What searches again finds nothing: otherwise nobody sees that it does.
    subject.server.up = false;
    return subject;
  }

  create(status: Status, cid = 1): void {
    this.say(Command.CREATE_CHANNEL, (w) => encodeCreateChannelResponse(w, { cid, sid: 7, status }));
  }

  close(): void {
    this.used = true;
    this.channel.close();
  }

  destroy(sid: number): void {
    this.say(Command.DESTROY_CHANNEL, (w) => encodeDestroyChannel(w, { sid, cid: 1 }));
  }
}

export const clientChannel: Machine<ChannelSubject> = {
  name: 'Client: channel',
  source: 'src/client/channel.ts',
  states: Object.fromEntries(
    ['searching', 'connecting', 'active'].map((s) => [s, () => ChannelSubject.in(s)]),
  ),
  events: {
    'found by the search': (s) => s.find(),
    'CREATE_CHANNEL OK': (s) => s.create(OK),
    'CREATE_CHANNEL refused': (s) => s.create(NO),
    'CREATE_CHANNEL OK for another': (s) => s.create(OK, 99),
    DESTROY_CHANNEL: (s) => s.destroy(7),
    'DESTROY_CHANNEL of another': (s) => s.destroy(8),
    '10 s pass': (s) => s.channel.tick(performance.now() + 10_001),
    'connection lost': (s) => s.loseConnection(),
    'close()': (s) => s.close(),
  },
};

type Kind = 'GET' | 'PUT' | 'RPC' | 'GET_FIELD';

class OneShotSubject extends ClientSide {
  private readonly kind: Kind;
  private readonly command: number;
  private readonly abort = new AbortController();
  private outcome: string | null = null;
  private ioid = 0;
  private asked = 'waiting';

  constructor(kind: Kind) {
    super(true);
    this.kind = kind;
    this.command = Command[kind];
    const options = { timeout: 0, signal: this.abort.signal };
    const { channel } = this;
    const request =
      kind === 'GET'
        ? new GetRequest(channel, options)
        : kind === 'PUT'
          ? new PutRequest(channel, 5, options)
          : kind === 'RPC'
            ? new RpcRequest(channel, int(1), options)
            : new InfoRequest(channel, options);
    this.server.run(request as OneShot<unknown>).then(
      () => this.end('gives the result'),
      (error: { code?: string }) => this.end(`fails with ${error.code}`),
    );
  }

  private end(what: string): void {
    this.outcome = what;
    this.log.push(what);
  }

  state(): string {
    return this.outcome ? 'done' : this.asked;
  }

  override async heard(): Promise<string[]> {
    await settled();
    const requests = this.server.peers.length === 0 ? [] : await this.server.requests();
    const sent: string[] = [];
    for (const m of requests) {
      const { ioid, subcommand } = ids(m);
      const name = m.command === Command.GET_FIELD ? '' : (SUBCOMMANDS[subcommand] ?? '');
      const isControl = m.command === Command.DESTROY_REQUEST;
      sent.push(`sends ${m.name}${isControl ? '' : name}`);
      if (m.command !== this.command) continue;
      this.ioid = ioid;
      this.asked =
        this.kind === 'GET_FIELD' || subcommand & SUB.INIT
          ? 'asked'
          : subcommand & SUB.GET
            ? 'reading back'
            : 'executing';
    }
    if (this.channel.state !== 'active') this.asked = 'waiting';
    return [...sent, ...this.log.splice(0)];
  }

  static async in(kind: Kind, state: string): Promise<OneShotSubject> {
    const subject = new OneShotSubject(kind);
    if (state === 'waiting') return subject;
    subject.find();
    await subject.heard();
    if (state !== 'asked') subject.init(OK);
    await subject.heard();
    if (kind === 'PUT' && state !== 'asked' && state !== 'reading back') subject.data(SUB.GET, OK);
    await subject.heard();
    if (state === 'done') subject.data(SUB.EXEC, OK);
    await subject.heard();
    return subject;
  }

  init(status: Status): void {
    const { ioid, kind } = this;
    if (kind === 'GET_FIELD') {
      this.data(SUB.EXEC, status);
      return;
    }
    this.say(this.command, (w) => {
      encodeResponseHead(w, { ioid, subcommand: SUB.INIT, status });
      if (status === OK && kind !== 'RPC') encodeType(w, INT);
    });
  }

  data(subcommand: number, status: Status): void {
    const { ioid, kind } = this;
    this.say(this.command, (w) => {
      w.u32(ioid);
      if (kind !== 'GET_FIELD') w.u8(subcommand);
      if (status === OK) w.u8(0xff);
      else {
        w.u8(2);
        w.string('no');
        w.string('');
        return;
      }
      if (kind === 'GET_FIELD') encodeType(w, INT);
      else if (kind === 'RPC') encodeTyped(w, int(4));
      else if (kind === 'GET' || subcommand & SUB.GET) int(4).encodePartial(w);
    });
  }

  cancel(): void {
    this.abort.abort();
  }

  message(): void {
    const { ioid } = this;
    this.say(Command.MESSAGE, (w) => encodeServerMessage(w, { ioid, severity: 1, message: 'beware' }));
  }
}

function oneShot(kind: Kind, states: readonly string[]): Machine<OneShotSubject> {
  const field = kind === 'GET_FIELD';
  return {
    name: `Client: ${kind}`,
    source: 'src/client/requests.ts',
    states: Object.fromEntries(states.map((s) => [s, () => OneShotSubject.in(kind, s)])),
    events: {
      'channel connects': (s) => {
        if (s.channel.state === 'searching') s.find();
      },
      ...(!field && {
        'INIT reply OK': (s: OneShotSubject) => s.init(OK),
        'INIT reply with an error': (s: OneShotSubject) => s.init(NO),
      }),
      ...(kind === 'PUT' && {
        'read back OK': (s: OneShotSubject) => s.data(SUB.GET, OK),
        'read back with an error': (s: OneShotSubject) => s.data(SUB.GET, NO),
      }),
      'reply OK': (s) => s.data(SUB.EXEC, OK),
      'reply with an error': (s) => s.data(SUB.EXEC, NO),
      MESSAGE: (s) => s.message(),
      'channel destroyed': (s) => {
        s.server.up = false;
        if (s.server.peers.length > 0) s.server.destroyChannel('pv');
      },
      'connection lost': (s) => s.loseConnection(),
      cancelled: (s) => s.cancel(),
    },
  };
}

export const clientGet: Machine<OneShotSubject> = oneShot('GET', ['waiting', 'asked', 'executing', 'done']);
export const clientPut: Machine<OneShotSubject> = oneShot('PUT', [
  'waiting',
  'asked',
  'reading back',
  'executing',
  'done',
]);
export const clientRpc: Machine<OneShotSubject> = oneShot('RPC', ['waiting', 'asked', 'executing', 'done']);
export const clientGetField: Machine<OneShotSubject> = oneShot('GET_FIELD', ['waiting', 'asked', 'done']);

class MonitorSubject extends ClientSide {
  private readonly subscription: Subscription;
  private ioid = 0;
  private over = false;

  constructor() {
    super(true);
    this.subscription = new Subscription(
      this.channel,
      {},
      {
        update: (v) => {
          this.log.push(`update ${String(v.get('value'))}`);
        },
        connected: () => this.log.push('connected'),
        disconnected: () => this.log.push('disconnected'),
        finished: () => this.log.push('finished'),
        error: (e) => this.log.push(`error ${e.code}`),
      },
      () => {
        this.over = true;
      },
    );
  }

  state(): string {
    if (this.over) return 'ended';
    if (this.subscription.stats.connected) return 'streaming';
    if (Reflect.get(this.subscription, 'at') !== null) return 'asked';
    return this.channel.state === 'active' ? 'refused' : 'waiting';
  }

  override async heard(): Promise<string[]> {
    await settled();
    const sent: string[] = [];
    for (const m of this.server.peers.length === 0 ? [] : await this.server.requests()) {
      const { ioid, subcommand } = ids(m);
      if (m.command === Command.MONITOR) this.ioid = ioid;
      sent.push(`sends ${m.name}${m.command === Command.MONITOR ? (SUBCOMMANDS[subcommand] ?? '') : ''}`);
    }
    return [...sent, ...this.log.splice(0)];
  }

  static async in(state: string): Promise<MonitorSubject> {
    const subject = new MonitorSubject();
    if (state === 'waiting') return subject;
    subject.find();
    await subject.heard();
    if (state !== 'asked') subject.reply(SUB.INIT, state === 'refused' ? NO : OK);
    await subject.heard();
    if (state === 'ended') subject.close();
    await subject.heard();
    return subject;
  }

  reply(subcommand: number, status: Status, value?: number): void {
    const { ioid } = this;
    this.say(Command.MONITOR, (w) =>
      encodeMonitorResponse(w, {
        ioid,
        subcommand,
        status,
        ...(subcommand & SUB.INIT && { type: INT }),
        ...(value !== undefined && { value: int(value), overrun: new BitSet() }),
      }),
    );
  }

  close(): void {
    this.subscription.close();
  }
}

export const clientMonitor: Machine<MonitorSubject> = {
  name: 'Client: MONITOR',
  source: 'src/client/subscription.ts',
  states: Object.fromEntries(
    ['waiting', 'asked', 'streaming', 'refused', 'ended'].map((s) => [s, () => MonitorSubject.in(s)]),
  ),
  events: {
    'channel connects': (s) => {
      if (s.channel.state === 'searching') s.find();
    },
    'INIT reply OK': (s) => s.reply(SUB.INIT, OK),
    'INIT reply with an error': (s) => s.reply(SUB.INIT, NO),
    update: (s) => s.reply(SUB.EXEC, OK, 3),
    'end of the stream': (s) => s.reply(SUB.DESTROY, OK),
    'end of the stream with a last update': (s) => s.reply(SUB.DESTROY, OK, 4),
    'end of the stream with an error': (s) => s.reply(SUB.DESTROY, NO),
    'channel destroyed': (s) => {
      s.server.up = false;
      if (s.server.peers.length > 0) s.server.destroyChannel('pv');
    },
    'connection lost': (s) => s.loseConnection(),
    'close()': (s) => s.close(),
  },
};
