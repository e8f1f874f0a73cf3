/** Clients that do not read: the server's memory stays bounded, others are served, and who never reads is dropped. */
import { describe, expect, it } from 'vitest';
import { Command } from '../../src/frame/command.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { clientOf, Happenings, serve } from '../support/loopback.ts';
import { init, request } from '../support/requests.ts';
import { TcpPeer } from '../support/tcp-peer.ts';

const IMAGE = struct('', { value: 'ubyte[]' });

describe('a client that asks for 2 GB and reads nothing', () => {
  it('gets no more than a bounded part of it prepared, disturbs nobody, and is disconnected', async () => {
    const log = new Happenings<string>();
    const pv = SharedPV.mailbox(Value.create(IMAGE, { value: new Uint8Array(1_000_000) }));
    let asked = 0;
    const counted = new SharedPV();
    counted.open(IMAGE);
    counted.get = () => {
      asked++;
      return pv.fetch();
    };
    const server = await serve(
      { p: counted, q: pv },
      { tcpTimeout: 1.5, log: (_level, text) => log.push(text) },
    );
    const greedy = await TcpPeer.ready(server);
    const sid = await greedy.createChannel('p');
    greedy.socket.pause();
    greedy.write(
      init(Command.GET, sid, 1),
      Buffer.concat(Array.from({ length: 2000 }, () => request(Command.GET, sid, 1, 0))),
    );
    // It keeps on sending: silence is not why it goes.
    const noise = setInterval(() => greedy.write(request(Command.GET, sid, 1, 0)), 100);
    const context = clientOf(server);
    expect(((await context.get('q')).get('value') as Uint8Array).length).toBe(1_000_000);
    await log.until((all) => all.some((text) => text.includes('disconnected')));
    clearInterval(noise);
    expect(log.all.find((text) => text.includes('disconnected'))).toMatch(
      /^client 127\.0\.0\.1:\d+ disconnected: the peer took none of \d{7,8} bytes for 2 s$/,
    );
    expect(asked).toBeGreaterThan(10);
    expect(asked).toBeLessThan(60);
    expect(((await context.get('q')).get('value') as Uint8Array).length).toBe(1_000_000);
    greedy.close();
  });

  it('and reads later gets everything, in order', async () => {
    const pv = SharedPV.mailbox(Value.create(IMAGE, { value: new Uint8Array(1_000_000) }));
    const server = await serve({ p: pv });
    const late = await TcpPeer.ready(server);
    const sid = await late.createChannel('p');
    late.write(init(Command.GET, sid, 1));
    await late.next(Command.GET);
    late.socket.pause();
    late.write(Buffer.concat(Array.from({ length: 60 }, () => request(Command.GET, sid, 1, 0))));
    const context = clientOf(server);
    await context.get('p');
    late.socket.resume();
    await late.messages.until((all) => all.filter((m) => m.command === Command.GET).length === 61);
    late.close();
  });
});
