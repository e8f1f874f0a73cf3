/**
 * Both state machines as fuzz targets: one input is a whole connection. Messages are of the right form more often than
 * not, about ids in use, in any order and state, with damage and noise between them.
 */
import { Channel } from '../../src/client/channel.ts';
import type { OneShot } from '../../src/client/operation.ts';
import { GetRequest, InfoRequest, PutRequest, RpcRequest } from '../../src/client/requests.ts';
import { ServerLink } from '../../src/client/server-link.ts';
import { Subscription } from '../../src/client/subscription.ts';
import { PvaError } from '../../src/errors.ts';
import { Command } from '../../src/frame/command.ts';
import { encodeCreateChannelResponse, encodeDestroyChannel } from '../../src/message/channel.ts';
import { encodeValidated } from '../../src/message/connection-validation.ts';
import { encodeTyped, SUB } from '../../src/message/operation.ts';
import { encodeRequestControl } from '../../src/message/request-control.ts';
import { NTEnum } from '../../src/nt/nt-enum.ts';
import { ServerClient } from '../../src/server/server-client.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { encodeType } from '../../src/value/type-codec.ts';
import type { Value } from '../../src/value/value.ts';
import { errorStatus, OK } from '../../src/wire/status.ts';
import type { WireWriter } from '../../src/wire/writer.ts';
import { greeting } from '../support/client-session.ts';
import { Drain } from '../support/drain.ts';
import { imageUpdate } from '../support/image.ts';
import { framed, mutateBytes, pieces } from '../support/mutate.ts';
import type { Random } from '../support/random.ts';
import { messageBytes, wholeMessages } from '../support/raw-peer.ts';
import { init, request } from '../support/requests.ts';
import { INT, int } from '../support/scripted-replies.ts';
import { create, destroyChannel } from '../support/server-asking.ts';
import { hostOf } from '../support/server-session.ts';
import { ANONYMOUS } from '../support/tcp-peer.ts';

const SUBCOMMANDS = [
  SUB.EXEC,
  SUB.EXEC,
  SUB.GET,
  SUB.DESTROY,
  SUB.START,
  SUB.STOP,
  SUB.PIPELINE,
  SUB.INIT,
  0x50,
  0xff,
];
const REQUESTS = [
  '',
  'value',
  'field(value,nothing)',
  'nothing',
  'record[queueSize=1]',
  'record[pipeline=true,queueSize=3]',
  'record[queueSize=x]',
  '_[distributor=updates:2]',
];

function pvs(): Map<string, SharedPV> {
  return new Map([
    ['p', SharedPV.mailbox(int(1))],
    ['image', SharedPV.mailbox(imageUpdate(1, 8))],
    ['choice', SharedPV.mailbox(NTEnum.create(['a', 'b']))],
    ['call', new SharedPV({ onRpc: async (_pv, argument) => argument })],
    ['closed', new SharedPV()],
  ]);
}

const broken: ReadonlySet<string> = new Set(['PVA_DECODE', 'PVA_REMOTE_PROTOCOL']);

/** A server, one connection: it may end, for a reason of the peer; then everything of it is freed. */
export async function serverMachine(random: Random): Promise<void> {
  const served = pvs();
  const names = [...served.keys(), 'nobody'];
  const host = hostOf(served);
  const transport = new Drain();
  const client = new ServerClient(host, transport);
  const { connection } = client;
  if (random.chance(0.95)) connection.receive(ANONYMOUS);
  const id = (): number => (random.chance(0.95) ? random.int(4) : random.int(2 ** 32));
  const sid = (): number => (random.chance(0.95) ? 1 + random.int(4) : random.int(2 ** 32));
  const message = (): Buffer => {
    const littleEndian = random.chance(0.5);
    const command = random.pick([Command.GET, Command.PUT, Command.RPC, Command.MONITOR, Command.MONITOR]);
    switch (random.int(10)) {
      case 0:
        return create([id(), random.pick(names)]);
      case 1:
      case 2:
        return init(command, sid(), id(), random.chance(0.1) ? null : random.pick(REQUESTS), littleEndian);
      case 3:
        return messageBytes(random.pick([Command.DESTROY_REQUEST, Command.CANCEL_REQUEST]), (w) =>
          encodeRequestControl(w, { sid: sid(), ioid: id() }),
        );
      case 4:
        return random.chance(0.3) ? destroyChannel(sid(), id()) : messageBytes(Command.ECHO, (w) => w.u8(1));
      case 5:
        return random.chance(0.2) ? framed(random) : ANONYMOUS.subarray(0, random.chance(0.1) ? 27 : 0);
      default:
        return request(
          command,
          sid(),
          id(),
          random.pick(SUBCOMMANDS),
          (w) => {
            if (command === Command.PUT) int(random.int(100)).encodePartial(w);
            else if (command === Command.RPC) encodeTyped(w, random.chance(0.5) ? null : int(1));
            else if (random.chance(0.3)) w.u32(random.int(8));
          },
          littleEndian,
        );
    }
  };
  connection.receive(create([0, 'p'], [1, random.pick(names)], [2, 'image']));
  for (let n = 3 + random.int(25); n > 0 && !connection.closed; n--) {
    const bytes = random.chance(0.05) ? mutateBytes(message(), random, 2) : message();
    if (random.chance(0.2)) for (const piece of pieces(bytes, random)) connection.receive(piece);
    else if (bytes.length > 0) connection.receive(bytes);
    const pv = served.get('p');
    if (pv?.isOpen && random.chance(0.1)) pv.post(int(random.int(9)));
    if (random.chance(0.02)) served.get('p')?.close();
    if (random.chance(0.3)) await null;
    if (random.chance(0.1)) connection.tick(performance.now());
  }
  await null;
  const reason = host.ended[0]?.reason;
  if (reason && !broken.has(reason.code)) throw new Error('ended by a fault of this side', { cause: reason });
  if (!connection.closed) connection.close();
  for (const [name, pv] of served)
    if (pv.clientCount + pv.subscriberCount > 0) throw new Error(`'${name}' still has clients`);
  if (host.ended.length !== 1) throw new Error(`told ${host.ended.length} times of the end`);
}

