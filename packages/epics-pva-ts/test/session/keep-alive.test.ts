/** Echoes and silence, by a clock the test turns (pva-protocol.md 6.1). */
import { describe, expect, it } from 'vitest';
import { ServerConnection } from '../../src/connection/server-connection.ts';
import type { PvaError } from '../../src/errors.ts';
import { ClientSession } from '../support/client-session.ts';
import { fromHex } from '../support/hex.ts';
import { MemoryTransport, settled } from '../support/memory-transport.ts';
import { RawPeer } from '../support/raw-peer.ts';

const ECHO = 'ca 02 00 02 00 00 00 00';
const ECHO_REPLY = 'ca 02 40 02 00 00 00 00';
const ANONYMOUS = 'ca 02 00 01 13 00 00 00 00 00 01 00 ff 7f 00 00 09 61 6e 6f 6e 79 6d 6f 75 73 ff';

/** Ticks once a second from `from` to `to` seconds. */
function seconds(connection: { tick(now: number): void }, from: number, to: number): void {
  for (let s = from; s <= to; s++) connection.tick(s * 1000);
}

describe('a client', () => {
  it('sends an ECHO every 15 s, whatever arrives meanwhile', async () => {
    const session = new ClientSession();
    await session.handshake();
    const sentAt: number[] = [];
    for (let s = 1; s <= 61; s++) {
      session.peer.write('ca 02 40 12 07 00 00 00 01 00 00 00 00 01 78');
      await settled();
      session.connection.tick(s * 1000);
      for (const m of await session.peer.replies()) {
        expect(m.hex).toBe(ECHO);
        sentAt.push(s);
      }
    }
    expect(sentAt).toEqual([15, 30, 45, 60]);
  });

  it('sends one at once when it doubts its server, and none before it is connected', async () => {
    const session = new ClientSession();
    session.connection.probe();
    await session.handshake();
    expect(await session.peer.replies()).toEqual([]);
    session.connection.probe();
    expect((await session.peer.reply()).hex).toBe(ECHO);
    for (let i = 0; i < 5; i++) session.connection.probe();
    expect(await session.peer.replies()).toEqual([]);
    seconds(session.connection, 1, 1);
    session.connection.probe();
    expect((await session.peer.reply()).hex).toBe(ECHO);
  });

  it('sends it in the byte order of the connection', async () => {
    const session = new ClientSession();
    await session.handshake(false);
    seconds(session.connection, 15, 15);
    expect((await session.peer.reply()).hex).toBe('ca 02 80 02 00 00 00 00');
  });

  it.each([
    [40, 15],
    [20, 7.5],
    [2, 1],
    [400, 15],
  ])('with a timeout of %d s sends it every %d s', async (timeout, every) => {
    const session = new ClientSession({ timeout });
    await session.handshake();
    session.connection.tick(every * 1000 - 1);
    expect(await session.peer.replies()).toEqual([]);
    session.connection.tick(every * 1000);
    expect((await session.peer.reply()).hex).toBe(ECHO);
  });

  it('sends none before it is ready', async () => {
    const session = new ClientSession();
    seconds(session.connection, 1, 30);
    expect(await session.peer.replies()).toEqual([]);
  });

  it('closes after 40 s without a byte, and not before', async () => {
    const session = new ClientSession();
    await session.handshake();
    // The handshake's bytes are noticed by the first tick.
    seconds(session.connection, 1, 40);
    expect(session.closed).toBe(0);
    session.connection.tick(41_000);
    expect(session.closedBecause).toBe('PVA_REMOTE_PROTOCOL nothing received for 40 s');
    await settled();
    expect(session.peer.closed).toBe(true);
  });

  it('closes a connection on which the server never spoke', () => {
    const session = new ClientSession({ timeout: 10, now: 5000 });
    seconds(session.connection, 6, 14);
    session.connection.tick(14_999);
    expect(session.closed).toBe(0);
    session.connection.tick(15_000);
    expect(session.closedBecause).toMatch(/nothing received for 10 s/);
  });

  it('does not take the time in which its own process was blocked for silence of the server', async () => {
    const session = new ClientSession();
    await session.handshake();
    seconds(session.connection, 1, 15);
    await session.peer.replies();
    // Timers run before sockets: what came during these 60 s is read only after this tick.
    session.connection.tick(75_000);
    expect(session.closed).toBe(0);
    expect(await session.peer.replies()).toHaveLength(1);
    session.peer.write('ca 02 40 02 00 00 00 00');
    await settled();
    seconds(session.connection, 76, 115);
    expect(session.closed).toBe(0);
    seconds(session.connection, 116, 117);
    expect(session.closedBecause).toMatch(/nothing received for 40 s/);
  });

  it('still notices a dead server when it is blocked for a while again and again', async () => {
    const session = new ClientSession();
    await session.handshake();
    for (let i = 1; i <= 40; i++) session.connection.tick(i * 5000);
    expect(session.closed).toBe(0);
    session.connection.tick(41 * 5000);
    expect(session.closed).toBe(1);
  });

  it('counts every byte as a sign of life, not only whole messages', async () => {
    const session = new ClientSession();
    await session.handshake();
    const large = Buffer.concat([fromHex('ca 02 40 7f 64 00 00 00'), Buffer.alloc(100)]);
    for (let s = 1; s <= 100; s++) {
      session.peer.write(large.subarray(s - 1, s));
      await settled();
      session.connection.tick(s * 1000);
    }
    expect([session.closed, session.messages]).toEqual([0, []]);
    session.peer.write(large.subarray(100));
    await settled();
    expect(session.messages).toEqual([0x7f]);
  });

  it('does not hold it against the server that its own user is slow, and still sends echoes', async () => {
    const session = new ClientSession();
    await session.handshake();
    session.connection.holdReading();
    seconds(session.connection, 1, 200);
    expect(session.closed).toBe(0);
    expect(await session.peer.replies()).toHaveLength(13);
    session.connection.releaseReading();
    seconds(session.connection, 201, 239);
    expect(session.closed).toBe(0);
    session.connection.tick(240_000);
    expect(session.closed).toBe(1);
  });

  it('reads on when the last of several has let go', async () => {
    const session = new ClientSession();
    await session.handshake();
    const { connection } = session;
    connection.releaseReading();
    connection.holdReading();
    connection.holdReading();
    session.peer.write('ca 02 40 7f 00 00 00 00');
    await settled();
    connection.releaseReading();
    await settled();
    expect(session.messages).toEqual([]);
    connection.releaseReading();
    await settled();
    expect(session.messages).toEqual([0x7f]);
  });
});

