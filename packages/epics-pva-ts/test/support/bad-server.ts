/**
 * A TCP server that speaks bytes to a real client: it does the handshake, finds every name and creates every channel
 * unless the test has it do otherwise, and answers the rest as the test says.
 */
import net from 'node:net';
import type { ContextOptions } from '../../src/client/context.ts';
import { Command } from '../../src/frame/command.ts';
import { decodeCreateChannelRequest, encodeCreateChannelResponse } from '../../src/message/channel.ts';
import { encodeValidated } from '../../src/message/connection-validation.ts';
import { decodeSearchRequest, encodeSearchResponse } from '../../src/message/search.ts';
import { OK } from '../../src/wire/status.ts';
import type { WireWriter } from '../../src/wire/writer.ts';
import { greeting } from './client-session.ts';
import { Happenings } from './happenings.ts';
import { messageBytes, type RawMessage, readerOf, wholeMessages } from './raw-peer.ts';

export interface BadServerOptions {
  /** Instead of the greeting, or undefined to say nothing. */
  readonly greet?: (peer: BadPeer) => void;
  /** Every message; true if it was dealt with. */
  readonly answer?: (peer: BadPeer, m: RawMessage) => boolean;
}

/** One client's connection. */
export class BadPeer {
  readonly socket: net.Socket;
  readonly port: number;
  private rest: Buffer = Buffer.alloc(0);
  private wake = (): void => {};

  constructor(socket: net.Socket, port: number, onMessage: (peer: BadPeer, m: RawMessage) => void) {
    this.socket = socket;
    this.port = port;
    socket.on('error', () => {});
    socket.on('drain', () => this.wake());
    socket.on('close', () => this.wake());
    socket.on('data', (chunk: Buffer) => {
      const { messages, rest } = wholeMessages(Buffer.concat([this.rest, chunk]));
      this.rest = rest;
      for (const m of messages) onMessage(this, m);
    });
  }

  send(command: number, write: (w: WireWriter) => void): void {
    if (!this.socket.destroyed) this.socket.write(messageBytes(command, write, { fromServer: true }));
  }

  /** Resolves when the client has taken what was written, or has gone. */
  async taken(): Promise<void> {
    if (this.socket.writableLength === 0 || this.socket.destroyed) return;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
    });
  }
}

export class BadServer {
  readonly port: number;
  readonly connected = new Happenings<BadPeer>();
  readonly ended = new Happenings<BadPeer>();
  readonly messages = new Happenings<RawMessage>();
  private readonly server: net.Server;

  private constructor(server: net.Server, options: BadServerOptions) {
    this.server = server;
    this.port = (server.address() as net.AddressInfo).port;
    server.on('connection', (socket) => {
      const peer = new BadPeer(socket, this.port, (p, m) => {
        this.messages.push(m);
        if (!options.answer?.(p, m)) standard(p, m);
      });
      socket.once('close', () => this.ended.push(peer));
      if (options.greet) options.greet(peer);
      else socket.write(greeting(true));
      this.connected.push(peer);
    });
  }

  static async start(options: BadServerOptions = {}): Promise<BadServer> {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new BadServer(server, options);
  }

  /** For a client that knows this server and no other: it is its name server. */
  clientOptions(): ContextOptions {
    return {
      addressList: [],
      autoAddrList: false,
      interfaces: ['127.0.0.1'],
      nameServers: [`127.0.0.1:${this.port}`],
    };
  }

  async close(): Promise<void> {
    for (const peer of this.connected.all) peer.socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** What every server does. */
function standard(peer: BadPeer, m: RawMessage): void {
  switch (m.command) {
    case Command.CONNECTION_VALIDATION:
      peer.send(Command.CONNECTION_VALIDATED, (w) => encodeValidated(w, OK));
      break;
    case Command.ECHO:
      peer.send(Command.ECHO, (w) => w.bytes(m.payload));
      break;
    case Command.SEARCH: {
      const { sequence, channels } = decodeSearchRequest(readerOf(m));
      peer.send(Command.SEARCH_RESPONSE, (w) =>
        encodeSearchResponse(w, {
          guid: new Uint8Array(12),
          sequence,
          serverAddress: '127.0.0.1',
          serverPort: peer.port,
          protocol: 'tcp',
          found: true,
          cids: channels.map((c) => c.cid),
        }),
      );
      break;
    }
    case Command.CREATE_CHANNEL:
      for (const { cid } of decodeCreateChannelRequest(readerOf(m)).channels)
        peer.send(Command.CREATE_CHANNEL, (w) =>
          encodeCreateChannelResponse(w, { cid, sid: cid + 1000, status: OK }),
        );
      break;
    default:
  }
}