/** Keeps the ioids of what the client asks. */
class Listening extends Drain {
  readonly asked: { command: number; ioid: number }[] = [];
  override write(chunks: readonly Uint8Array[], sent?: () => void): void {
    super.write(chunks, sent);
    for (const m of wholeMessages(Buffer.concat(chunks)).messages)
      if (m.payload.length >= 8 && m.command !== Command.CONNECTION_VALIDATION)
        this.asked.push({ command: m.command, ioid: m.payload.readUInt32LE(4) });
  }
}

/** A client, one connection and a few operations: each ends in its own way, whatever the server says. */
export async function clientMachine(random: Random): Promise<void> {
  const transport = new Listening();
  let lost: Error | undefined;
  let over = false;
  let channels: Channel[] = [];
  const link = new ServerLink({
    endpoint: { address: 'fuzz', port: 1 },
    timeout: 40,
    user: 'u',
    host: 'h',
    search: { onResponse: () => {} },
    connect: () => Object.assign(transport, { attach: () => {} }),
    ready: () => {},
    closed: (_link, left, _connected, reason) => {
      over = true;
      lost = reason;
      for (const c of left) c.onLost('disconnected', 'lost');
    },
  });
  const { connection } = link;
  const searching = { add: () => {}, remove: () => {} };
  channels = ['a', 'b'].map(
    (name, i) => new Channel({ name, cid: i + 1, search: searching, linkTo: () => link }),
  );
  const abort = new AbortController();
  const options = { timeout: 0, signal: abort.signal };
  const ended: Promise<unknown>[] = [];
  const start = (): void => {
    const channel = random.pick(channels);
    const one: OneShot<unknown>[] = [];
    switch (random.int(5)) {
      case 0:
        one.push(new GetRequest(channel, options) as OneShot<unknown>);
        break;
      case 1:
        one.push(new PutRequest(channel, 5, options) as OneShot<unknown>);
        break;
      case 2:
        one.push(new RpcRequest(channel, int(1), options) as OneShot<unknown>);
        break;
      case 3:
        one.push(new InfoRequest(channel, options) as OneShot<unknown>);
        break;
      default:
        new Subscription(
          channel,
          { signal: abort.signal, pvRequest: random.chance(0.3) ? 'record[pipeline=true]' : '' },
          random.chance(0.5) ? { update: (v: Value) => void v.toJS() } : {},
        );
    }
    for (const o of one) ended.push(o.begin().promise.catch((e: unknown) => e));
  };
  const say = (command: number, write: (w: WireWriter) => void): void => {
    const bytes = messageBytes(command, write, { fromServer: true, littleEndian: random.chance(0.5) });
    connection.receive(random.chance(0.04) ? mutateBytes(bytes, random, 2) : bytes);
  };
  for (const c of channels) c.found({ address: 'fuzz', port: 1 });
  connection.receive(greeting(true));
  await null;
  if (random.chance(0.95)) say(Command.CONNECTION_VALIDATED, (w) => encodeValidated(w, OK));
  await null;
  for (const i of [1, 2])
    if (random.chance(0.9))
      say(Command.CREATE_CHANNEL, (w) => encodeCreateChannelResponse(w, { cid: i, sid: i + 10, status: OK }));
  start();
  start();
  for (let n = 3 + random.int(25); n > 0 && !connection.closed; n--) {
    await null;
    const known = transport.asked.length > 0 && random.chance(0.9) ? random.pick(transport.asked) : undefined;
    switch (random.int(12)) {
      case 0:
        start();
        break;
      case 1:
        say(Command.DESTROY_CHANNEL, (w) => encodeDestroyChannel(w, { sid: 11, cid: random.int(3) }));
        break;
      case 2:
        say(Command.CREATE_CHANNEL, (w) =>
          encodeCreateChannelResponse(w, {
            cid: random.int(4),
            sid: random.int(20),
            status: random.chance(0.5) ? OK : errorStatus('no'),
          }),
        );
        break;
      case 3:
        connection.receive(framed(random, true));
        break;
      case 4:
        connection.tick(performance.now());
        break;
      default:
        say(known?.command ?? random.pick([Command.GET, Command.PUT, Command.MONITOR, Command.RPC]), (w) => {
          const subcommand = random.pick(SUBCOMMANDS);
          w.u32(known?.ioid ?? random.int(2 ** 32));
          if (known?.command !== Command.GET_FIELD) w.u8(subcommand);
          if (known?.command !== Command.MONITOR || subcommand !== SUB.EXEC)
            w.u8(random.chance(0.9) ? 0xff : 2);
          if (subcommand & SUB.INIT) encodeType(w, INT);
          else if (random.chance(0.8)) int(3).encodePartial(w);
          if (random.chance(0.8)) w.u8(0);
        });
    }
  }
  await null;
  if (lost && !(PvaError.isPvaError(lost) && broken.has(lost.code)))
    throw new Error('ended by a fault of this side', { cause: lost });
  abort.abort();
  for (const end of await Promise.all(ended))
    if (end instanceof Error && !PvaError.isPvaError(end)) throw end;
  if (!over) link.close();
}
