/**
 * PUT_GET, PROCESS, ACL_CHANGE, AUTHNZ, CANCEL_REQUEST and segments with anything at all in them, in both roles: only
 * that connection ends, with a reason, and nothing is left of it.
 *
 * The seed is printed; FUZZ_SEED repeats a run, FUZZ_RUNS sets how many conversations each test has (default 300).
 */
import { beforeAll, expect, it, vi } from 'vitest';
import { ProcessRequest } from '../../src/client/process-request.ts';
import { PutGetReadRequest, PutGetRequest } from '../../src/client/put-get-request.ts';
import { PvaError } from '../../src/errors.ts';
import { Command } from '../../src/frame/command.ts';
import { encodeAuthnz } from '../../src/message/authnz.ts';
import { encodeRequestControl } from '../../src/message/request-control.ts';
import { NTEnum } from '../../src/nt/nt-enum.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { AnyValue } from '../../src/value/containers.ts';
import { encodeType } from '../../src/value/type-codec.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { JoinedSession } from '../support/joined-session.ts';
import { settled } from '../support/memory-transport.ts';
import { framed, mutateSession, pieces } from '../support/mutate.ts';
import { Random } from '../support/random.ts';
import { messageBytes } from '../support/raw-peer.ts';
import { ANY, INT, ids, TEXT } from '../support/scripted-replies.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { ServerSession } from '../support/server-session.ts';
import { NT_ENUM, ntScalar } from '../support/types.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 1_000_000_000);
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 300);
/** Long runs take their time. */
vi.setConfig({ testTimeout: 30_000 + RUNS * 50 });
console.log(`command fuzz: FUZZ_SEED=${SEED} FUZZ_RUNS=${RUNS}`);

const ANYTHING = struct('', { value: 'any', list: 'any[]' });
const SELECTED = { timeout: 0, pvRequest: 'record[process=true,block=true]putField(value)getField(value)' };

function pvs(): Record<string, SharedPV> {
  const able = (initial: Value): SharedPV => {
    const pv = new SharedPV({
      onPut: async (self, value) => {
        await Promise.resolve();
        self.post(value);
      },
      onProcess: (self) => self.post(self.fetch()),
    });
    pv.open(initial);
    return pv;
  };
  return {
    double: able(Value.create(ntScalar('double'), { value: 4.5 })),
    choice: able(NTEnum.create(['zero', 'one', 'two'])),
    any: able(Value.create(ANYTHING, { value: 5, list: ['a', 1n, null] })),
  };
}

/** What a well-behaved client says in a whole conversation, `maxSegment` bytes a segment. */
async function conversation(maxSegment: number): Promise<Buffer> {
  const served = pvs();
  const s = new JoinedSession(served, { maxSegment });
  for (const name of Object.keys(served)) {
    const channel = s.channel(name);
    const value = await s.run(new PutGetReadRequest(channel, 'get', SELECTED));
    await s.run(new PutGetRequest(channel, value, { ...SELECTED, fetch: maxSegment > 20 }));
    await s.run(new PutGetReadRequest(channel, 'put', SELECTED));
    await s.run(new ProcessRequest(channel, SELECTED));
  }
  await settled();
  return Buffer.concat([
    ...s.now.client.written,
    messageBytes(Command.AUTHNZ, (w) => encodeAuthnz(w, { data: new AnyValue(INT, Value.create(INT)) })),
    messageBytes(Command.CANCEL_REQUEST, (w) => encodeRequestControl(w, { sid: 1, ioid: 1 })),
  ]);
}

let talks: Buffer[];
beforeAll(async () => {
  talks = [await conversation(2 ** 31 - 1), await conversation(30), await conversation(7)];
});

/** Runs `count` conversations; a failure says which one it was. */
async function conversations(count: number, one: (random: Random) => Promise<void>): Promise<void> {
  for (let run = 0; run < count; run++) {
    try {
      await one(new Random(SEED + run));
    } catch (error) {
      throw new Error(`FUZZ_SEED=${SEED + run}: ${(error as Error).stack}`);
    }
  }
}

it('a server closes with a reason or goes on, and keeps nothing', async () => {
  let closed = 0;
  await conversations(RUNS, async (random) => {
    const served = pvs();
    const session = new ServerSession(served);
    for (const piece of pieces(mutateSession(random.pick(talks), random), random)) session.peer.write(piece);
    await settled();
    if (session.closedBecause !== undefined) {
      closed++;
      expect(session.closedBecause).toMatch(/^PVA_(DECODE|REMOTE_PROTOCOL) .{10}/);
    }
    session.peer.transport.close();
    await settled();
    expect(session.client.operationCount).toBe(0);
    for (const pv of Object.values(served)) expect([pv.clientCount, pv.subscriberCount]).toEqual([0, 0]);
  });
  if (RUNS >= 100) expect(closed).toBeGreaterThan(RUNS / 20);
});

it('a client closes with a reason or goes on; requests end in their own ways', async () => {
  const COMMANDS = [Command.PUT_GET, Command.PUT_GET, Command.PROCESS, Command.ACL_CHANGE, Command.AUTHNZ];
  const SUBCOMMANDS = [0, 0x08, 0x10, 0x40, 0x80, 0xc0, 0xff];
  let lost = 0;
  await conversations(Math.ceil(RUNS / 2), async (random) => {
    const s = new ScriptedServer({ littleEndian: random.chance(0.5) });
    const abort = new AbortController();
    const options = { timeout: 0, signal: abort.signal };
    const channel = s.channel('a');
    const operations: Promise<unknown>[] = [
      s.run(new PutGetRequest(channel, 1, options)),
      s.run(new PutGetReadRequest(channel, 'get', options)),
      s.run(new PutGetReadRequest(channel, 'put', options)),
      s.run(new ProcessRequest(channel, options)),
    ];
    for (const o of operations) o.catch(() => {});
    const ioids = (await s.requests()).map((m) => ids(m).ioid);
    for (let i = 0; i < 15; i++) {
      if (random.chance(0.1)) s.peer.write(framed(random, true));
      else
        s.send(random.pick(COMMANDS), (w) => {
          w.u32(random.chance(0.9) ? random.pick(ioids) : random.int(2 ** 32));
          w.u8(random.pick(SUBCOMMANDS));
          if (random.chance(0.7)) w.u8(0xff);
          for (let types = random.int(3); types > 0; types--)
            encodeType(w, random.pick([INT, TEXT, ANY, NT_ENUM]));
          w.bytes(random.bytes(random.int(12)));
        });
      if (random.chance(0.3)) for (const m of await s.requests()) ioids.push(ids(m).ioid);
      if (s.lost.length > 0) break;
    }
    await settled();
    s.up = false;
    lost += s.lost.length;
    abort.abort();
    for (const r of await Promise.allSettled(operations))
      if (r.status === 'rejected') expect(PvaError.isPvaError(r.reason)).toBe(true);
    for (const reason of s.lost) expect(reason).toMatch(/.{10}/);
  });
  if (RUNS >= 100) expect(lost).toBeGreaterThan(RUNS / 20);
});
