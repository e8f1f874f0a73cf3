/** Many servers of one host, in this process and others, share one UDP port; they come, go and are killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { NTScalar } from '../../src/nt/nt-scalar.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { Value } from '../../src/value/value.ts';
import { clientOf, Happenings, serve, serveAgain } from '../support/loopback.ts';
import { end } from '../support/programs.ts';

const children: ChildProcess[] = [];
afterEach(() => end(children.splice(0)));

async function server(udpPort: number, ...pvs: string[]): Promise<{ child: ChildProcess; tcpPort: number }> {
  const script = fileURLToPath(new URL('pv-server-child.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'jiti/register', script, String(udpPort), ...pvs], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  const [text] = (await once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data')) as [Buffer];
  return { child, tcpPort: Number(text.toString()) };
}

const double = (value: number): SharedPV =>
  SharedPV.mailbox(Value.create(NTScalar.build('double'), { value }));

describe('servers that share a UDP port', () => {
  it('in several processes are all found, and one that was killed is found again when it is back', async () => {
    const here = await serve({ here: double(0) });
    const also = await serveAgain(here, { also: double(0.5) }, { tcpPort: 0 });
    const { udpPort } = here;
    const [one, two, three] = await Promise.all([
      server(udpPort, 'one=1', 'uno=1.5'),
      server(udpPort, 'two=2'),
      server(udpPort, 'three=3'),
    ]);
    const context = clientOf(here);
    const names = ['here', 'also', 'one', 'uno', 'two', 'three'];
    const values = await Promise.all(names.map(async (n) => (await context.get(n)).get('value')));
    expect(values).toEqual([0, 0.5, 1, 1.5, 2, 3]);
    const servers = await Promise.all(names.map(async (n) => (await context.info(n)).server));
    expect(servers).toEqual(
      [here.tcpPort, also.tcpPort, one.tcpPort, one.tcpPort, two.tcpPort, three.tcpPort].map(
        (port) => `127.0.0.1:${port}`,
      ),
    );

    const events = new Happenings<unknown>();
    context.monitor(
      'two',
      {},
      { update: (v) => events.push(v.get('value')), disconnected: () => events.push('disconnected') },
    );
    await events.count(1);
    two.child.kill('SIGKILL');
    await events.count(2);
    // One of those left takes over what the killed one may have received for all.
    await server(udpPort, 'two=22');
    await events.count(3);
    expect(events.all).toEqual([2, 'disconnected', 22]);
    await context.put('three', 33);
    expect((await context.get('three')).get('value')).toBe(33);

    one.child.stdin?.end();
    const [code] = await once(one.child, 'exit');
    expect(code).toBe(0);
  });
});
