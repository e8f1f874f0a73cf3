/** A client's side of one connection, joined in memory with a peer that plays the server byte by byte. */
import { ClientConnection } from '../../src/connection/client-connection.ts';
import type { PvaError } from '../../src/errors.ts';
import { Command, ControlCommand } from '../../src/frame/command.ts';
import { writeControl } from '../../src/frame/header.ts';
import { encodeServerValidation, encodeValidated } from '../../src/message/connection-validation.ts';
import { OK } from '../../src/wire/status.ts';
import { WireWriter } from '../../src/wire/writer.ts';
import { type MemoryOptions, MemoryTransport } from './memory-transport.ts';
import { type RawMessage, RawPeer } from './raw-peer.ts';

/** What a server with this byte order sends first. */
export function greeting(littleEndian: boolean, methods: readonly string[] = ['anonymous', 'ca']): Buffer {
  const w = new WireWriter(littleEndian);
  writeControl(w, ControlCommand.SET_BYTE_ORDER, true);
  return Buffer.concat([w.finishBytes(), validation(littleEndian, methods)]);
}

function validation(littleEndian: boolean, methods: readonly string[]): Buffer {
  const w = new WireWriter(littleEndian);
  encodeServerValidation(w, { bufferSize: 0x10000, registrySize: 0x7fff, methods });
  const payload = w.finishBytes();
  const head = Buffer.from([0xca, 2, littleEndian ? 0x40 : 0xc0, Command.CONNECTION_VALIDATION, 0, 0, 0, 0]);
  if (littleEndian) head.writeUInt32LE(payload.length, 4);
  else head.writeUInt32BE(payload.length, 4);
  return Buffer.concat([head, payload]);
}

export class ClientSession {
  readonly connection: ClientConnection;
  /** The server's end. */
  readonly peer: RawPeer;
  /** What reached the owner of the connection, by command number. */
  readonly messages: number[] = [];
  ready = 0;
  closed = 0;
  private reason: PvaError | undefined;
  private readonly far: MemoryTransport;

  constructor(options: MemoryOptions & { readonly timeout?: number; readonly now?: number } = {}) {
    const [near, far] = MemoryTransport.pair(options);
    this.far = far;
    this.connection = new ClientConnection({
      transport: near,
      now: options.now ?? 0,
      ...(options.timeout === undefined ? {} : { timeout: options.timeout }),
      user: 'operator',
      host: 'console',
      handler: {
        ready: () => {
          this.ready++;
        },
        message: (command) => {
          this.messages.push(command);
        },
        closed: (reason) => {
          this.closed++;
          this.reason = reason;
        },
      },
    });
    near.attach(this.connection);
    this.peer = new RawPeer(far);
  }

  get closedBecause(): string | undefined {
    return this.reason && `${this.reason.code} ${this.reason.message}`;
  }

  /** The server's end of the transport. */
  get serverTransport(): MemoryTransport {
    return this.far;
  }

  /** Greets in this byte order and accepts; the client's answer. */
  async handshake(littleEndian = true): Promise<RawMessage> {
    this.peer.write(greeting(littleEndian));
    const answer = await this.peer.reply();
    this.peer.send(Command.CONNECTION_VALIDATED, (w) => encodeValidated(w, OK), {
      littleEndian,
      fromServer: true,
    });
    await this.peer.replies();
    return answer;
  }
}
