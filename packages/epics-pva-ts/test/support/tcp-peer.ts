/** A plain TCP client that speaks bytes to a real server: for what no proper client would do. */
import { once } from 'node:events';
import net from 'node:net';
import { Command } from '../../src/frame/command.ts';
import { decodeCreateChannelResponse, encodeCreateChannelRequest } from '../../src/message/channel.ts';
import type { Server } from '../../src/server/server.ts';
import { Happenings } from './happenings.ts';
import { fromHex } from './hex.ts';
import { messageBytes, type RawMessage, readerOf, wholeMessages } from './raw-peer.ts';

/** Validation as "anonymous". */
export const ANONYMOUS: Buffer = fromHex(
  'ca 02 00 01 13 00 00 00 00 00 01 00 ff 7f 00 00 09 61 6e 6f 6e 79 6d 6f 75 73 ff',
);

export class TcpPeer {
  readonly socket: net.Socket;
  readonly messages = new Happenings<RawMessage>();
  /** Resolves when the connection has ended, whoever ended it. */
  readonly ended: Promise<void>;
  private rest: Buffer = Buffer.alloc(0);

  private constructor(socket: net.Socket) {
    this.socket = socket;
    this.ended = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      const { messages, rest } = wholeMessages(Buffer.concat([this.rest, chunk]));
      this.rest = rest;
      for (const m of messages) this.messages.push(m);
    });
  }

  static async connect(server: Server): Promise<TcpPeer> {
    const socket = net.connect(server.tcpPort, '127.0.0.1');
    const peer = new TcpPeer(socket);
    await once(socket, 'connect');
    return peer;
  }

  /** Connected and validated. */
  static async ready(server: Server): Promise<TcpPeer> {
    const peer = await TcpPeer.connect(server);
    peer.write(ANONYMOUS);
    await peer.messages.until((all) => all.some((m) => m.command === Command.CONNECTION_VALIDATED));
    return peer;
  }

  write(...bytes: Uint8Array[]): void {
    for (const b of bytes) this.socket.write(b);
  }

  /** Creates a channel; its sid. */
  async createChannel(name: string): Promise<number> {
    this.write(
      messageBytes(Command.CREATE_CHANNEL, (w) =>
        encodeCreateChannelRequest(w, { channels: [{ cid: 1, name }] }),
      ),
    );
    return decodeCreateChannelResponse(readerOf(await this.next(Command.CREATE_CHANNEL))).sid;
  }

  /** The first message of this command, now or later. */
  async next(command: number): Promise<RawMessage> {
    await this.messages.until((all) => all.some((m) => m.command === command && !m.control));
    return this.messages.all.find((m) => m.command === command && !m.control) as RawMessage;
  }

  close(): void {
    this.socket.destroy();
  }
}