describe('a server', () => {
  function server(timeout?: number): {
    connection: ServerConnection;
    peer: RawPeer;
    closed: (PvaError | undefined)[];
    far: MemoryTransport;
  } {
    const [near, far] = MemoryTransport.pair();
    const closed: (PvaError | undefined)[] = [];
    const connection = new ServerConnection({
      transport: far,
      now: 0,
      ...(timeout === undefined ? {} : { timeout }),
      handler: {
        ready: () => {},
        message: () => {},
        closed: (reason) => closed.push(reason),
        drain: () => {},
      },
    });
    far.attach(connection);
    return { connection, peer: new RawPeer(near), closed, far };
  }

  it('gives a client 10 s for the handshake, however much it sends', async () => {
    const { connection, peer, closed } = server();
    for (let s = 1; s <= 9; s++) {
      peer.write(ECHO);
      await settled();
      connection.tick(s * 1000);
    }
    expect(closed).toEqual([]);
    connection.tick(10_000);
    expect(closed.map((r) => r?.message)).toEqual(['no valid handshake within 10 s']);
    await settled();
    expect(peer.closed).toBe(true);
  });

  it('that was blocked itself takes neither handshake nor silence amiss', async () => {
    const { connection, peer, closed } = server();
    connection.tick(60_000);
    expect(closed).toEqual([]);
    peer.write(ANONYMOUS);
    await peer.replies();
    connection.tick(61_000);
    connection.tick(150_000);
    expect(closed).toEqual([]);
    // Somebody who never says a word has a handshake's time all the same.
    const silent = server();
    seconds(silent.connection, 100, 108);
    expect(silent.closed).toEqual([]);
    seconds(silent.connection, 109, 109);
    expect(silent.closed.map((r) => r?.message)).toEqual(['no valid handshake within 10 s']);
  });

  it('closes a validated client after 40 s of silence and sends no echo itself', async () => {
    const { connection, peer, closed } = server();
    peer.write(ANONYMOUS);
    await peer.replies();
    seconds(connection, 1, 40);
    expect(closed).toEqual([]);
    connection.tick(41_000);
    expect(closed.map((r) => r?.message)).toEqual(['nothing received for 40 s']);
    expect(await peer.replies()).toEqual([]);
  });

  it('keeps a client that only echoes, and answers it', async () => {
    const { connection, peer, closed } = server(2);
    peer.write(ANONYMOUS);
    await peer.replies();
    for (let s = 1; s <= 20; s++) {
      expect(await peer.exchange(ECHO)).toEqual([ECHO_REPLY]);
      connection.tick(s * 1000);
    }
    expect(closed).toEqual([]);
  });

  it('does nothing any more once it is closed', async () => {
    const { connection, peer, closed } = server();
    connection.close();
    connection.close();
    connection.tick(1e6);
    connection.send(2, () => {});
    connection.receive(fromHex(ECHO));
    connection.releaseReading();
    let released = false;
    connection.whenSent(() => {
      released = true;
    });
    await settled();
    expect([closed.length, released]).toEqual([1, true]);
    expect((await peer.replies()).map((m) => m.name)).toEqual(['control 2', 'CONNECTION_VALIDATION']);
  });

  it('counts what went in both directions', async () => {
    const { connection, peer } = server();
    peer.write(ANONYMOUS, ECHO);
    await peer.replies();
    expect(connection.stats).toEqual({
      peer: 'memory:client',
      bytesReceived: 27 + 8,
      // Byte order, validation, validated, echo.
      bytesSent: 8 + 28 + 9 + 8,
      messagesReceived: 2,
      messagesSent: 3,
      pendingBytes: 0,
      stalls: 0,
    });
  });
});
