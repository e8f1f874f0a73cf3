/** The state machines of a server's channels and operations, for a client that the test plays byte by byte. */
import { Command } from '../../src/frame/command.ts';
import { encodeTyped, SUB } from '../../src/message/operation.ts';
import { encodeRequestControl } from '../../src/message/request-control.ts';
import { PostedUpdate } from '../../src/server/posted-update.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import type { MonitorSink, ServedPV } from '../../src/server/source.ts';
import type { IdTable } from '../../src/transient.ts';
import { parsePvRequest } from '../../src/value/pv-request.ts';
import type { TypeDef } from '../../src/value/type-def.ts';
import type { Value } from '../../src/value/value.ts';
import { settled } from '../support/memory-transport.ts';
import { messageBytes, type RawMessage } from '../support/raw-peer.ts';
import { destroyRequest, head, init, request } from '../support/requests.ts';
import { create, destroyChannel, INT, int } from '../support/server-asking.ts';
import { ServerSession } from '../support/server-session.ts';
import type { Machine, Subject } from '../support/state-machine.ts';

const SUBCOMMANDS: Readonly<Record<number, string>> = {
  [SUB.INIT]: ' INIT',
  [SUB.GET]: ' read back',
  [SUB.DESTROY]: ' destroy',
};
const WITH_HEAD: ReadonlySet<number> = new Set([Command.GET, Command.PUT, Command.RPC]);

/** The server's operation 5, whose state nobody outside can see. */
function operationOf({ client }: ServerSession): object | undefined {
  const table = Reflect.get(client, 'operations') as object;
  const operations = Reflect.get(table, 'operations') as IdTable<{ readonly op: object }>;
  return operations.get(5)?.op;
}

/** `GET INIT OK`, `MONITOR update`: what a client would read in it. */
function brief(m: RawMessage): string {
  if (m.command === Command.CREATE_CHANNEL) return `${m.name} ${m.payload[8] === 0xff ? 'OK' : 'refused'}`;
  if (m.command === Command.MONITOR) {
    const sub = m.payload[4] as number;
    if (sub === SUB.EXEC) return 'MONITOR update';
    return `MONITOR${sub & SUB.INIT ? ` INIT ${m.payload[5] === 0xff ? 'OK' : 'error'}` : ' end of the stream'}`;
  }
  if (!WITH_HEAD.has(m.command)) return m.name;
  const { subcommand, status } = head(m);
  const text = status.type > 1 ? `error "${status.message}"` : 'OK';
  return `${m.name}${SUBCOMMANDS[subcommand & ~SUB.DESTROY] ?? ''} ${text}`;
}

abstract class ServerSide implements Subject {
  readonly session: ServerSession;
  protected readonly log: string[] = [];
  private told = 0;

  constructor(session: ServerSession) {
    this.session = session;
  }

  abstract state(): string;

  async heard(): Promise<string[]> {
    const sent = (await this.session.peer.replies()).map((m) => `sends ${brief(m)}`);
    const { ended } = this.session.host;
    if (ended.length > this.told) sent.push(this.session.closedBecause ?? 'in good order');
    this.told = ended.length;
    return [...sent, ...this.log.splice(0)];
  }

  write(...bytes: Buffer[]): void {
    this.session.peer.write(...bytes);
  }
}

class ChannelSubject extends ServerSide {
  readonly pv: SharedPV;

  constructor(session: ServerSession, pv: SharedPV) {
    super(session);
    this.pv = pv;
  }

  state(): string {
    if (this.session.host.ended.length > 0) return 'closed';
    return this.session.client.channelNames().length > 0 ? 'open' : 'none';
  }

  static async in(state: string): Promise<ChannelSubject> {
    const pv = SharedPV.mailbox(int(1));
    const session = await ServerSession.ready({ p: pv });
    const subject = new ChannelSubject(session, pv);
    if (state === 'open') subject.write(create([1, 'p']));
    await settled();
    return subject;
  }
}

export const serverChannel: Machine<ChannelSubject> = {
  name: 'Server: channel',
  source: 'src/server/server-client.ts',
  states: Object.fromEntries(['none', 'open'].map((s) => [s, () => ChannelSubject.in(s)])),
  events: {
    CREATE_CHANNEL: (s) => s.write(create([2, 'p'])),
    'CREATE_CHANNEL of an unknown name': (s) => s.write(create([2, 'nobody'])),
    'CREATE_CHANNEL of the empty name': (s) => s.write(create([2, ''])),
    DESTROY_CHANNEL: (s) => s.write(destroyChannel(1, 1)),
    'DESTROY_CHANNEL of another': (s) => s.write(destroyChannel(9, 9)),
    'request on the channel': (s) => s.write(init(Command.GET, 1, 1)),
    'request on another channel': (s) => s.write(init(Command.GET, 9, 1)),
    'PV closes': (s) => s.pv.close(),
    'client disconnects': (s) => s.session.peer.transport.close(),
  },
};

