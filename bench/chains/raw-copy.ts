/**
 * The cheapest way to pass bytes on in Node: a process that reads from one TCP connection into one reused buffer and
 * writes what it read to another. What a mirror server is held against, and of the same shape: a client of the source, a
 * server of the sink.
 *
 * This file is all processes: the one that imports it starts, by role, a source that writes messages of a size at a
 * rate, the copy, and a sink that reads and drops.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { DONE, keepPace } from '../../sim/pace.ts';
import { processUse, useBetween } from '../peers/process-meter.ts';

const RECEIVE_BUFFER = 256 * 1024;
/** Different messages: as many as the simulator has frames in the runs of a mirror. */
const N_MESSAGES = 10;
const HOST = '127.0.0.1';
const THIS_FILE = fileURLToPath(import.meta.url);

/** What the copying process used. */
export interface RawCopyUse {
  readonly bytes: number;
  readonly cpuSeconds: number;
}

/**
 * Copies messages at a rate for a time.
 * @throws Error when one of the processes fails
 */
export async function rawCopyUse(
  messageBytes: number,
  messagesPerSecond: number,
  seconds: number,
): Promise<RawCopyUse> {
  const children: ChildProcess[] = [];
  const start = (role: string, ...args: number[]): ChildProcess => {
    const child = fork(THIS_FILE, [role, ...args.map(String)]);
    children.push(child);
    return child;
  };
  try {
    const sourcePort = await numberFrom(start('source', messageBytes, messagesPerSecond, seconds));
    const copy = start('copy', sourcePort);
    const copyPort = await numberFrom(copy);
    const before = processUse(copy.pid as number);
    const bytes = await numberFrom(start('sink', copyPort));
    const { cpuSeconds } = useBetween(before, processUse(copy.pid as number));
    return { bytes, cpuSeconds };
  } finally {
    for (const child of children) child.disconnect();
  }
}

/** The next number a process sends. */
async function numberFrom(child: ChildProcess): Promise<number> {
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`a process of the raw socket copy ended with exit code ${code}`);
  });
  const [value] = (await Promise.race([once(child, 'message'), ended])) as [number];
  return value;
}

/** Serves connections, and tells the parent the port. */
function serve(accept: (socket: net.Socket) => void): void {
  const server = net.createServer({ noDelay: true }, accept);
  server.listen(0, HOST, () => process.send?.((server.address() as AddressInfo).port));
}

/** Connects and hands over what arrives, in one buffer; after false the buffer is left alone until the socket is resumed. */
function readFrom(port: number, take: (bytes: Buffer) => boolean): net.Socket {
  const buffer = Buffer.allocUnsafeSlow(RECEIVE_BUFFER);
  return net.connect({
    port,
    host: HOST,
    onread: { buffer, callback: (n) => take(buffer.subarray(0, n)) },
  });
}

/** In the rhythm of the simulator: a copy is cheaper when several messages come at once. */
function source(messageBytes: number, messagesPerSecond: number, seconds: number): void {
  const messages = Array.from({ length: N_MESSAGES }, (_, i) => Buffer.alloc(messageBytes, i));
  const total = Math.round(messagesPerSecond * seconds);
  const period = 1000 / messagesPerSecond;
  serve(async (socket) => {
    const begin = performance.now();
    let sent = 0;
    const step = (): number => {
      if (sent === total) return DONE;
      if (socket.writableNeedDrain) return performance.now() + 1;
      socket.write(messages[sent++ % N_MESSAGES] as Buffer);
      return begin + sent * period;
    };
    await keepPace(step, new AbortController().signal);
    socket.end();
  });
}

function copy(sourcePort: number): void {
  serve((output) => {
    let paused = false;
    const input = readFrom(sourcePort, (bytes) => {
      // Nearly always the kernel takes it at once, and the buffer is free again.
      output.write(bytes, resume);
      paused = output.writableLength > 0;
      return !paused;
    });
    // `drain` would not do: it comes only after more than the stream's high-water mark has waited.
    const resume = (): void => {
      if (!paused || output.writableLength > 0) return;
      paused = false;
      input.resume();
    };
    input.on('end', () => output.end());
  });
}

function sink(copyPort: number): void {
  let received = 0;
  const input = readFrom(copyPort, (bytes) => {
    received += bytes.length;
    return true;
  });
  input.on('close', () => process.send?.(received));
}

if (process.argv[1] === THIS_FILE) {
  // Processes stay until their figures are taken: one that has ended says nothing about itself any more.
  process.on('disconnect', () => process.exit());
  const [role, ...args] = process.argv.slice(2);
  const [a, b, c] = args.map(Number) as [number, number, number];
  if (role === 'source') source(a, b, c);
  else if (role === 'copy') copy(a);
  else sink(a);
}
