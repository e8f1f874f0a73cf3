/** A process that computes for longer than its connections may be silent keeps them: it did not listen. */
import { describe, expect, it } from 'vitest';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { clientOf, Happenings, serve } from '../support/loopback.ts';
import { int } from '../support/server-asking.ts';

describe('client and server in one process that is blocked for twice their timeout', () => {
  it('go on with the same connection and subscription', async () => {
    const pv = SharedPV.mailbox(int(1));
    const lost: string[] = [];
    const server = await serve({ p: pv }, { tcpTimeout: 2, log: (_level, line) => lost.push(line) });
    const context = clientOf(server, { tcpTimeout: 2, log: (_level, line) => lost.push(line) });
    const updates = new Happenings<unknown>();
    let connections = 0;
    context.monitor(
      'p',
      {},
      {
        connected: () => connections++,
        disconnected: (why) => lost.push(why),
        update: (v) => updates.push(v.get('value')),
      },
    );
    await updates.count(1);
    const [client] = Reflect.get(server, 'clients') as Set<{ connection: object }>;
    const watch = Reflect.get(client?.connection as object, 'watch') as object;
    const heard = (): boolean => {
      const value: unknown = Reflect.get(watch, 'heardSinceTick');
      // By another name there would be nothing to wait for, and the worst moment never tried.
      if (typeof value !== 'boolean') throw new Error('PeerWatch has no heardSinceTick any more');
      return value;
    };
    for (let round = 2; round <= 3; round++) {
      // At the worst moment: the server has just looked, and nothing has come since.
      while (heard()) await new Promise((resolve) => setImmediate(resolve));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4000);
      pv.post(int(round));
      await updates.count(round);
      // Each side has had its ticks since then, and found the other alive.
      expect((await context.get('p')).get('value')).toBe(round);
    }
    expect([updates.all, connections, lost]).toEqual([[1, 2, 3], 1, []]);
  });
});
