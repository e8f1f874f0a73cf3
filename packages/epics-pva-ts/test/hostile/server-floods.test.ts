/**
 * Clients that ask for as much as they can, on one connection of a server in memory: every limit holds, and what a
 * connection can cost is stated here in MiB. The bounds are two to three times of what was measured.
 */
import { describe, expect, it } from 'vitest';
import { Command } from '../../src/frame/command.ts';
import {
  MAX_CHANNELS,
  MAX_OPERATIONS,
  MAX_QUEUED_UPDATES,
  MAX_REQUEST_BYTES,
  MAX_REQUESTS_UNDER_WAY,
  MAX_WAITING_NAME_BYTES,
} from '../../src/limits.ts';
import { encodeCreateChannelRequest } from '../../src/message/channel.ts';
import { encodeGetFieldRequest } from '../../src/message/get-field.ts';
import { encodeTyped } from '../../src/message/operation.ts';
import { encodeSearchRequest, searchRequest } from '../../src/message/search.ts';
import { ServerClient } from '../../src/server/server-client.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { encodeType } from '../../src/value/type-codec.ts';
import { arrayOf, struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { Drain, Plug } from '../support/drain.ts';
import { MemoryWatch, MiB } from '../support/memory-use.ts';
import { messageBytes, wholeMessages } from '../support/raw-peer.ts';
import { init, request } from '../support/requests.ts';
import { int } from '../support/server-asking.ts';
import { hostOf } from '../support/server-session.ts';
import { ANONYMOUS } from '../support/tcp-peer.ts';

/** Keeps what was written, as numbers of messages by their first error text. */
class Reading extends Drain {
  readonly answers = new Map<string, number>();
  override write(chunks: readonly Uint8Array[], sent?: () => void): void {
    super.write(chunks, sent);
    for (const m of wholeMessages(Buffer.concat(chunks)).messages) {
      const text = /[a-zA-Z][a-zA-Z _()0-9']{8,}/.exec(m.payload.toString('latin1'))?.[0] ?? 'OK';
      const key = `${m.name} ${text}`;
      this.answers.set(key, (this.answers.get(key) ?? 0) + 1);
    }
  }
}

async function validated(
  pvs: Record<string, SharedPV> = { p: SharedPV.mailbox(int(1)), closed: new SharedPV() },
  transport: Drain | Plug = new Reading(),
): Promise<{ client: ServerClient; host: ReturnType<typeof hostOf>; transport: Drain | Plug }> {
  const host = hostOf(new Map(Object.entries(pvs)));
  const client = new ServerClient(host, transport);
  client.connection.receive(ANONYMOUS);
  await Promise.resolve();
  return { client, host, transport };
}

/** Sends, and lets the answers leave. */
async function receive(client: ServerClient, ...messages: Buffer[]): Promise<void> {
  for (const m of messages) client.connection.receive(m);
  // What is said after a small write leaves at the end of the event loop's turn.
  await new Promise((resolve) => setImmediate(resolve));
}

function create(from: number, count: number, name = 'p'): Buffer {
  const channels = Array.from({ length: count }, (_, i) => ({ cid: from + i, name }));
  return messageBytes(Command.CREATE_CHANNEL, (w) => encodeCreateChannelRequest(w, { channels }));
}

const answers = (transport: unknown): Record<string, number> =>
  Object.fromEntries((transport as Reading).answers);

describe('a flood of', () => {
  it('CREATE_CHANNEL: so many channels and no more, in less than 40 MiB', async () => {
    const { client, transport, host } = await validated();
    const watch = new MemoryWatch();
    for (let i = 0; i < 60; i++) await receive(client, create(i * 1000, 1000));
    expect(client.channelNames()).toHaveLength(MAX_CHANNELS);
    expect(watch.look()).toBeLessThan(40 * MiB);
    expect(answers(transport)['CREATE_CHANNEL too many channels (20000) on this connection']).toBe(40_000);
    expect(host.ended).toEqual([]);
    client.close();
    expect(watch.look()).toBeLessThan(4 * MiB);
  });

  it('MONITOR INIT: so many operations and no more, in less than 800 MiB, all of them gone with the connection', async () => {
    const pv = SharedPV.mailbox(int(1));
    const { client, transport } = await validated({ p: pv });
    await receive(client, create(1, 1));
    const watch = new MemoryWatch();
    for (let i = 0; i < 120; i++)
      await receive(
        client,
        Buffer.concat(
          Array.from({ length: 1000 }, (_, k) =>
            init(Command.MONITOR, 1, i * 1000 + k, 'record[queueSize=100000]'),
          ),
        ),
      );
    const all = answers(transport);
    expect(all['MONITOR too many operations (100000) on this connection']).toBe(20_000);
    expect(watch.look()).toBeLessThan(800 * MiB);
    for (let i = 0; i < 100; i++)
      await receive(
        client,
        Buffer.concat(
          Array.from({ length: 1000 }, (_, k) => request(Command.MONITOR, 1, i * 1000 + k, 0x44)),
        ),
      );
    expect(pv.subscriberCount).toBe(MAX_OPERATIONS);
    client.close();
    expect(pv.subscriberCount).toBe(0);
    expect(watch.look()).toBeLessThan(8 * MiB);
  });

  it('INITs with huge pvRequests: refused when they take more than 16 MiB together, which is less than 400 MiB here', async () => {
    const { client, transport } = await validated();
    await receive(client, create(1, 1));
    const names = Array.from({ length: 2000 }, (_, i) => `a_field_that_does_not_exist_${i}`);
    const text = `field(value,${names.join(',')})`;
    const watch = new MemoryWatch();
    const one = init(Command.GET, 1, 0, text);
    let sent = 0;
    for (let i = 0; sent < 3 * MAX_REQUEST_BYTES; i++) {
      const message = Buffer.from(one);
      message.writeUInt32LE(i, 12);
      await receive(client, message);
      sent += message.length;
    }
    expect(watch.look()).toBeLessThan(400 * MiB);
    const refused = Object.entries(answers(transport)).filter(([k]) => k.includes('take more than'));
    expect(refused.reduce((n, [, count]) => n + count, 0)).toBeGreaterThan(100);
    // What ends makes room for others.
    client.connection.receive(request(Command.GET, 1, 0, 0x10));
    await receive(client, init(Command.GET, 1, 0xffff, 'value'));
    expect(answers(transport)['GET OK']).toBeGreaterThan(0);
    client.close();
  });

  it('INITs whose pvRequests hold much more than options: only these are kept, in less than 20 MiB', async () => {
    const { client } = await validated({ closed: new SharedPV() });
    await receive(client, create(1, 1, 'closed'));
    const watch = new MemoryWatch();
    // struct { struct[] junk } of so many empty structures; then a type with an id, of empty structures alone.
    const empty = 50_000;
    const members = Array.from({ length: 5000 }, (_, i) => `s${i}`);
    const wide = struct('', Object.fromEntries(members.map((name) => [name, struct('', {})])));
    for (let ioid = 0; ioid < 40; ioid++)
      await receive(
        client,
        request(Command.GET, 1, 2 * ioid, 0x08, (w) =>
          encodeTyped(
            w,
            Value.create(struct('', { junk: arrayOf(struct('', {})) }), {
              junk: Array.from({ length: empty }, () => ({})),
            }),
          ),
        ),
        request(Command.GET, 1, 2 * ioid + 1, 0x08, (w) => {
          w.bytes(Buffer.from([ioid === 0 ? 0xfd : 0xfe, 7, 0]));
          if (ioid === 0) encodeType(w, wide);
        }),
      );
    expect(client.operationCount).toBe(80);
    expect(watch.look()).toBeLessThan(20 * MiB);
    client.close();
  });

  it('GET_FIELD with long names for PVs that are not open: refused when they take more than 16 MiB', async () => {
    const [one, two] = [new SharedPV(), new SharedPV()];
    const { client, transport, host } = await validated({ one, two });
    await receive(client, create(1, 1, 'one'), create(2, 1, 'two'));
    const ask = (sid: number, bytes: number): Buffer =>
      messageBytes(Command.GET_FIELD, (w) =>
        encodeGetFieldRequest(w, { sid, ioid: 1, subfield: 'n'.repeat(bytes) }),
      );
    const told = (what: string): number =>
      Object.entries(answers(transport)).reduce(
        (n, [text, count]) => n + (text.includes(what) ? count : 0),
        0,
      );
    const watch = new MemoryWatch();
    for (let i = 0; i < 20; i++) await receive(client, ask(1, MiB));
    expect(told('the name of a field has at most 4096 bytes')).toBe(20);
    const [asked, fit] = [5000, MAX_WAITING_NAME_BYTES / 4096];
    for (let i = 0; i < asked; i++) client.connection.receive(ask(1 + (i % 2), 4096));
    await receive(client);
    expect(told('the GET_FIELDs that wait on this connection')).toBe(asked - fit);
    expect(watch.look()).toBeLessThan(50 * MiB);
    // What is answered, and what goes with its channel, makes room for others.
    one.open(int(1));
    two.close();
    await receive(client, create(3, 1, 'two'));
    for (let i = 0; i < fit; i++) client.connection.receive(ask(3, 4096));
    await receive(client);
    expect(told('the GET_FIELDs that wait on this connection')).toBe(asked - fit);
    await receive(client, ask(3, 1));
    expect(told('the GET_FIELDs that wait on this connection')).toBe(asked - fit + 1);
    expect(host.ended).toEqual([]);
    client.close();
  });

  it('GET_FIELD for a PV that never opens: bounded for the connection, however many channels', async () => {
    const { client, transport } = await validated();
    await receive(client, create(1, 30, 'closed'));
    const watch = new MemoryWatch();
    for (let i = 0; i < 150; i++)
      await receive(
        client,
        Buffer.concat(
          Array.from({ length: 1000 }, (_, k) =>
            messageBytes(Command.GET_FIELD, (w) =>
              encodeGetFieldRequest(w, { sid: 1 + (i % 30), ioid: i * 1000 + k, subfield: '' }),
            ),
          ),
        ),
      );
    expect(watch.look()).toBeLessThan(100 * MiB);
    expect(answers(transport)['GET_FIELD too many GET_FIELDs (100000) wait on this connection']).toBe(50_000);
    client.close();
    expect(watch.look()).toBeLessThan(4 * MiB);
  });

  it('SEARCH over TCP with 65535 names each: one answer each, nothing kept', async () => {
    const { client } = await validated();
    const channels = Array.from({ length: 65_535 }, (_, i) => ({ cid: i, name: `n${i}` }));
    const message = messageBytes(Command.SEARCH, (w) =>
      encodeSearchRequest(w, searchRequest(channels, { sequence: 1, flags: 1, replyPort: 0 })),
    );
    const watch = new MemoryWatch();
    for (let i = 0; i < 20; i++) await receive(client, message);
    expect(watch.look()).toBeLessThan(10 * MiB);
    client.close();
  });

  it('type definitions: the cache is bounded in types, fields and bytes', async () => {
    const id = (n: number): Buffer => Buffer.from([0xfd, n & 0xff, n >> 8]);
    const name = (length: number, first = 0x61): Buffer =>
      Buffer.concat([
        Buffer.from([0xfe, length & 0xff, length >> 8, 0, 0, first]),
        Buffer.alloc(length - 1, 0x61),
      ]);
    const structOf = (...names: Buffer[]): Buffer =>
      Buffer.concat([
        Buffer.from([0x80, 0, names.length]),
        ...names.flatMap((n) => [n, Buffer.from([0x22])]),
      ]);
    const shapes: [string, Buffer, RegExp][] = [
      ['empty structures', structOf(), /^undefined$/],
      [
        'many fields',
        structOf(
          ...Array.from({ length: 100 }, (_, i) =>
            Buffer.from([2, 0x61 + Math.floor(i / 10), 0x61 + (i % 10)]),
          ),
        ),
        /too many types/,
      ],
      [
        'long names',
        structOf(...Array.from({ length: 10 }, (_, i) => name(4000, 0x61 + i))),
        /too many types/,
      ],
      [
        'names beyond the limit',
        Buffer.concat([Buffer.from([0x80, 0, 1]), name(4100), Buffer.from([0x22])]),
        /field name of more than 4096 bytes/,
      ],
    ];
    for (const [what, type, why] of shapes) {
      const { client, host } = await validated();
      const watch = new MemoryWatch();
      for (let n = 0; n < 65_536 && !client.connection.closed; n++) {
        // Nobody has such an operation, but types count on a connection all the same.
        client.connection.receive(
          messageBytes(Command.RPC, (w) => {
            w.u32(1);
            w.u32(1);
            w.u8(0);
            w.bytes(id(n));
            w.bytes(type);
            if (what === 'many fields') w.bytes(Buffer.alloc(400));
            if (what.includes('names')) w.bytes(Buffer.alloc(40));
          }),
        );
        if (n % 1000 === 0) await Promise.resolve();
      }
      expect(String(host.ended[0]?.reason?.message), what).toMatch(why);
      expect(watch.look(), what).toBeLessThan(120 * MiB);
      client.close();
    }
  }, 60_000);

  it('operations that end at once: nothing is left of them but the last thousand types', async () => {
    const { client } = await validated();
    await receive(client, create(1, 1));
    const watch = new MemoryWatch();
    for (let i = 0; i < 50_000; i++) {
      client.connection.receive(init(Command.PUT, 1, i, ''));
      client.connection.receive(request(Command.PUT, 1, i, 0x50));
      if (i % 100 === 0) await Promise.resolve();
    }
    expect(watch.look()).toBeLessThan(12 * MiB);
    client.close();
  });
});

describe('a client that asks and reads nothing', () => {
  it.each([
    ['ECHO', (): Buffer => messageBytes(Command.ECHO, (w) => w.bytes(Buffer.alloc(100_000)))],
    ['GET of an image', (): Buffer => request(Command.GET, 1, 1, 0)],
    ['CREATE_CHANNEL of nothing', (): Buffer => create(1, 1000, 'nobody')],
  ])('%s: costs less than 24 MiB and is not read from any more', async (_what, ask) => {
    const image = Value.create(struct('', { value: 'ubyte[]' }), { value: new Uint8Array(MiB) });
    const { client, transport } = await validated({ p: SharedPV.mailbox(image) }, new Plug());
    await receive(client, create(1, 1), init(Command.GET, 1, 1, ''));
    const watch = new MemoryWatch();
    const plug = transport as Plug;
    for (let i = 0; i < 5000 && !plug.paused; i++) await receive(client, ask());
    expect(plug.paused).toBe(true);
    expect(client.connection.unsentBytes).toBeLessThan(18 * MiB);
    expect(watch.look()).toBeLessThan(24 * MiB);
    client.close();
  });
});

describe('a client with long queues', () => {
  it('has so many updates in all of them together and no more: further ones are merged, and counted', async () => {
    const type = struct('', { value: 'int', image: 'ubyte[]' });
    const pv = SharedPV.mailbox(Value.create(type, { image: new Uint8Array(5 * MiB) }));
    const { client } = await validated({ p: pv }, new Plug());
    await receive(client, create(1, 1));
    const monitors = 20;
    for (let ioid = 0; ioid < monitors; ioid++)
      client.connection.receive(init(Command.MONITOR, 1, ioid, 'record[queueSize=100000]'));
    for (let ioid = 0; ioid < monitors; ioid++)
      client.connection.receive(request(Command.MONITOR, 1, ioid, 0x44));
    await receive(client);
    for (let value = 0; value < 50_100; value++) pv.post({ value });
    const reports = client.report(false).channels[0]?.monitors ?? [];
    const sum = (count: 'queued' | 'sent' | 'squashed' | 'length'): number =>
      reports.reduce((n, monitor) => n + monitor[count], 0);
    expect(sum('length')).toBe(MAX_QUEUED_UPDATES);
    expect(sum('squashed')).toBe(sum('queued') - sum('sent') - MAX_QUEUED_UPDATES);
    expect(sum('squashed')).toBeGreaterThan(1000);
    client.close();
  });
});

describe('a client whose requests are answered later', () => {
  /** `count` RPCs, each by an operation of its own, and a PV that answers when `answer` is called. */
  async function asked(
    count: number,
    result = Value.create(struct('', { value: 'ubyte[]' }), { value: new Uint8Array(MiB) }),
  ): Promise<{
    client: ServerClient;
    plug: Plug;
    host: ReturnType<typeof hostOf>;
    calls: () => number;
    answer: (n: number) => Promise<void>;
  }> {
    const waiting: ((v: Value) => void)[] = [];
    let calls = 0;
    const pv = new SharedPV({
      onRpc: () => {
        calls++;
        return new Promise<Value>((resolve) => waiting.push(resolve));
      },
    });
    const { client, transport, host } = await validated({ p: pv }, new Plug());
    await receive(client, create(1, 1));
    for (let i = 0; i < count; i++) client.connection.receive(init(Command.RPC, 1, i));
    for (let i = 0; i < count; i++)
      client.connection.receive(request(Command.RPC, 1, i, 0, (w) => encodeTyped(w, null)));
    const answer = async (n: number): Promise<void> => {
      for (const resolve of waiting.splice(0, n)) resolve(result);
      await new Promise((resolve) => setImmediate(resolve));
    };
    return { client, plug: transport as Plug, host, calls: () => calls, answer };
  }

  it('has so many under way and no more; the rest is read when half of them are answered', async () => {
    const { client, plug, calls, answer } = await asked(2500, int(1));
    expect([calls(), plug.paused]).toEqual([MAX_REQUESTS_UNDER_WAY, true]);
    expect(client.report(false).refused.requests).toBe(1);
    await answer(MAX_REQUESTS_UNDER_WAY / 2 - 1);
    expect([calls(), plug.paused]).toEqual([MAX_REQUESTS_UNDER_WAY, true]);
    await answer(1);
    expect([calls(), plug.paused]).toEqual([1.5 * MAX_REQUESTS_UNDER_WAY, true]);
    for (let i = 0; i < 4; i++) await answer(1000);
    expect([calls(), plug.paused]).toEqual([2500, false]);
    client.close();
  });

  it('and reads nothing is not read from any more, and has to take some of it within 40 s', async () => {
    const { client, plug, host, answer } = await asked(100);
    expect(plug.paused).toBe(false);
    await answer(15);
    expect(plug.paused).toBe(false);
    await answer(2);
    expect(plug.paused).toBe(true);
    expect(client.report(false).refused.unsentBytes).toBe(1);
    const now = Math.ceil(performance.now());
    for (let t = 1; t <= 42; t++) client.connection.tick(now + t * 1000);
    expect(host.ended[0]?.reason?.message).toMatch(/the peer took none of \d{8} bytes for 40 s$/);
  });

  it('and never answered is closed in the end: nobody hears whether it is still there', async () => {
    const { client, host, answer } = await asked(1500);
    const now = Math.ceil(performance.now());
    for (let t = 1; t <= 39; t++) client.connection.tick(now + t * 1000);
    await answer(1);
    for (let t = 40; t <= 79; t++) client.connection.tick(now + t * 1000);
    expect(host.ended).toEqual([]);
    for (let t = 80; t <= 81; t++) client.connection.tick(now + t * 1000);
    expect(host.ended[0]?.reason?.message).toBe(
      'none of 999 requests was answered by its PV for 40 s, and no more are read',
    );
    client.close();
  });
});

describe('one message', () => {
  const rpc = (body: (Buffer | number[])[]): Buffer =>
    messageBytes(Command.RPC, (w) => {
      w.u32(1);
      w.u32(1);
      w.u8(0);
      for (const part of body) w.bytes(Buffer.from(part as number[]));
    });
  const count = (n: number): number[] => [0xfe, n & 0xff, (n >> 8) & 0xff, (n >> 16) & 0xff, n >>> 24];
  const N = 30_000_000;

  it.each([
    ['any[] of nothing', 0x8a, Buffer.alloc(N, 0)],
    ['any[] of null', 0x8a, Buffer.alloc(N, Buffer.from([1, 0xff]))],
    ['any[] of any types of their own', 0x8a, Buffer.alloc(N, Buffer.from([1, 0x80, 0, 0]))],
    ['empty strings', 0x68, Buffer.alloc(N, 0)],
    ['booleans', 0x08, Buffer.alloc(N, 0)],
  ])(
    'of 30 MB, %s: decoded or refused, never more heap than an engine has',
    async (_what, code, elements) => {
      const per = elements[0] === 0 ? 1 : elements[1] === 0xff ? 2 : 4;
      const message = rpc([[0x80, 0, 1, 1, 0x76, code], count(N / per), elements]);
      const { client, host } = await validated();
      client.connection.receive(message);
      const reason = host.ended[0]?.reason;
      if (reason) expect(reason.code).toBe('PVA_DECODE');
      expect(process.memoryUsage().heapUsed).toBeLessThan(1500 * MiB);
      client.close();
    },
  );

  it('of 17 MB that puts empty strings is refused at once: no other client, and no post, fails of it later', async () => {
    const pv = SharedPV.mailbox(Value.create(struct('', { value: 'string[]' }), { value: ['as it was'] }));
    const { client, host } = await validated({ p: pv });
    await receive(client, create(1, 1), init(Command.PUT, 1, 1, ''));
    const put = request(Command.PUT, 1, 1, 0, (w) => {
      w.bytes(Buffer.from([1, 2]));
      w.bytes(Buffer.from(count(17_000_000)));
      w.bytes(Buffer.alloc(17_000_000));
    });
    await receive(client, put);
    expect(host.ended[0]?.reason?.message).toBe(
      'PUT: message of too many booleans, strings, structures, unions or any',
    );
    expect(pv.fetch().get('value')).toEqual(['as it was']);
    pv.post({ value: ['new'] });
  });

  it('with a null argument and one with an empty structure are fine', async () => {
    const { client, host } = await validated();
    client.connection.receive(rpc([[0xff]]));
    client.connection.receive(
      messageBytes(Command.RPC, (w) => {
        w.u32(1);
        w.u32(2);
        w.u8(0);
        encodeTyped(w, Value.create(struct('', {})));
      }),
    );
    expect(host.ended).toEqual([]);
    client.close();
  });
});
