/**
 * Clients that mean harm or have gone, on the sockets of a real server: they cost little, they are disconnected in
 * time, and everybody else is served meanwhile.
 */
import { describe, expect, it } from 'vitest';
import { Command } from '../../src/frame/command.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import type { ServedPV } from '../../src/server/source.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { fromHex } from '../support/hex.ts';
import { clientOf, Happenings, serve } from '../support/loopback.ts';
import { MemoryWatch, MiB } from '../support/memory-use.ts';
import { init, request } from '../support/requests.ts';
import { int } from '../support/server-asking.ts';
import { ANONYMOUS, TcpPeer } from '../support/tcp-peer.ts';

/** A well-behaved client gets its value: the server is well. */
async function isWell(context: ReturnType<typeof clientOf>): Promise<void> {
  expect((await context.get('p')).get('value')).toBe(1);
}

describe('slow-loris', () => {
  it('connections that never validate cost little and end after 10 s, also those that go on byte by byte', async () => {
    const lines = new Happenings<string>();
    const server = await serve({ p: SharedPV.mailbox(int(1)) }, { log: (_level, line) => lines.push(line) });
    const context = clientOf(server);
    await isWell(context);
    const watch = new MemoryWatch();
    const silent = await Promise.all(Array.from({ length: 100 }, () => TcpPeer.connect(server)));
    const slow = await TcpPeer.connect(server);
    // A header, then a payload of 60 KiB, a byte at a time.
    const crawl = Buffer.concat([fromHex('ca 02 00 01 00 f0 00 00'), Buffer.alloc(61_440)]);
    let at = 0;
    const timer = setInterval(() => slow.write(crawl.subarray(at, ++at)), 20);
    while (server.clientCount < 102) await isWell(context);
    expect(watch.look()).toBeLessThan(100 * 0.3 * MiB);
    const started = performance.now();
    await Promise.all([...silent, slow].map((p) => p.ended));
    clearInterval(timer);
    expect(performance.now() - started).toBeLessThan(25_000);
    expect(at).toBeGreaterThan(1);
    await isWell(context);
    expect(server.clientCount).toBe(1);
    expect(lines.all.filter((l) => /no valid handshake within 10 s/.test(l))).toHaveLength(101);
  }, 60_000);

  it('a message before validation is at most 64 KiB, whatever its header says', async () => {
    const server = await serve({});
    const peer = await TcpPeer.connect(server);
    peer.write(fromHex('ca 02 00 01 01 00 01 00'));
    await peer.ended;
    expect(server.clientCount).toBe(0);
  });
});

describe('lies about sizes', () => {
  it('headers that claim 256 MiB, on 30 validated connections: less than 2 MiB each until bytes come', async () => {
    const server = await serve({ p: SharedPV.mailbox(int(1)) });
    const context = clientOf(server);
    await isWell(context);
    const watch = new MemoryWatch();
    const peers = await Promise.all(Array.from({ length: 30 }, () => TcpPeer.ready(server)));
    for (const peer of peers) peer.write(fromHex('ca 02 00 14 00 00 00 10'), Buffer.alloc(1000));
    await isWell(context);
    expect(watch.look()).toBeLessThan(60 * MiB);
    // One byte more than allowed, or segments that add up to it.
    peers[0]?.write(Buffer.alloc(100));
    const liar = await TcpPeer.ready(server);
    liar.write(fromHex('ca 02 00 14 01 00 00 10'));
    await liar.ended;
    for (const peer of peers) peer.close();
    await Promise.all(peers.map((p) => p.ended));
    await isWell(context);
  });

  it('segments without end: the connection ends when they are more than 256 MiB', async () => {
    const lines = new Happenings<string>();
    const server = await serve({ p: SharedPV.mailbox(int(1)) }, { log: (_level, line) => lines.push(line) });
    const context = clientOf(server);
    const peer = await TcpPeer.ready(server);
    const MEGABYTE = Buffer.alloc(MiB);
    const segment = (flags: string): Buffer =>
      Buffer.concat([fromHex(`ca 02 ${flags} 14 00 00 10 00`), MEGABYTE]);
    let sent = 0;
    let ended = false;
    let wake = (): void => {};
    peer.socket.once('close', () => {
      ended = true;
      wake();
    });
    peer.write(segment('10'));
    const watch = new MemoryWatch();
    while (!ended && sent < 600) {
      sent++;
      await new Promise<void>((resolve) => {
        wake = resolve;
        peer.socket.write(segment('30'), () => resolve());
      });
      if (sent % 64 === 0) watch.look(false);
    }
    await peer.ended;
    expect(sent).toBeGreaterThan(250);
    expect(lines.all.at(-1)).toMatch(/segmented message is larger than the limit of 268435456 bytes/);
    // What is joined doubles as it grows: the old and the new block at the same time.
    expect(watch.peak).toBeLessThan(900 * MiB);
    await isWell(context);
  }, 60_000);
});

