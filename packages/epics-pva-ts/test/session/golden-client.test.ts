/**
 * What real servers answered (pva-protocol.md 3.20, 11.2, 2.9, 1.4), given to our client: the bytes of a PVXS IOC, of
 * QSRV 1 with its type ids and redundant masks, of pvAccessCPP with its segments. Only the ioid is put in.
 */
import { describe, expect, it } from 'vitest';
import { GetRequest, PutRequest } from '../../src/client/requests.ts';
import { Command } from '../../src/frame/command.ts';
import { NTEnum } from '../../src/nt/nt-enum.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { readSessions } from '../golden/read-messages.ts';
import { fromHex, toHex } from '../support/hex.ts';
import { settled } from '../support/memory-transport.ts';
import { messageBytes, segmented } from '../support/raw-peer.ts';
import { ids, replyInit } from '../support/scripted-replies.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { NT_NDARRAY, QSRV_DOUBLE } from '../support/types.ts';

const OPTIONS = { timeout: 0 };

/** What the server sent in a recorded session from its `from`-th message of this command on. */
function recorded(title: string, command: number): Buffer[] {
  const session = readSessions().find((s) => s.title === title);
  if (!session) throw new Error(`no golden session '${title}'`);
  return session.messages.filter((m) => m.from === 'S' && m.bytes[3] === command).map((m) => m.bytes);
}

function withIoid(bytes: Buffer, ioid: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt32LE(ioid, 8);
  return copy;
}

for (const [how, options] of [
  ['whole', {}],
  ['byte by byte', { cut: () => 1 }],
] as const)
  describe(`recorded replies, ${how}`, () => {
    it('of a PVXS IOC: an enum is got, and put by label with the bytes pvput sent', async () => {
      const s = new ScriptedServer(options);
      const channel = s.channel('t:mbbo');
      const [type, value] = recorded('pvget and pvput of an enum', Command.GET) as [Buffer, Buffer];
      const get = s.run(new GetRequest(channel, OPTIONS));
      let { ioid } = ids(await s.request());
      s.peer.write(withIoid(type, ioid));
      await s.request();
      s.peer.write(withIoid(value, ioid));
      const got = await get;
      expect([NTEnum.label(got), got.get('timeStamp.nanoseconds'), got.get('display.description')]).toEqual([
        'Zero',
        0x1ec92c5b,
        '',
      ]);
      await s.requests();

      const put = s.run(new PutRequest(channel, 'Two', OPTIONS));
      ioid = ids(await s.request()).ioid;
      const [putType, present, done] = recorded('pvget and pvput of an enum', Command.PUT) as Buffer[];
      s.peer.write(withIoid(putType as Buffer, ioid));
      await s.request();
      s.peer.write(withIoid(present as Buffer, ioid));
      const exec = await s.request();
      expect(toHex(exec.payload.subarray(8))).toBe('00 01 04 02 00 00 00');
      s.peer.write(withIoid(done as Buffer, ioid));
      await put;
    });

    it('of QSRV 1: type ids, a redundant mask with one full structure behind it, then small updates', async () => {
      const s = new ScriptedServer(options);
      const seen: Value[] = [];
      const monitor = s.monitor(s.channel('x'), {
        update: (v) => {
          seen.push(v);
        },
      });
      const { ioid } = ids(await s.request());
      const messages = recorded('QSRV double record', Command.MONITOR);
      const [type, first] = messages as [Buffer, Buffer];
      s.peer.write(withIoid(type, ioid));
      await s.requests();
      s.peer.write(withIoid(first, ioid));
      await settled();
      expect(monitor.type?.equals(QSRV_DOUBLE)).toBe(true);
      expect(seen).toHaveLength(1);
      expect(seen[0]?.toJS()).toMatchObject({
        value: 37,
        alarm: { message: 'NO_ALARM' },
        display: { form: { choices: expect.arrayContaining(['Default', 'Engineering']) } },
        valueAlarm: { lowAlarmLimit: Number.NaN },
      });
      s.peer.write(
        withIoid(
          fromHex(
            `ca 02 40 0d 32 00 00 00 00 00 00 00 00 02 ba 03 00 00 00 00 00 00 43 40 00 00 00 00 00 00 00 00
             08 4e 4f 5f 41 4c 41 52 4d 3d c4 71 60 00 00 00 00 99 c8 95 16 00 00 00 00 00`,
          ),
          ioid,
        ),
      );
      await settled();
      // The limits and choices are known from the first update.
      expect(seen[1]?.toJS()).toMatchObject({
        value: 38,
        timeStamp: { secondsPastEpoch: 1618068541n, nanoseconds: 378914969 },
        display: { form: { choices: expect.arrayContaining(['Default', 'Engineering']) } },
      });
      expect(seen[1]?.marks.toArray()).toEqual([1, 3, 4, 5, 7, 8, 9]);
    });

    it('of a PVXS server: an image whose next update brings pixels and times only', async () => {
      const s = new ScriptedServer(options);
      const seen: Value[] = [];
      s.monitor(s.channel('img'), {
        update: (v) => {
          seen.push(v);
        },
      });
      const { ioid } = ids(await s.request());
      replyInit(s, Command.MONITOR, ioid, NT_NDARRAY);
      await s.requests();
      const first = Value.create(NT_NDARRAY, {
        'value->ubyteValue': Uint8Array.of(1, 2, 3, 4, 5, 6),
        uniqueId: 5,
        dimension: [{ size: 3 }, { size: 2 }],
      });
      s.send(Command.MONITOR, (w) => {
        w.u32(ioid);
        w.u8(0);
        first.encodePartial(w);
        w.u8(0);
      });
      const [update] = recorded('MONITOR update of an NTNDArray', Command.MONITOR) as [Buffer];
      s.peer.write(withIoid(update, ioid));
      await settled();
      expect(seen).toHaveLength(2);
      expect(seen[1]?.get('value->ubyteValue')).toEqual(Uint8Array.of(9, 9, 9, 9, 9, 9));
      expect(seen[1]?.get('uniqueId')).toBe(6);
      expect(seen[1]?.get('dimension[0].size')).toBe(3);
    });

    it('of pvAccessCPP: large arrays in segments, with a control message between, the last one empty', async () => {
      // Segments byte by byte are 160,000 reads; a tenth says the same.
      const length = how === 'whole' ? 20_000 : 2000;
      const s = new ScriptedServer(options);
      const get = s.run(new GetRequest(s.channel('wave'), OPTIONS));
      const { ioid } = ids(await s.request());
      const type = struct('epics:nt/NTScalarArray:1.0', { value: 'double[]', label: 'string' });
      replyInit(s, Command.GET, ioid, type);
      await s.request();
      const doubles = Float64Array.from({ length }, (_, i) => i / 3);
      const message = messageBytes(
        Command.GET,
        (w) => {
          w.u32(ioid);
          w.u8(0);
          w.u8(0xff);
          Value.create(type, { value: doubles, label: 'end' }).encodePartial(w);
        },
        { fromServer: true },
      );
      const parts = segmented(message, 5000, true);
      const cut = 8 + 5000;
      s.peer.write(parts.subarray(0, cut), 'ca 02 41 00 ff 00 00 00', parts.subarray(cut));
      const got = await get;
      expect(got.get('value')).toEqual(doubles);
      expect(got.get('label')).toBe('end');
    });
  });
