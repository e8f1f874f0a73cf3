/** Faults of this side while a peer is served: the connection ends with PVA_INTERNAL, and nothing else does. */
import { describe, expect, it } from 'vitest';
import { ClientConnection } from '../../src/connection/client-connection.ts';
import { lossReport } from '../../src/connection/loss-report.ts';
import { ServerConnection } from '../../src/connection/server-connection.ts';
import { PvaError, RemoteProtocolError } from '../../src/errors.ts';
import { Command } from '../../src/frame/command.ts';
import { greeting } from '../support/client-session.ts';
import { MemoryTransport, settled } from '../support/memory-transport.ts';
import { RawPeer } from '../support/raw-peer.ts';
import { ANONYMOUS } from '../support/tcp-peer.ts';

const MISTAKE = new TypeError('x is not a function');

describe('a mistake in what handles', () => {
  it("a server's message", async () => {
    const [near, far] = MemoryTransport.pair();
    const closed: (PvaError | undefined)[] = [];
    const connection = new ClientConnection({
      transport: near,
      now: 0,
      user: '',
      host: '',
      handler: {
        ready: () => {},
        message: () => {
          throw MISTAKE;
        },
        closed: (reason) => closed.push(reason),
      },
    });
    near.attach(connection);
    const peer = new RawPeer(far);
    peer.write(greeting(true), 'ca 02 40 09 01 00 00 00 ff');
    await settled();
    expect(connection.isReady).toBe(true);
    peer.write('ca 02 40 0a 00 00 00 00', 'ca 02 40 0a 00 00 00 00');
    await settled();
    expect(closed).toHaveLength(1);
    expect(closed[0]).toMatchObject({ code: 'PVA_INTERNAL', cause: MISTAKE });
    expect(peer.closed).toBe(true);
  });

  it.each([
    ['message', 'ca 02 00 0a 00 00 00 00'],
    ['drain', ''],
  ] as const)("a client's %s", async (where, bytes) => {
    const [near, far] = MemoryTransport.pair();
    const closed: (PvaError | undefined)[] = [];
    const fail = (at: string) => (): void => {
      if (at === where) throw MISTAKE;
    };
    let isReady = false;
    const connection = new ServerConnection({
      transport: far,
      now: 0,
      handler: {
        ready: () => {
          isReady = true;
        },
        message: fail('message'),
        // What was sent before has left already when the handler is broken.
        drain: () => isReady && fail('drain')(),
        closed: (reason) => closed.push(reason),
      },
    });
    far.attach(connection);
    const peer = new RawPeer(near);
    peer.write(ANONYMOUS, bytes);
    await settled();
    expect(closed.map((r) => r?.code)).toEqual(['PVA_INTERNAL']);
    expect(closed[0]?.message).toBe('a fault on this side, not of the peer: TypeError: x is not a function');
    expect(peer.closed).toBe(true);
    connection.send(Command.ECHO, () => {});
  });
});

describe('the log of a lost connection', () => {
  it('has one line for what a peer did, and the stack of what this side did', () => {
    expect(
      lossReport('client a:1 disconnected', new RemoteProtocolError('nothing received for 40 s')),
    ).toEqual(['warn', 'client a:1 disconnected: nothing received for 40 s']);
    const [level, text] = lossReport('x lost', new PvaError('PVA_INTERNAL', 'a fault', { cause: MISTAKE }));
    expect(level).toBe('error');
    expect(text).toMatch(/^x lost: a fault\nTypeError: x is not a function\n {4}at .*faults\.test\.ts/);
    expect(lossReport('x lost', new PvaError('PVA_INTERNAL', 'a fault', { cause: 'text' }))).toEqual([
      'error',
      'x lost: a fault',
    ]);
  });
});
