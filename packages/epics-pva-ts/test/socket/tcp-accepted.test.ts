/** Sockets that a listener accepts: they read in place as those of clients do, and end as they did. */
import { once } from 'node:events';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type AcceptedSocket, type ByteSink, TcpListener, TcpTransport } from '../../src/socket/tcp.ts';
import { Happenings } from '../support/happenings.ts';

/** Takes what comes, and says how it came. */
class Sink implements ByteSink {
  readonly bytes: Buffer[] = [];
  copied = 0;
  readonly read = new Happenings<number>();
  readonly decoder = { writeTarget: (): Buffer => Buffer.alloc(1024) };

  received(target: Uint8Array, n: number): void {
    this.bytes.push(Buffer.from(target.subarray(0, n)));
    this.read.push(n);
  }

  receive(chunk: Uint8Array): void {
    this.copied += chunk.length;
    this.bytes.push(Buffer.from(chunk));
    this.read.push(chunk.length);
  }

  async total(n: number): Promise<Buffer> {
    await this.read.until((all) => all.reduce((sum, length) => sum + length, 0) >= n);
    return Buffer.concat(this.bytes);
  }
}

let listener: TcpListener | undefined;
let client: net.Socket | undefined;
afterEach(async () => {
  client?.destroy();
  await listener?.close();
});

async function accept(
  change: (socket: AcceptedSocket) => void = () => {},
): Promise<{ client: net.Socket; transport: TcpTransport; sink: Sink; closed: Promise<Error | undefined> }> {
  const sink = new Sink();
  let close: (error: Error | undefined) => void = () => {};
  const closed = new Promise<Error | undefined>((resolve) => {
    close = resolve;
  });
  const accepted = new Happenings<TcpTransport>();
  listener = await TcpListener.listen({
    host: '127.0.0.1',
    port: 0,
    accept: (socket) => {
      change(socket);
      const transport = TcpTransport.accepted(socket, { closed: close });
      transport.attach(sink);
      accepted.push(transport);
    },
  });
  client = net.connect(listener.port, '127.0.0.1');
  await once(client, 'connect');
  await accepted.count(1);
  const [transport] = accepted.all;
  return { client, transport: transport as TcpTransport, sink, closed };
}

describe('an accepted socket', () => {
  it('reads into the memory it is lent, and copies nothing', async () => {
    const { client, sink } = await accept();
    const sent = Buffer.from(Uint8Array.from({ length: 100_000 }, (_, i) => i * 7));
    client.write(sent);
    expect(await sink.total(sent.length)).toEqual(sent);
    expect(sink.copied).toBe(0);
  });

  it('knows its addresses, writes, pauses and goes on', async () => {
    const { client, transport, sink } = await accept();
    expect(transport.peer).toBe(`127.0.0.1:${client.localPort}`);
    expect(transport.localAddress).toBe('127.0.0.1');
    transport.write([Buffer.from('hel'), Buffer.from('lo')]);
    expect(String((await once(client, 'data'))[0])).toBe('hello');
    transport.pauseReading();
    client.write('later');
    transport.write([Buffer.from('?')]);
    await once(client, 'data');
    expect(sink.bytes).toEqual([]);
    transport.resumeReading();
    expect(String(await sink.total(5))).toBe('later');
  });

  it.each(['end', 'destroy'] as const)(
    'ends when its client does (%s), and the listener does not wait for it',
    async (how) => {
      const { client, closed } = await accept();
      client[how]();
      await closed;
      await listener?.close();
    },
  );

  it('ended by the server is ended for the client, and for the listener', async () => {
    const { client, transport, closed } = await accept();
    const end = once(client, 'end');
    client.resume();
    transport.close();
    await end;
    await closed;
    await listener?.close();
  });

  it('copies where Node keeps its connection elsewhere', async () => {
    const { client, sink } = await accept((socket) => {
      const handle = (socket as unknown as { _handle: object })._handle;
      Object.defineProperty(socket, '_handle', { get: () => undefined, configurable: true });
      // Only for the moment in which it is asked for.
      queueMicrotask(() => Object.defineProperty(socket, '_handle', { value: handle, writable: true }));
    });
    client.write('copied');
    expect(String(await sink.total(6))).toBe('copied');
    expect(sink.copied).toBe(6);
  });
});
