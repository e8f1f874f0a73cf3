/**
 * Clients that ask for as much as they can, on one connection of a server in memory: every limit holds, and what a
 * connection can cost is stated here in MiB. The bounds are two to three times of what was measured.
 */
import { describe, expect, it } from 'vitest';
import { Command } from '../../src/frame/command.ts';
import { MAX_CHANNELS, MAX_OPERATIONS, MAX_REQUEST_BYTES, MAX_WAITING_NAME_BYTES } from '../../src/limits.ts';
import { encodeCreateChannelRequest } from '../../src/message/channel.ts';
import { encodeGetFieldRequest } from '../../src/message/get-field.ts';
import { encodeTyped } from '../../src/message/operation.ts';
import { encodeSearchRequest, searchRequest } from '../../src/message/search.ts';
import { ServerClient } from '../../src/server/server-client.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { struct } from '../../src/value/type-def.ts';
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
