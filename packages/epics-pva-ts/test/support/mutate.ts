/** Damage done to real conversations: bytes and whole messages changed, lost, repeated, exchanged, cut. */

import type { Random } from './random.ts';
import { messagesIn } from './raw-peer.ts';

const NASTY = [0x00, 0x01, 0x7f, 0x80, 0x81, 0x82, 0x83, 0x88, 0xca, 0xfd, 0xfe, 0xff];

/** A few bytes changed, put in or taken out. */
export function mutateBytes(bytes: Buffer, random: Random, most = 4): Buffer {
  let out = Buffer.from(bytes);
  for (let n = 1 + random.int(most); n > 0 && out.length > 0; n--) {
    const at = random.int(out.length);
    const byte = random.chance(0.5) ? random.pick(NASTY) : random.int(256);
    switch (random.int(6)) {
      case 0:
        out = Buffer.concat([out.subarray(0, at), Buffer.from([byte]), out.subarray(at)]);
        break;
      case 1:
        out = Buffer.concat([out.subarray(0, at), out.subarray(at + 1 + random.int(8))]);
        break;
      case 2:
        out[at] = (out[at] as number) ^ (1 << random.int(8));
        break;
      default:
        out[at] = byte;
    }
  }
  return out;
}

/** A conversation's messages, some of them damaged inside, lost, repeated or exchanged. */
export function mutateSession(session: Buffer, random: Random): Buffer {
  const messages: Buffer[] = messagesIn(session).map((m) => Buffer.from(m.hex.replaceAll(' ', ''), 'hex'));
  for (let n = 1 + random.int(4); n > 0 && messages.length > 0; n--) {
    const at = random.int(messages.length);
    const message = messages[at] as Buffer;
    switch (random.int(8)) {
      case 0:
        messages.splice(at, 1);
        break;
      case 1:
        messages.splice(random.int(messages.length), 0, message);
        break;
      case 2:
        messages.splice(at, 1);
        messages.splice(random.int(messages.length + 1), 0, message);
        break;
      case 3:
        // Only what is behind the header, whose length stays right.
        messages[at] = Buffer.concat([message.subarray(0, 8), sameLength(message.subarray(8), random)]);
        break;
      case 4:
        messages[at] = withLength(
          Buffer.concat([message.subarray(0, 8), mutateBytes(message.subarray(8), random)]),
        );
        break;
      case 5:
        messages[at] = withLength(message.subarray(0, 8 + random.int(Math.max(1, message.length - 8))));
        break;
      case 6:
        messages.splice(at, 0, framed(random));
        break;
      default:
        messages[at] = mutateBytes(message, random);
    }
  }
  const all = Buffer.concat(messages);
  return random.chance(0.1) ? all.subarray(0, random.int(all.length + 1)) : all;
}

/** A good header before random bytes: gets past the first check every time. */
export function framed(random: Random, fromServer = false): Buffer {
  const payload = random.bytes(random.int(random.pick([4, 20, 300])));
  const head = Buffer.from([0xca, 2, fromServer ? 0x40 : 0, random.int(0x18), 0, 0, 0, 0]);
  if (random.chance(0.1)) head[2] = (head[2] as number) | random.pick([0x10, 0x20, 0x30]);
  return withLength(Buffer.concat([head, payload]));
}

function sameLength(payload: Buffer, random: Random): Buffer {
  const out = Buffer.from(payload);
  for (let n = 1 + random.int(4); n > 0 && out.length > 0; n--)
    out[random.int(out.length)] = random.chance(0.5) ? random.pick(NASTY) : random.int(256);
  return out;
}

function withLength(message: Buffer): Buffer {
  const out = Buffer.from(message);
  if ((out[2] as number) & 0x80) out.writeUInt32BE(out.length - 8, 4);
  else out.writeUInt32LE(out.length - 8, 4);
  return out;
}

/** The bytes in random pieces. */
export function* pieces(bytes: Buffer, random: Random): Generator<Buffer> {
  const most = random.pick([1, 7, 100, 5000]);
  for (let at = 0; at < bytes.length; ) {
    const n = 1 + random.int(most);
    yield bytes.subarray(at, at + n);
    at += n;
  }
}
