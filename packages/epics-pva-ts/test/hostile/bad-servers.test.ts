/**
 * Servers that mean harm, are broken or have gone, and a real client that has to do with them: it notices, it goes on
 * with others, and its memory stays bounded.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { Context } from '../../src/client/context.ts';
import { Command } from '../../src/frame/command.ts';
import { encodeCreateChannelResponse } from '../../src/message/channel.ts';
import { encodeGetResponse } from '../../src/message/get.ts';
import { encodeMonitorResponse } from '../../src/message/monitor.ts';
import { SUB } from '../../src/message/operation.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { struct, type TypeDef } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { BitSet } from '../../src/wire/bit-set.ts';
import { OK } from '../../src/wire/status.ts';
import { type BadPeer, BadServer, type BadServerOptions } from '../support/bad-server.ts';
import { fromHex } from '../support/hex.ts';
import { Happenings, keep, serve } from '../support/loopback.ts';
import { MemoryWatch, MiB } from '../support/memory-use.ts';
import { messageBytes, type RawMessage } from '../support/raw-peer.ts';
import { ids } from '../support/scripted-replies.ts';

const open: BadServer[] = [];
afterEach(async () => {
  for (const s of open.splice(0)) await s.close();
});

async function bad(
  options: BadServerOptions,
  tcpTimeout = 40,
): Promise<{ server: BadServer; context: Context; log: Happenings<string> }> {
  const server = await BadServer.start(options);
  open.push(server);
  const log = new Happenings<string>();
  const context = keep(
    new Context({ ...server.clientOptions(), tcpTimeout, log: (_level, line) => log.push(line) }),
  );
  return { server, context, log };
}

const IMAGE = struct('', { value: 'ubyte[]', number: 'int' });

function monitorInit(peer: BadPeer, ioid: number, type: TypeDef): void {
  peer.send(Command.MONITOR, (w) =>
    encodeMonitorResponse(w, { ioid, subcommand: SUB.INIT, status: OK, type }),
  );
}
function update(peer: BadPeer, ioid: number, value: Value): void {
  peer.send(Command.MONITOR, (w) =>
    encodeMonitorResponse(w, { ioid, subcommand: SUB.EXEC, status: OK, value, overrun: new BitSet() }),
  );
}
const isInit = (m: RawMessage): boolean => (ids(m).subcommand & SUB.INIT) !== 0;

describe('a server that', () => {
  it('accepts and says nothing: the client gives it up after its timeout and tries again', async () => {
    const { server } = await bad({ greet: () => {} }, 2);
    await server.ended.count(1);
    await server.connected.count(2);
  });

  it('vanishes: its silence is noticed, although it is still connected, and the request ends', async () => {
    let dead = false;
    const { context, server, log } = await bad({ answer: () => dead }, 2);
    const stopped = new Happenings<string>();
    context.monitor('pv', {}, { update: () => {}, disconnected: (why) => stopped.push(why) });
    await server.messages.until((all) => all.some((m) => m.command === Command.MONITOR));
    const pending = context.get('pv', { timeout: 0.5 });
    await expect(pending).rejects.toMatchObject({ code: 'PVA_TIMEOUT' });
    dead = true;
    await log.until((all) => all.some((l) => /lost: nothing received for 2 s/.test(l)));
    await server.connected.count(2);
  });

  it.each<[string, (peer: BadPeer) => void]>([
    ['speaks HTTP', (p) => p.socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['claims 256 MiB before it is validated', (p) => p.socket.write(fromHex('ca 02 40 01 00 00 00 10'))],
    ['sends what a client sends', (p) => p.socket.write(fromHex('ca 02 00 02 00 00 00 00'))],
    [
      'lies about the number of its methods',
      (p) => p.socket.write(fromHex('ca 02 40 01 0b 00 00 00 00 00 01 00 ff 7f fe ff ff ff 7f')),
    ],
    ['closes at once', (p) => p.socket.destroy()],
  ])('%s is left, and tried again no more often than every second', async (_what, greet) => {
    const { server } = await bad({ greet });
    const started = performance.now();
    await server.connected.count(2);
    expect(performance.now() - started).toBeGreaterThan(300);
  });

  it('answers every request with nonsense does not keep the client from another server', async () => {
    const { context } = await bad({
      answer: (peer, m) => {
        if (m.command !== Command.GET) return false;
        peer.socket.write(fromHex('ca 02 40 0a 03 00 00 00 01 02 03'));
        return true;
      },
    });
    const good = await serve({ well: SharedPV.mailbox(Value.create(IMAGE, { number: 7 })) });
    const other = keep(new Context(good.clientConfig()));
    const results = await Promise.allSettled([context.get('pv', { timeout: 1 }), other.get('well')]);
    expect(results[0]).toMatchObject({ status: 'rejected', reason: { code: 'PVA_TIMEOUT' } });
    expect(results[1].status).toBe('fulfilled');
  });

  it('sends updates without end to somebody who does not read them: a queue of four, in less than 40 MiB', async () => {
    const value = Value.create(IMAGE, { value: new Uint8Array(MiB), number: 1 });
    let sent = 0;
    const finished = new Happenings<number>();
    const { context } = await bad({
      answer: (peer, m) => {
        if (m.command !== Command.MONITOR) return false;
        const { ioid } = ids(m);
        if (isInit(m)) monitorInit(peer, ioid, IMAGE);
        else
          void (async () => {
            for (; sent < 400; sent++) {
              update(peer, ioid, value);
              await peer.taken();
            }
            finished.push(sent);
          })();
        return true;
      },
    });
    const watch = new MemoryWatch();
    const subscription = context.monitor('pv');
    await finished.count(1);
    const all = (): number => subscription.stats.received;
    await context.get('other', { timeout: 0.2 }).catch(() => {});
    expect(all()).toBeGreaterThan(300);
    expect(subscription.stats.queued).toBe(4);
    expect(watch.look()).toBeLessThan(40 * MiB);
    subscription.close();
  });

  it('claims channels nobody asked for and reads nothing: what is given back does not fill the memory', async () => {
    const flooded = new Happenings<number>();
    const { context, server } = await bad({
      answer: (peer, m) => {
        if (m.command !== Command.CREATE_CHANNEL) return false;
        peer.socket.pause();
        const many = Buffer.concat(
          Array.from({ length: 20_000 }, (_, i) =>
            messageBytes(
              Command.CREATE_CHANNEL,
              (w) => encodeCreateChannelResponse(w, { cid: i, sid: i, status: OK }),
              { fromServer: true },
            ),
          ),
        );
        void (async () => {
          for (let n = 0; n < 40 && !peer.socket.destroyed; n++) {
            peer.socket.write(many);
            await peer.taken();
          }
          flooded.push(1);
        })();
        return true;
      },
    });
    const watch = new MemoryWatch();
    const ended = context.get('pv', { timeout: 30 }).catch(() => {});
    await flooded.count(1);
    // All of it was taken, by a client that is still there.
    expect(server.connected.all[0]?.socket.bytesWritten).toBeGreaterThan(40 * 20_000 * 17);
    expect(server.ended.all).toEqual([]);
    expect(watch.look()).toBeLessThan(100 * MiB);
    await context.close();
    await ended;
  }, 60_000);

  it('sends wild ids: unknown, of others, used up; nothing comes of them', async () => {
    const got = new Happenings<unknown>();
    const { context, server } = await bad({
      answer: (peer, m) => {
        if (m.command !== Command.GET) return false;
        const { ioid, subcommand } = ids(m);
        const value = Value.create(IMAGE, { number: 3 });
        for (const id of [0, ioid + 1, 0xffffffff, ioid]) {
          if (subcommand & SUB.INIT)
            peer.send(Command.GET, (w) =>
              encodeGetResponse(w, { ioid: id, subcommand: SUB.INIT, status: OK, type: IMAGE }),
            );
          else
            peer.send(Command.GET, (w) =>
              encodeGetResponse(w, {
                ioid: id,
                subcommand,
                status: OK,
                value: id === ioid ? value.mark() : undefined,
              }),
            );
        }
        return true;
      },
    });
    for (let i = 0; i < 3; i++) got.push((await context.get('pv', { timeout: 5 })).get('number'));
    expect(got.all).toEqual([3, 3, 3]);
    expect(server.connected.all).toHaveLength(1);
  });

  it.each([
    ['refers to itself', 'fd 01 00 80 00 01 01 61 fe 01 00'],
    ['refers to a type never defined', '80 00 01 01 61 fe 09 00'],
    ['is nested too deep', `${'80 00 01 01 61 '.repeat(30)}22`],
    ['has a name without end', '80 fe ff ff ff 7f'],
    ['claims a thousand million fields', '80 00 fe 00 ca 9a 3b'],
  ])('describes a type that %s is disconnected; the request ends in its own time', async (_what, type) => {
    const { context, log } = await bad({
      answer: (peer, m) => {
        if (m.command !== Command.GET) return false;
        const { ioid } = ids(m);
        peer.send(Command.GET, (w) => {
          w.u32(ioid);
          w.u8(SUB.INIT);
          w.u8(0xff);
          w.bytes(fromHex(type));
        });
        return true;
      },
    });
    const ended = expect(context.get('pv', { timeout: 3 })).rejects.toMatchObject({ code: 'PVA_TIMEOUT' });
    await log.count(1);
    expect(log.all[0]).toMatch(/lost: GET: /);
    await ended;
  });
});