describe('clients that vanish', () => {
  it('without a word are noticed by their silence; their monitors and channels are freed', async () => {
    const pv = SharedPV.mailbox(int(1));
    const server = await serve({ p: pv }, { tcpTimeout: 2 });
    const context = clientOf(server);
    const peer = await TcpPeer.ready(server);
    const sid = await peer.createChannel('p');
    peer.write(init(Command.MONITOR, sid, 1), request(Command.MONITOR, sid, 1, 0x44));
    await peer.messages.until((all) => all.filter((m) => m.command === Command.MONITOR).length >= 2);
    expect(pv.subscriberCount).toBe(1);
    await isWell(context);
    // Half-open: the socket stays, nothing comes any more, not even an echo.
    await peer.ended;
    expect(pv.subscriberCount).toBe(0);
    // The other one has only sent its echoes all the time.
    expect(server.clientCount).toBe(1);
    await isWell(context);
  });

  it('in the middle of a message give their memory back', async () => {
    const server = await serve({ p: SharedPV.mailbox(int(1)) });
    const context = clientOf(server);
    await isWell(context);
    const watch = new MemoryWatch();
    for (let i = 0; i < 20; i++) {
      const peer = await TcpPeer.ready(server);
      await new Promise<void>((resolve) => {
        peer.socket.write(Buffer.concat([fromHex('ca 02 00 14 00 00 40 00'), Buffer.alloc(3 * MiB)]), () =>
          resolve(),
        );
      });
      peer.close();
      await peer.ended;
    }
    await isWell(context);
    while (server.clientCount > 1) await isWell(context);
    expect(watch.look()).toBeLessThan(150 * MiB);
  });
});

describe('wild ids', () => {
  it('of channels and operations nobody has do no harm, and those in use cannot be taken over', async () => {
    const pv = SharedPV.mailbox(int(1));
    const server = await serve({ p: pv });
    const context = clientOf(server);
    const updates = new Happenings<unknown>();
    context.monitor('p', {}, { update: (v) => updates.push(v.get('value')) });
    await updates.count(1);
    const peer = await TcpPeer.ready(server);
    for (const sid of [0, 1, 2, 0x7fffffff, 0xffffffff])
      for (const ioid of [0, 1, 0x10002001, 0xffffffff])
        for (const sub of [0x00, 0x04, 0x10, 0x44, 0x80])
          for (const command of [Command.GET, Command.MONITOR])
            peer.write(request(command, sid, ioid, sub, (w) => w.u32(7)));
    // Another client's operation ids mean nothing here.
    peer.write(
      fromHex('ca 02 00 0f 08 00 00 00 01 00 00 00 01 20 00 10'),
      fromHex('ca 02 00 08 08 00 00 00 01 00 00 00 01 00 00 00'),
    );
    peer.write(fromHex('ca 02 00 02 01 00 00 00 2a'));
    await peer.next(Command.ECHO);
    pv.post(int(2));
    await updates.count(2);
    expect(updates.all).toEqual([1, 2]);
  });

  it('an operation id used twice ends that connection, with both of its operations', async () => {
    const pv = SharedPV.mailbox(int(1));
    const server = await serve({ p: pv });
    const peer = await TcpPeer.ready(server);
    const sid = await peer.createChannel('p');
    peer.write(
      init(Command.MONITOR, sid, 1),
      request(Command.MONITOR, sid, 1, 0x44),
      init(Command.GET, sid, 1),
    );
    await peer.ended;
    expect([pv.subscriberCount, pv.clientCount]).toEqual([0, 0]);
  });
});

describe('a fault on the side of the server', () => {
  /** A PV whose maker made a mistake. */
  class Faulty implements ServedPV {
    attach(): () => void {
      return () => {};
    }
    whenOpen(): () => void {
      throw new TypeError('a mistake in whenOpen');
    }
    get(): never {
      throw new Error('not reached');
    }
    put(): void {}
    rpc(): never {
      throw new Error('not reached');
    }
    subscribe(): () => void {
      return () => {};
    }
  }

  it('ends the connection it happened on, with its stack in the log; the others and the process go on', async () => {
    const log = new Happenings<[string, string]>();
    const server = await serve(
      { p: SharedPV.mailbox(int(1)), faulty: new Faulty() },
      { log: (level, line) => log.push([level, line]) },
    );
    const good = clientOf(server);
    await isWell(good);
    const peer = await TcpPeer.ready(server);
    const sid = await peer.createChannel('faulty');
    peer.write(init(Command.GET, sid, 1));
    await peer.ended;
    await log.count(1);
    const [level, line] = log.all[0] as [string, string];
    expect(level).toBe('error');
    expect(line).toMatch(
      /^client 127\.0\.0\.1:\d+ disconnected: a fault on this side, not of the peer: TypeError: a mistake in whenOpen\n/,
    );
    expect(line).toMatch(/at Faulty\.whenOpen .*bad-clients\.test\.ts/);
    expect(server.clientCount).toBe(1);
    await isWell(good);
  });
});

describe('a validated client', () => {
  it('may send its messages byte by byte', async () => {
    const image = Value.create(struct('', { value: 'ubyte[]' }), { value: new Uint8Array(10) });
    const server = await serve({ p: SharedPV.mailbox(image) });
    const peer = await TcpPeer.connect(server);
    for (const byte of ANONYMOUS) peer.write(Buffer.from([byte]));
    await peer.next(Command.CONNECTION_VALIDATED);
    const sid = await peer.createChannel('p');
    for (const byte of init(Command.GET, sid, 1)) peer.write(Buffer.from([byte]));
    expect((await peer.next(Command.GET)).payload[5]).toBe(0xff);
    peer.close();
  });
});
