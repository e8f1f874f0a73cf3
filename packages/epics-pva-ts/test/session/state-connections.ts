/** The state machines of connections: handshake, keep-alive, end. pva-protocol.md 3.2, 6.1. */
import { ServerConnection } from '../../src/connection/server-connection.ts';
import type { PvaError } from '../../src/errors.ts';
import { Command } from '../../src/frame/command.ts';
import {
  caCredentials,
  encodeClientValidation,
  encodeValidated,
} from '../../src/message/connection-validation.ts';
import { errorStatus } from '../../src/wire/status.ts';
import { ClientSession, greeting } from '../support/client-session.ts';
import { MemoryTransport, settled } from '../support/memory-transport.ts';
import { messageBytes, RawPeer } from '../support/raw-peer.ts';
import type { Machine, Subject } from '../support/state-machine.ts';
import { ANONYMOUS } from '../support/tcp-peer.ts';

interface Ticking {
  tick(now: number): void;
}
/** Ticks once a second, up to and including `to`. */
function seconds(connection: Ticking, to: number): void {
  for (let s = 1; s <= to; s++) connection.tick(s * 1000);
}

class ClientSubject extends ClientSession implements Subject {
  private told = 0;

  state(): string {
    return this.connection.closed ? 'closed' : String(Reflect.get(this.connection, 'state'));
  }

  async heard(): Promise<string[]> {
    const heard = (await this.peer.replies()).map((m) => `sends ${m.name}`);
    heard.push(...this.messages.splice(0).map(() => 'hands the message on'));
    if (this.told === 0 && this.closed > 0) heard.push(this.closedBecause ?? 'in good order');
    this.told = this.closed;
    return heard;
  }

  static async in(state: string): Promise<ClientSubject> {
    const subject = new ClientSubject();
    if (state === 'closed') subject.connection.close();
    if (state === 'validating' || state === 'ready') subject.peer.write(greeting(true));
    await settled();
    if (state === 'ready') subject.write(Command.CONNECTION_VALIDATED, (w) => w.u8(0xff));
    await settled();
    return subject;
  }

  write(command: number, write: Parameters<RawPeer['send']>[1]): void {
    this.peer.send(command, write, { fromServer: true });
  }
}

export const clientConnection: Machine<ClientSubject> = {
  name: 'Client: connection',
  source: 'src/connection/client-connection.ts',
  states: Object.fromEntries(
    ['waiting', 'validating', 'ready', 'closed'].map((s) => [s, () => ClientSubject.in(s)]),
  ),
  events: {
    SET_BYTE_ORDER: (s) => s.peer.write('ca 02 41 02 00 00 00 00'),
    CONNECTION_VALIDATION: (s) => s.peer.write(greeting(true).subarray(8)),
    'CONNECTION_VALIDATED OK': (s) => s.write(Command.CONNECTION_VALIDATED, (w) => w.u8(0xff)),
    'CONNECTION_VALIDATED error': (s) =>
      s.write(Command.CONNECTION_VALIDATED, (w) => encodeValidated(w, errorStatus('no'))),
    ECHO: (s) => s.write(Command.ECHO, () => {}),
    'message of an operation': (s) => s.write(Command.MONITOR, (w) => w.bytes(Buffer.alloc(5))),
    'unknown command': (s) => s.write(0x7f, () => {}),
    'unknown control message': (s) => s.peer.write('ca 02 41 7f 00 00 00 00'),
    'malformed message': (s) => s.write(Command.CONNECTION_VALIDATION, (w) => w.u8(0)),
    'no header': (s) => s.peer.write('00 00 00 00 00 00 00 00'),
    "a client's message": (s) => s.peer.write('ca 02 00 02 00 00 00 00'),
    '16 s pass': (s) => seconds(s.connection, 16),
    '41 s of silence': (s) => seconds(s.connection, 41),
    'server disconnects': (s) => s.peer.transport.close(),
    'close()': (s) => s.connection.close(),
  },
};

class ServerSubject implements Subject {
  readonly connection: ServerConnection;
  readonly peer: RawPeer;
  private readonly log: string[] = [];
  private ready = false;

  constructor() {
    const [near, far] = MemoryTransport.pair();
    this.connection = new ServerConnection({
      transport: far,
      now: 0,
      handler: {
        ready: ({ method, account }) => {
          this.ready = true;
          this.log.push(`client is ${account || 'nobody'} by ${method}`);
        },
        message: () => this.log.push('hands the message on'),
        closed: (reason?: PvaError) =>
          this.log.push(reason ? `${reason.code} ${reason.message}` : 'in good order'),
        drain: () => {},
      },
    });
    far.attach(this.connection);
    this.peer = new RawPeer(near);
  }

  static async in(state: string): Promise<ServerSubject> {
    const subject = new ServerSubject();
    await subject.peer.replies();
    if (state === 'ready') subject.peer.write(ANONYMOUS);
    if (state === 'closed') subject.connection.close();
    await settled();
    return subject;
  }

  state(): string {
    if (this.connection.closed) return 'closed';
    return this.ready ? 'ready' : 'new';
  }

  async heard(): Promise<string[]> {
    const sent = (await this.peer.replies()).map((m) => `sends ${m.name}`);
    return [...sent, ...this.log.splice(0)];
  }

  validation(method: string, user?: string): void {
    this.peer.send(Command.CONNECTION_VALIDATION, (w) =>
      encodeClientValidation(w, {
        bufferSize: 0,
        registrySize: 0,
        qos: 0,
        method,
        data: user === undefined ? null : caCredentials(user, 'console'),
      }),
    );
  }
}

export const serverConnection: Machine<ServerSubject> = {
  name: 'Server: connection',
  source: 'src/connection/server-connection.ts',
  states: Object.fromEntries(['new', 'ready', 'closed'].map((s) => [s, () => ServerSubject.in(s)])),
  events: {
    'CONNECTION_VALIDATION anonymous': (s) => s.validation('anonymous'),
    'CONNECTION_VALIDATION ca': (s) => s.validation('ca', 'operator'),
    'CONNECTION_VALIDATION of another method': (s) => s.validation('x509'),
    ECHO: (s) => s.peer.write('ca 02 00 02 00 00 00 00'),
    'message of an operation': (s) =>
      s.peer.write(messageBytes(Command.GET, (w) => w.bytes(Buffer.alloc(9)))),
    'unknown command': (s) => s.peer.write('ca 02 00 7f 00 00 00 00'),
    SET_BYTE_ORDER: (s) => s.peer.write('ca 02 01 02 00 00 00 00'),
    'unknown control message': (s) => s.peer.write('ca 02 01 7f 00 00 00 00'),
    'malformed message': (s) => s.peer.write('ca 02 00 01 01 00 00 00 00'),
    'no header': (s) => s.peer.write('00 00 00 00 00 00 00 00'),
    "a server's message": (s) => s.peer.write('ca 02 40 02 00 00 00 00'),
    '10 s pass': (s) => seconds(s.connection, 10),
    '41 s of silence': (s) => seconds(s.connection, 41),
    'client disconnects': (s) => s.peer.transport.close(),
    'close()': (s) => s.connection.close(),
  },
};
