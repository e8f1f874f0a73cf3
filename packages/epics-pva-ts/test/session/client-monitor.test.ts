/** A client's monitor against servers that end it, speak too early or report overruns (pva-protocol.md 3.15, 7.7). */
import { describe, expect, it } from 'vitest';
import { Command } from '../../src/frame/command.ts';
import { encodeMonitorResponse } from '../../src/message/monitor.ts';
import { SUB } from '../../src/message/operation.ts';
import { BitSet } from '../../src/wire/bit-set.ts';
import { errorStatus, OK, type Status } from '../../src/wire/status.ts';
import { settled } from '../support/memory-transport.ts';
import { INT, ids, int, monitorInit, TEXT, update } from '../support/scripted-replies.ts';
import { ScriptedServer } from '../support/scripted-server.ts';

interface Watched {
  readonly s: ScriptedServer;
  readonly ioid: number;
  readonly events: string[];
  readonly stats: () => { received: number; overruns: number; connected: boolean };
}

/** A monitor whose INIT was sent. */
async function watched(littleEndian = true): Promise<Watched> {
  const s = new ScriptedServer({ littleEndian });
  const events: string[] = [];
  const subscription = s.monitor(s.channel('a'), {
    connected: () => events.push('connected'),
    disconnected: () => events.push('disconnected'),
    update: (v, overrun) => {
      events.push(`${v.get('value')} ${overrun.toArray()}`.trim());
    },
    finished: () => events.push('finished'),
    error: (e) => events.push(`${e.code} ${e.message}`),
  });
  const { ioid } = ids(await s.request());
  return { s, ioid, events, stats: () => subscription.stats };
}

function end(s: ScriptedServer, ioid: number, status: Status, last?: number): void {
  const value = last === undefined ? undefined : int(last);
  s.send(Command.MONITOR, (w) =>
    encodeMonitorResponse(w, { ioid, subcommand: SUB.DESTROY, status, value, overrun: BitSet.of(1) }),
  );
}

describe('the end of a stream', () => {
  it.each([true, false])(
    'in good order, with last data or without (little endian: %s)',
    async (littleEndian) => {
      for (const last of [undefined, 9]) {
        const { s, ioid, events, stats } = await watched(littleEndian);
        monitorInit(s, ioid, INT);
        await s.request();
        update(s, ioid, int(1));
        end(s, ioid, OK, last);
        // Late, for an ioid that is free now.
        update(s, ioid, int(2));
        // The server has forgotten the operation already.
        expect(await s.requests()).toEqual([]);
        expect(events).toEqual(['connected', '1', ...(last ? [`${last} 1`] : []), 'finished']);
        expect(stats()).toMatchObject({ received: last ? 2 : 1, connected: false });
      }
    },
  );

  it('with an error goes to the error callback, and the monitor begins again with the channel', async () => {
    const { s, ioid, events, stats } = await watched();
    monitorInit(s, ioid, INT);
    await s.request();
    end(s, ioid, errorStatus('the camera was unplugged'));
    expect(await s.requests()).toEqual([]);
    expect(stats().connected).toBe(false);
    s.destroyChannel('a');
    const again = ids(await s.request()).ioid;
    monitorInit(s, again, INT);
    await s.request();
    update(s, again, int(5));
    await settled();
    expect(events).toEqual(['connected', 'PVA_REMOTE a: the camera was unplugged', 'connected', '5']);
  });

  it('is final: a channel that comes back does not start it again', async () => {
    const { s, ioid, events } = await watched();
    monitorInit(s, ioid, INT);
    await s.request();
    end(s, ioid, OK);
    await s.requests();
    s.destroyChannel('a');
    expect(await s.requests()).toEqual([]);
    expect(events).toEqual(['connected', 'finished']);
  });

  it('ends a `for await` as close() does, and the callback tells the two apart', async () => {
    for (const closes of [false, true]) {
      const s = new ScriptedServer();
      let finished = 0;
      const subscription = s.monitor(s.channel('a'), { finished: () => finished++ });
      const { ioid } = ids(await s.request());
      monitorInit(s, ioid, INT);
      await s.request();
      update(s, ioid, int(1));
      if (!closes) end(s, ioid, OK);
      await settled();
      if (closes) subscription.close();
      const seen: unknown[] = [];
      for await (const value of subscription) seen.push(value.get('value'));
      expect([seen, finished]).toEqual([[1], closes ? 0 : 1]);
    }
  });
});

