/**
 * Peers that send anything at all, to both roles, in memory and over sockets: only that connection ends, with a
 * reason; the process and everybody else go on; memory stays bounded.
 *
 * The seed is printed; FUZZ_SEED repeats a run, FUZZ_RUNS sets how many conversations each test has (default 300).
 */
import { once, setMaxListeners } from 'node:events';
import net from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { GetRequest, InfoRequest, PutRequest, RpcRequest } from '../../src/client/requests.ts';
import { PvaError } from '../../src/errors.ts';
import { Command } from '../../src/frame/command.ts';
import { NTEnum } from '../../src/nt/nt-enum.ts';
import { ServerClient } from '../../src/server/server-client.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { encodeType } from '../../src/value/type-codec.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { Drain } from '../support/drain.ts';
import { imageUpdate } from '../support/image.ts';
import { JoinedSession } from '../support/joined-session.ts';
import { clientOf, Happenings, serve } from '../support/loopback.ts';
import { settled } from '../support/memory-transport.ts';
import { framed, mutateBytes, mutateSession, pieces } from '../support/mutate.ts';
import { Random } from '../support/random.ts';
import { ANY, INT, ids, TEXT } from '../support/scripted-replies.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { hostOf } from '../support/server-session.ts';
import { ANONYMOUS, TcpPeer } from '../support/tcp-peer.ts';
import { NT_ENUM, ntScalar } from '../support/types.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 1_000_000_000);
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 300);
/** Long runs take their time. */
vi.setConfig({ testTimeout: 30_000 + RUNS * 50 });
console.log(`connection fuzz: FUZZ_SEED=${SEED} FUZZ_RUNS=${RUNS}`);

const ANYTHING = struct('', { value: 'any', list: 'any[]' });

function pvs(): Record<string, SharedPV> {
  return {
    double: SharedPV.mailbox(Value.create(ntScalar('double'), { value: 4.5 })),
    text: SharedPV.mailbox(Value.create(ntScalar('string'), { value: 'text' })),
    choice: SharedPV.mailbox(NTEnum.create(['zero', 'one', 'two'])),
    image: SharedPV.mailbox(imageUpdate(1, 300)),
    any: SharedPV.mailbox(Value.create(ANYTHING, { value: 5, list: ['a', 1n, null] })),
    call: new SharedPV({ onRpc: (_pv, argument) => argument }),
    closed: new SharedPV(),
  };
}

/** What a well-behaved client says in a whole conversation: every operation, on PVs of every kind. */
async function conversation(): Promise<Buffer> {
  const served = pvs();
  const s = new JoinedSession(served);
  const options = { timeout: 0 };
  const names = Object.keys(served).filter((n) => n !== 'call' && n !== 'closed');
  for (const name of names) {
    const channel = s.channel(name);
    const monitor = s.monitor(name, { update: () => {} }, { pvRequest: 'record[pipeline=true,queueSize=8]' });
    const value = await s.run(new GetRequest(channel, { ...options, pvRequest: 'field()' }));
    await s.run(new PutRequest(channel, value, options));
    await s.run(new InfoRequest(channel, options));
    served[name]?.post(value);
    await settled();
    monitor.close();
  }
  await s.run(new RpcRequest(s.channel('call'), imageUpdate(3, 20), options));
  const abort = new AbortController();
  const waiting = s.run(new GetRequest(s.channel('closed'), { ...options, signal: abort.signal }));
  await settled();
  abort.abort();
  await waiting.catch(() => {});
  for (const name of names) s.channel(name).close();
  await settled();
  return Buffer.concat(s.now.client.written);
}

let talk: Buffer;
let memoryBefore: number;
beforeAll(async () => {
  talk = await conversation();
  memoryBefore = process.memoryUsage().rss;
});
afterAll(() => {
  // What peers sent is gone with their connections.
  expect(process.memoryUsage().rss - memoryBefore).toBeLessThan(600 * 1024 * 1024);
});

/** What is sent to a server: noise, good headers before noise, or a damaged conversation. */
function attack(random: Random): Buffer {
  const kind = random.int(10);
  if (kind === 0) return random.bytes(random.int(400));
  if (kind === 1) return Buffer.concat(Array.from({ length: 1 + random.int(10) }, () => framed(random)));
  if (kind === 2)
    return Buffer.concat([ANONYMOUS, ...Array.from({ length: 1 + random.int(20) }, () => framed(random))]);
  return mutateSession(talk, random);
}