/** A PV that does everything when the test says so. */
class ManualPV implements ServedPV {
  readonly log: string[];
  /** What is being done for the client. */
  private working: { done: (v: Value) => void; failed: (e: Error) => void } | null = null;
  private ready: ((type: TypeDef) => void) | null = null;
  private sink: MonitorSink | null = null;
  private isOpen: boolean;
  private disconnect = (): void => {};

  constructor(isOpen: boolean, log: string[]) {
    this.isOpen = isOpen;
    this.log = log;
  }

  attach(close: () => void): () => void {
    this.disconnect = close;
    return () => {};
  }
  whenOpen(ready: (type: TypeDef) => void): () => void {
    if (this.isOpen) ready(INT);
    else this.ready = ready;
    return () => {
      this.ready = null;
    };
  }
  get(): Promise<Value> {
    return this.work();
  }
  async put(): Promise<void> {
    await this.work();
  }
  rpc(): Promise<Value> {
    return this.work();
  }
  subscribe(sink: MonitorSink): () => void {
    this.sink = sink;
    this.log.push('subscribes');
    this.post();
    return () => {
      this.log.push('unsubscribes');
      this.sink = null;
    };
  }
  private work(): Promise<Value> {
    return new Promise((done, failed) => {
      this.working = { done, failed };
    });
  }
  get isWorking(): boolean {
    return this.working !== null;
  }
  finishWork(error?: Error): void {
    const { working } = this;
    this.working = null;
    if (error) working?.failed(error);
    else working?.done(int(4));
  }
  open(): void {
    this.isOpen = true;
    this.ready?.(INT);
    this.ready = null;
  }
  post(): void {
    this.sink?.push(new PostedUpdate(int(3).mark()));
  }
  finish(): void {
    const { sink } = this;
    sink?.finish();
  }
  close(): void {
    this.disconnect();
  }
}

class OperationSubject extends ServerSide {
  readonly pv: ManualPV;
  readonly command: number;

  constructor(session: ServerSession, pv: ManualPV, command: number, log: string[]) {
    super(session);
    this.pv = pv;
    this.command = command;
    this.shared = log;
  }
  private readonly shared: string[];

  override async heard(): Promise<string[]> {
    const heard = await super.heard();
    return [...heard, ...this.shared.splice(0)];
  }

  state(): string {
    if (this.session.host.ended.length > 0) return 'closed';
    const op = operationOf(this.session);
    if (!op) return 'none';
    if (Reflect.get(op, 'type') === undefined) return 'waiting';
    if (this.command !== Command.MONITOR) return this.pv.isWorking ? 'busy' : 'idle';
    return Reflect.get(op, 'unsubscribe') === null ? 'stopped' : 'running';
  }

  static async in(command: number, state: string): Promise<OperationSubject> {
    const log: string[] = [];
    const pv = new ManualPV(state !== 'waiting', log);
    const session = await ServerSession.ready({ p: pv });
    const subject = new OperationSubject(session, pv, command, log);
    await session.createChannel('p');
    if (state !== 'none') subject.write(init(command, 1, 5));
    await settled();
    if (state === 'busy') subject.execute();
    if (state === 'running') subject.write(request(command, 1, 5, SUB.START));
    await settled();
    return subject;
  }

  execute(subcommand: number = SUB.EXEC): void {
    this.write(
      request(this.command, 1, 5, subcommand, (w) => {
        if (this.command === Command.PUT && !(subcommand & SUB.GET)) int(2).encodePartial(w);
        if (this.command === Command.RPC) encodeTyped(w, int(2));
      }),
    );
  }
}

function operation(kind: 'GET' | 'PUT' | 'RPC'): Machine<OperationSubject> {
  const command = Command[kind];
  // RPC needs no type: it never waits for the PV to open.
  const states = kind === 'RPC' ? ['none', 'idle', 'busy'] : ['none', 'waiting', 'idle', 'busy'];
  const other = kind === 'GET' ? Command.PUT : Command.GET;
  return {
    name: `Server: ${kind}`,
    source: 'src/server/channel-operations.ts',
    states: Object.fromEntries(states.map((s) => [s, () => OperationSubject.in(command, s)])),
    events: {
      INIT: (s) => s.write(init(command, 1, 5)),
      'INIT on an unknown channel': (s) => s.write(init(command, 9, 5)),
      [kind]: (s) => s.execute(),
      ...(kind === 'PUT' && { 'PUT read back': (s: OperationSubject) => s.execute(SUB.GET) }),
      [`${kind} and destroy`]: (s) => s.execute(SUB.DESTROY),
      'request of another kind': (s) => s.write(request(other, 1, 5, 0, (w) => int(2).encodePartial(w))),
      'PV opens': (s) => s.pv.open(),
      'PV is done': (s) => s.pv.finishWork(),
      'PV fails': (s) => s.pv.finishWork(new Error('broken')),
      CANCEL_REQUEST: (s) =>
        s.write(messageBytes(Command.CANCEL_REQUEST, (w) => encodeRequestControl(w, { sid: 1, ioid: 5 }))),
      DESTROY_REQUEST: (s) => s.write(destroyRequest(1, 5)),
      DESTROY_CHANNEL: (s) => s.write(destroyChannel(1, 1)),
      'PV closes': (s) => s.pv.close(),
      'client disconnects': (s) => s.session.peer.transport.close(),
    },
  };
}

