/**
 * TCP: node:net behind the `Transport` a connection expects.
 *
 * Sockets read with `onread` straight into the decoder's memory: no Buffer per read, and as fast as raw C.
 */
import net from 'node:net';
import { formatEndpoint, unmapped } from '../endpoint.ts';
import { CLOSE_LINGER_MS, TCP_CONNECT_MS } from '../limits.ts';

/** The connection side of a socket; `Connection` in connection/ has this shape. */
export interface ByteSink {
  readonly decoder: { writeTarget(): Buffer };
  received(target: Uint8Array, n: number): void;
  receive(chunk: Uint8Array): void;
}

export interface TcpEvents {
  /** Connected (client) . */
  opened?(): void;
  /** Ended, once; `error` undefined when the peer closed in good order. */
  closed(error: Error | undefined): void;
}

/** One TCP connection; implements `Transport`. */
export class TcpTransport {
  readonly peer: string;
  private readonly socket: net.Socket;
  private sink: ByteSink | null = null;
  private writable = true;

  private constructor(socket: net.Socket, peer: string, events: TcpEvents) {
    this.socket = socket;
    this.peer = peer;
    let failure: Error | undefined;
    socket.setNoDelay(true);
    socket.on('error', (error) => {
      failure = error;
    });
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      this.writable = false;
      events.closed(failure);
    });
  }

  /** Connects; `attach` must be called before `opened`. Errors arrive through `closed`. */
  static connect(
    host: string,
    port: number,
    events: TcpEvents,
    timeoutMs: number = TCP_CONNECT_MS,
  ): TcpTransport {
    let transport: TcpTransport | null = null;
    const socket = readingInPlace(() => transport?.sink);
    const peer = formatEndpoint({ address: host, port });
    transport = new TcpTransport(socket, peer, events);
    const giveUp = (): void => {
      if (socket.connecting)
        socket.destroy(new Error(`no TCP connection to ${peer} within ${timeoutMs / 1000} s`));
    };
    // A process that was blocked hears of the connection only after its timers: it gets the chance to.
    const timer = setTimeout(() => setImmediate(giveUp), timeoutMs);
    socket.once('connect', () => {
      clearTimeout(timer);
      events.opened?.();
    });
    socket.once('close', () => clearTimeout(timer));
    socket.connect(port, host);
    return transport;
  }

  /** Wraps a socket a server has accepted. */
  static accepted(accepted: AcceptedSocket, events: TcpEvents): TcpTransport {
    const address = unmapped(accepted.remoteAddress ?? '');
    const peer = formatEndpoint({ address, port: accepted.remotePort ?? 0 });
    let transport: TcpTransport | null = null;
    const handle = takeHandle(accepted);
    if (!handle) {
      transport = new TcpTransport(accepted, peer, events);
      accepted.on('data', (chunk) => transport?.sink?.receive(chunk as Buffer));
      return transport;
    }
    const socket = readingInPlace(() => transport?.sink, handle);
    transport = new TcpTransport(socket, peer, events);
    // The listener counts the socket it made.
    socket.once('close', () => accepted.destroy());
    return transport;
  }

  attach(sink: ByteSink): void {
    this.sink = sink;
  }

  get pendingBytes(): number {
    return this.socket.writableLength;
  }

  write(chunks: readonly Uint8Array[], sent?: () => void): void {
    const socket = this.socket;
    const last = chunks.length - 1;
    if (!this.writable || last < 0) {
      sent?.();
      return;
    }
    if (last > 0) socket.cork();
    for (let i = 0; i < last; i++) socket.write(chunks[i] as Uint8Array);
    socket.write(chunks[last] as Uint8Array, () => sent?.());
    if (last > 0) socket.uncork();
  }

  pauseReading(): void {
    this.socket.pause();
  }

  resumeReading(): void {
    this.socket.resume();
  }

  close(): void {
    this.writable = false;
    // Lets the last message leave (a refusal, a destroyed channel), but not for ever.
    this.socket.end();
    setTimeout(() => this.socket.destroy(), CLOSE_LINGER_MS).unref();
  }

  get localAddress(): string {
    return unmapped(this.socket.localAddress ?? '');
  }
}

/** A socket that reads into the memory `sink` lends; of its own, or of a connection there is already. */
function readingInPlace(sink: () => ByteSink | null | undefined, handle?: object): net.Socket {
  return new net.Socket({
    ...(handle && { handle }),
    onread: {
      // Node asks for the buffer when the socket is made (nobody is attached yet), and again after each read.
      buffer: () => sink()?.decoder.writeTarget() ?? Buffer.alloc(64),
      callback: (n: number, bytes: Uint8Array) => {
        sink()?.received(bytes, n);
        return true;
      },
    },
  } as never);
}

/**
 * The connection behind a socket, which the socket gives up. Node lets nobody say `onread` for the sockets its servers
 * make, and a server that images are put into would copy each of them. Undefined if this Node keeps it elsewhere: then
 * the socket is as it was, and copies.
 */
function takeHandle(socket: net.Socket): object | undefined {
  const handle = (socket as unknown as { readonly _handle?: object | null })._handle;
  return handle && Reflect.set(socket, '_handle', null) ? handle : undefined;
}

/** A socket a listener has accepted. */
export type AcceptedSocket = net.Socket;

export interface TcpListenerOptions {
  /** Address to listen on; `0.0.0.0` is all interfaces of both families. */
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly accept: (socket: AcceptedSocket) => void;
}

/** What systems say that have no IPv6. */
const NO_IPV6 = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL', 'EPROTONOSUPPORT']);

/** A listening socket. */
export class TcpListener {
  private readonly server: net.Server;
  readonly port: number;

  private constructor(server: net.Server, port: number) {
    this.server = server;
    this.port = port;
  }

  /** @throws the system's error (EADDRINUSE, EACCES, EADDRNOTAVAIL) */
  static async listen(options: TcpListenerOptions): Promise<TcpListener> {
    if (options.host !== '0.0.0.0' && options.host !== '::') return TcpListener.open(options, options.host);
    try {
      // One socket for both families: Linux lets nobody bind both to one port (PVXS).
      return await TcpListener.open(options, '::');
    } catch (error) {
      if (!NO_IPV6.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      return TcpListener.open(options, '0.0.0.0');
    }
  }

  private static async open(options: TcpListenerOptions, host: string): Promise<TcpListener> {
    const server = net.createServer({ noDelay: true }, options.accept);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port: options.port, exclusive: true }, () => {
        server.off('error', reject);
        // Later errors concern single connections (no descriptor left to accept one): their clients try again.
        server.on('error', () => {});
        resolve();
      });
    });
    return new TcpListener(server, (server.address() as net.AddressInfo).port);
  }

  /** Stops listening; accepted sockets live on. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
    });
  }
}
