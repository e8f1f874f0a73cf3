/**
 * What a TCP connection between two Node processes carries on this machine: messages of a size, written as fast as
 * they go, read into one reused buffer and not looked at. The upper bound of what a pvAccess server in Node can do.
 *
 * This file is both processes: the one that imports it reads, the child that it starts writes.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

/** The fastest of 64, 128 and 256 KiB for the largest images, and within 5 % of the others for smaller ones. */
const RECEIVE_BUFFER = 128 * 1024;

/**
 * Messages a second from the first byte to the last.
 * @param nMessages How many of them differ. A sender of few reads them from the processor's cache: at 512 x 512 a socket
 *   moves a third more of 10 than of 100.
 * @throws Error when the writing process fails
 */
export async function rawSocketRate(
  messageBytes: number,
  nMessages: number,
  seconds: number,
): Promise<number> {
  const writer = fork(fileURLToPath(import.meta.url), [messageBytes, nMessages, seconds].map(String));
  const exited = once(writer, 'exit');
  const [port] = (await Promise.race([once(writer, 'message'), exited])) as [number];
  let bytes = 0;
  let first = 0;
  let last = 0;
  const reader = net.connect({
    port,
    host: '127.0.0.1',
    onread: {
      buffer: Buffer.allocUnsafeSlow(RECEIVE_BUFFER),
      callback: (n) => {
        last = performance.now();
        if (first === 0) first = last;
        bytes += n;
        return true;
      },
    },
  });
  await once(reader, 'close');
  const [code] = await exited;
  if (code !== 0) throw new Error(`the raw socket's writer ended with exit code ${code}`);
  return bytes / messageBytes / ((last - first) / 1000);
}

function write(socket: net.Socket, messageBytes: number, nMessages: number, seconds: number): void {
  const messages = Array.from({ length: nMessages }, (_, i) => Buffer.alloc(messageBytes, i));
  const end = performance.now() + seconds * 1000;
  let n = 0;
  const more = (): void => {
    while (performance.now() < end)
      if (!socket.write(messages[n++ % nMessages] as Buffer)) {
        socket.once('drain', more);
        return;
      }
    socket.end();
  };
  more();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [messageBytes, nMessages, seconds] = process.argv.slice(2).map(Number) as [number, number, number];
  const server = net.createServer({ noDelay: true }, (socket) => {
    server.close();
    socket.on('close', () => process.disconnect());
    write(socket, messageBytes, nMessages, seconds);
  });
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
}