describe('updates', () => {
  it('before the reply to INIT are dropped, and the monitor works afterwards', async () => {
    const { s, ioid, events } = await watched();
    update(s, ioid, int(1));
    end(s, 12345, OK);
    monitorInit(s, ioid, INT);
    await s.request();
    update(s, ioid, int(2));
    await settled();
    expect(events).toEqual(['connected', '2']);
  });

  it('come once, though the server replies to INIT twice', async () => {
    const { s, ioid, events } = await watched();
    monitorInit(s, ioid, INT);
    monitorInit(s, ioid, TEXT);
    expect(await s.requests()).toHaveLength(1);
    update(s, ioid, int(3));
    await settled();
    expect(events).toEqual(['connected', '3']);
  });

  it('with an overrun mask are counted, empty ones are delivered', async () => {
    const { s, ioid, events, stats } = await watched();
    monitorInit(s, ioid, INT);
    await s.request();
    s.send(Command.MONITOR, (w) =>
      encodeMonitorResponse(w, { ioid, subcommand: 0, status: OK, value: int(4), overrun: BitSet.of(0, 1) }),
    );
    // QSRV and pvDatabase do send updates without a field.
    s.send(Command.MONITOR, (w) => {
      w.u32(ioid);
      w.u8(0);
      w.u8(0);
      w.u8(0);
    });
    await settled();
    expect(events).toEqual(['connected', '4 0,1', '4']);
    expect(stats()).toMatchObject({ received: 2, overruns: 1 });
  });

  it('that end in the middle close the connection', async () => {
    const { s, ioid, events } = await watched();
    monitorInit(s, ioid, INT);
    await s.request();
    s.up = false;
    s.send(Command.MONITOR, (w) => {
      w.u32(ioid);
      w.u8(0);
      BitSet.of(1).encode(w);
      w.u16(5);
    });
    await settled();
    expect(s.lost).toEqual([expect.stringMatching(/^MONITOR: message ends too early/)]);
    expect(events).toEqual(['connected', 'disconnected']);
  });
});

describe('a subscription', () => {
  it('closed inside its own callbacks gets nothing more', async () => {
    for (const where of ['connected', 'update'] as const) {
      const s = new ScriptedServer();
      const events: string[] = [];
      const subscription = s.monitor(s.channel('a'), {
        connected: () => {
          events.push('connected');
          if (where === 'connected') subscription.close();
        },
        update: () => {
          events.push('update');
          subscription.close();
        },
        finished: () => events.push('finished'),
        disconnected: () => events.push('disconnected'),
      });
      const { ioid } = ids(await s.request());
      monitorInit(s, ioid, INT);
      update(s, ioid, int(1));
      update(s, ioid, int(2));
      end(s, ioid, OK);
      const sent = (await s.requests()).map((m) => m.name);
      expect(sent).toEqual(where === 'connected' ? ['DESTROY_REQUEST'] : ['MONITOR', 'DESTROY_REQUEST']);
      expect(events).toEqual(where === 'connected' ? ['connected'] : ['connected', 'update']);
      subscription.close();
      expect(subscription.stats.connected).toBe(false);
    }
  });

  it('closed before its channel was found never asks', async () => {
    const s = new ScriptedServer();
    s.monitor(s.channel('a')).close();
    expect(await s.requests()).toEqual([]);
  });
});