export const serverGet: Machine<OperationSubject> = operation('GET');
export const serverPut: Machine<OperationSubject> = operation('PUT');
export const serverRpc: Machine<OperationSubject> = operation('RPC');

const MONITOR = Command.MONITOR;
export const serverMonitor: Machine<OperationSubject> = {
  name: 'Server: MONITOR',
  source: 'src/server/monitor-operation.ts',
  states: Object.fromEntries(
    ['none', 'waiting', 'stopped', 'running'].map((s) => [s, () => OperationSubject.in(MONITOR, s)]),
  ),
  events: {
    INIT: (s) => s.write(init(MONITOR, 1, 5)),
    'INIT on an unknown channel': (s) => s.write(init(MONITOR, 9, 5)),
    start: (s) => s.write(request(MONITOR, 1, 5, SUB.START)),
    stop: (s) => s.write(request(MONITOR, 1, 5, SUB.STOP)),
    acknowledgement: (s) => s.write(request(MONITOR, 1, 5, SUB.PIPELINE, (w) => w.u32(1))),
    'GET for its id': (s) => s.write(request(Command.GET, 1, 5, 0)),
    'PV opens': (s) => s.pv.open(),
    'PV posts': (s) => s.pv.post(),
    'PV finishes': (s) => s.pv.finish(),
    destroy: (s) => s.write(request(MONITOR, 1, 5, SUB.DESTROY)),
    DESTROY_REQUEST: (s) => s.write(destroyRequest(1, 5)),
    DESTROY_CHANNEL: (s) => s.write(destroyChannel(1, 1)),
    'PV closes': (s) => s.pv.close(),
    'client disconnects': (s) => s.session.peer.transport.close(),
  },
};

/** A monitor whose client has said how many updates it takes: none to begin with. */
async function pipelined(state: string): Promise<OperationSubject> {
  const log: string[] = [];
  const pv = new ManualPV(true, log);
  const session = await ServerSession.ready({ p: pv });
  const subject = new PipelineSubject(session, pv, MONITOR, log);
  await session.createChannel('p');
  const nfree = state === 'window open' ? 3 : 0;
  subject.write(
    request(MONITOR, 1, 5, SUB.INIT | SUB.PIPELINE, (w) => {
      encodeTyped(w, parsePvRequest('record[pipeline=true]'));
      w.u32(nfree);
    }),
  );
  await settled();
  if (state !== 'stopped') subject.write(request(MONITOR, 1, 5, SUB.START));
  await settled();
  if (state === 'finishing') pv.finish();
  return subject;
}

class PipelineSubject extends OperationSubject {
  override state(): string {
    const state = super.state();
    if (state !== 'running' && state !== 'stopped') return state;
    const op = operationOf(this.session) as object;
    if (Reflect.get(op, 'finishing')) return 'finishing';
    if (state === 'stopped') return state;
    return Reflect.get(op, 'window') > 0 ? 'window open' : 'window closed';
  }
}

export const serverPipeline: Machine<OperationSubject> = {
  name: 'Server: MONITOR with flow control',
  source: 'src/server/monitor-operation.ts',
  states: Object.fromEntries(
    ['stopped', 'window open', 'window closed', 'finishing'].map((s) => [s, () => pipelined(s)]),
  ),
  events: {
    start: (s) => s.write(request(MONITOR, 1, 5, SUB.START)),
    stop: (s) => s.write(request(MONITOR, 1, 5, SUB.STOP)),
    'acknowledgement of one': (s) => s.write(request(MONITOR, 1, 5, SUB.PIPELINE, (w) => w.u32(1))),
    'acknowledgement of none': (s) => s.write(request(MONITOR, 1, 5, SUB.PIPELINE, (w) => w.u32(0))),
    'acknowledgement and destroy': (s) =>
      s.write(request(MONITOR, 1, 5, SUB.PIPELINE | SUB.DESTROY, (w) => w.u32(1))),
    'PV posts': (s) => s.pv.post(),
    'PV finishes': (s) => s.pv.finish(),
    destroy: (s) => s.write(request(MONITOR, 1, 5, SUB.DESTROY)),
    DESTROY_REQUEST: (s) => s.write(destroyRequest(1, 5)),
    DESTROY_CHANNEL: (s) => s.write(destroyChannel(1, 1)),
    'client disconnects': (s) => s.session.peer.transport.close(),
  },
};