/** Runs `count` conversations; a failure says which one it was. */
async function conversations(
  count: number,
  one: (random: Random, run: number) => void | Promise<void>,
): Promise<void> {
  for (let run = 0; run < count; run++) {
    const seed = SEED + run;
    try {
      await one(new Random(seed), run);
    } catch (error) {
      throw new Error(`FUZZ_SEED=${seed} FUZZ_RUNS=1 repeats this: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
}

describe('a server in memory', () => {
  it('closes with a reason or goes on, and frees everything with the connection', async () => {
    const served = pvs();
    const counts = { closed: 0, survived: 0, messages: 0, taken: 0 };
    await conversations(RUNS, async (random) => {
      const host = hostOf(new Map(Object.entries(served)));
      const transport = new Drain();
      const { connection } = new ServerClient(host, transport);
      for (const piece of pieces(attack(random), random)) {
        connection.receive(piece);
        if (random.chance(0.01)) await null;
        expect(connection.unsentBytes).toBeLessThan(20 * 1024 * 1024);
        if (connection.closed) break;
      }
      counts.messages += connection.stats.messagesReceived;
      await null;
      if (connection.closed) {
        counts.closed++;
        const reason = host.ended[0]?.reason;
        expect(PvaError.isPvaError(reason)).toBe(true);
        expect(['PVA_DECODE', 'PVA_REMOTE_PROTOCOL']).toContain(reason?.code);
        expect(transport.closed).toBe(true);
      } else {
        counts.survived++;
        connection.close();
      }
      expect(host.ended).toHaveLength(1);
      counts.taken += transport.taken;
      for (const pv of Object.values(served)) expect([pv.clientCount, pv.subscriberCount]).toEqual([0, 0]);
    });
    // The test is about something: both happen, and much was understood.
    if (RUNS >= 100) {
      expect(counts.closed).toBeGreaterThan(RUNS / 20);
      expect(counts.survived).toBeGreaterThan(RUNS / 20);
      expect(counts.messages).toBeGreaterThan(RUNS * 5);
    }
    // Others are served as before: what was put is of the PVs' own types.
    const s = new JoinedSession(served);
    for (const name of ['double', 'text', 'choice', 'image', 'any'])
      await s.run(new GetRequest(s.channel(name), { timeout: 0 }));
  });
});

describe('client and server with a damaged line between them', () => {
  it('notice it or go on; every operation ends, nothing is thrown', async () => {
    let lost = 0;
    await conversations(Math.ceil(RUNS / 2), async (random) => {
      const served = pvs();
      let hits = 1 + random.int(3);
      const most = random.pick([1, 20, 1000]);
      const s = new JoinedSession(served, {
        cut: () => 1 + random.int(most),
        tamper: (piece) => {
          if (hits === 0 || !random.chance(0.05)) return piece;
          hits--;
          return mutateBytes(piece, random, 2);
        },
      });
      const abort = new AbortController();
      setMaxListeners(0, abort.signal);
      const options = { timeout: 0, signal: abort.signal };
      const pending: Promise<unknown>[] = [];
      const run = (operation: Promise<unknown>): void => {
        operation.catch(() => {});
        pending.push(operation);
      };
      const names = Object.keys(served);
      for (let i = 0; i < 12; i++) {
        const name = random.pick(names);
        const channel = s.channel(name);
        switch (random.int(5)) {
          case 0:
            run(s.run(new GetRequest(channel, options)));
            break;
          case 1:
            run(s.run(new PutRequest(channel, name === 'text' ? 'new' : 1, options)));
            break;
          case 2:
            run(s.run(new RpcRequest(channel, imageUpdate(1, 10), options)));
            break;
          case 3:
            run(s.run(new InfoRequest(channel, options)));
            break;
          default:
            s.monitor(
              name,
              {
                update: (v) => {
                  v.toJS();
                },
              },
              { signal: abort.signal },
            );
        }
        if (random.chance(0.3)) await settled();
      }
      await settled();
      for (const pv of Object.values(served)) if (pv.isOpen) pv.post(pv.fetch());
      await settled();
      abort.abort();
      const results = await Promise.allSettled(pending);
      for (const r of results) if (r.status === 'rejected') expect(PvaError.isPvaError(r.reason)).toBe(true);
      lost += s.lost.length;
      // The line is good again: so is everything else.
      hits = 0;
      s.serverDown();
      await settled();
      s.serverUp();
      const value = await s.run(new GetRequest(s.channel('double'), { timeout: 5 }));
      expect(value.id).toBe('epics:nt/NTScalar:1.0');
      s.serverDown();
      await settled();
      for (const pv of Object.values(served)) expect(pv.subscriberCount).toBe(0);
    });
    if (RUNS >= 100) expect(lost).toBeGreaterThan(RUNS / 20);
  });
});

describe('a client in memory', () => {
  const COMMANDS = [
    Command.GET,
    Command.PUT,
    Command.MONITOR,
    Command.RPC,
    Command.GET_FIELD,
    Command.MESSAGE,
  ];
  const SUBCOMMANDS = [0, 0x08, 0x10, 0x40, 0x44, 0x80, 0xff];

  it('whose server answers with anything closes with a reason or goes on; requests end in their own ways', async () => {
    const counts = { lost: 0, messages: 0 };
    await conversations(Math.ceil(RUNS / 3), async (random) => {
      const s = new ScriptedServer({ littleEndian: random.chance(0.5) });
      const abort = new AbortController();
      const options = { timeout: 0, signal: abort.signal };
      const channel = s.channel('a');
      const operations: Promise<unknown>[] = [
        s.run(new GetRequest(channel, options)),
        s.run(new PutRequest(channel, 1, options)),
        s.run(new RpcRequest(channel, null, options)),
        s.run(new InfoRequest(channel, options)),
      ];
      for (const o of operations) o.catch(() => {});
      const monitor = s.monitor(channel, {
        update: (v) => {
          v.toJS();
        },
      });
      const ioids = (await s.requests()).map((m) => ids(m).ioid);
      for (let i = 0; i < 15; i++) {
        const command = random.pick(COMMANDS);
        if (random.chance(0.1)) s.peer.write(framed(random, true));
        else
          s.send(command, (w) => {
            w.u32(random.chance(0.9) ? random.pick(ioids) : random.int(2 ** 32));
            w.u8(random.pick(SUBCOMMANDS));
            if (random.chance(0.7)) w.u8(0xff);
            // A type now and then, or what may be one.
            if (random.chance(0.5)) encodeType(w, random.pick([INT, TEXT, ANY, NT_ENUM]));
            w.bytes(random.bytes(random.int(12)));
          });
        counts.messages++;
        if (random.chance(0.3)) for (const m of await s.requests()) ioids.push(ids(m).ioid);
        if (s.lost.length > 0) break;
      }
      await settled();
      s.up = false;
      counts.lost += s.lost.length;
      abort.abort();
      monitor.close();
      for (const r of await Promise.allSettled(operations))
        if (r.status === 'rejected') expect(PvaError.isPvaError(r.reason)).toBe(true);
      for (const reason of s.lost) expect(reason).toMatch(/.{10}/);
    });
    if (RUNS >= 100) expect(counts.lost).toBeGreaterThan(RUNS / 20);
    expect(counts.messages).toBeGreaterThan(RUNS / 3);
  });
});

describe('a server on a socket', () => {
  it('goes on serving others whatever clients send, and forgets those', async () => {
    const log = new Happenings<string>();
    // One PV that no attacker knows, to see what becomes of it.
    const mine = SharedPV.mailbox(Value.create(ntScalar('double')));
    const server = await serve({ ...pvs(), mine }, { log: (_level, text) => log.push(text) });
    const healthy = clientOf(server);
    let updates = 0;
    healthy.monitor(
      'mine',
      {},
      {
        update: () => {
          updates++;
        },
      },
    );
    await conversations(Math.ceil(RUNS / 5), async (random, run) => {
      const peers = await Promise.all([1, 2, 3].map(() => TcpPeer.connect(server)));
      await Promise.all(
        peers.map(async (peer) => {
          for (const piece of pieces(attack(random), random)) peer.write(piece);
          if (random.chance(0.5)) peer.close();
          else peer.socket.end();
          await peer.ended;
        }),
      );
      await healthy.put('mine', run, { fetch: false });
      expect((await healthy.get('mine')).get('value')).toBe(run);
    });
    await expect.poll(() => server.clientCount).toBe(1);
    expect(updates).toBeGreaterThan(0);
    const reasons = log.all.filter((text) => / disconnected: /.test(text));
    if (RUNS >= 100) expect(reasons.length).toBeGreaterThan(RUNS / 20);
    for (const text of reasons) expect(text).toMatch(/^client 127\.0\.0\.1:\d+ disconnected: .{10,}/);
  });
});

describe('a client', () => {
  it('of servers that answer its search and then send anything at all gives up on them, not on others', async () => {
    const good = await serve(pvs());
    let random = new Random(SEED);
    let answered = 0;
    const bad = net.createServer((socket) => {
      socket.on('error', () => {});
      answered++;
      const greeting = Buffer.from('ca02410200000000', 'hex');
      socket.write(random.chance(0.5) ? random.bytes(50) : Buffer.concat([greeting, framed(random, true)]));
    });
    bad.listen(0, '127.0.0.1');
    await once(bad, 'listening');
    const { port } = bad.address() as net.AddressInfo;
    try {
      await conversations(Math.ceil(RUNS / 20), async (r) => {
        random = r;
        const context = clientOf(good, { nameServers: [`127.0.0.1:${port}`] });
        expect((await context.get('double')).id).toBe('epics:nt/NTScalar:1.0');
        await expect.poll(() => answered).toBeGreaterThan(0);
        answered = 0;
        await context.close();
      });
    } finally {
      bad.close();
    }
  });
});
