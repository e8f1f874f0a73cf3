import { it } from 'vitest';
import { Context, clientConfigFromEnv } from 'epics-pva-ts';
import { readCatalogue } from './catalogue.ts';
import { OurServer } from './our-server.ts';
import { startP4pClient, startP4pServer, startPvapyClient, startPvapyServer } from './p4p.ts';
import { ensurePeers } from './peers.ts';
import { freePorts, peerEnv } from './ports.ts';
it('x', async () => {
  const peers = await ensurePeers();
  const E = readCatalogue().filter(({ name }) => name === 'scalar:int');
  const out: string[] = [];
  for (const kind of ['ours', 'p4p', 'pvapy']) {
    const env = peerEnv(await freePorts());
    const c = new Context(clientConfigFromEnv(env));
    const p = await startP4pClient(peers, env); const v = await startPvapyClient(peers, env);
    let t0 = 0;
    const mark = (who: string) => () => out.push(`${kind} found by ${who} after ${(performance.now() - t0).toFixed(0)} ms`);
    const all = [c.get(kind + ':scalar:int', { timeout: 60 }).then(mark('ours')), p.get(kind + ':scalar:int', { timeout: 60 }).then(mark('p4p')), v.get(kind + ':scalar:int', { timeout: 60 }).then(mark('pvapy'))];
    await new Promise((r) => setTimeout(r, 8000));
    t0 = performance.now();
    const s = kind === 'ours' ? await OurServer.start(env, 'ours:', E) : await (kind === 'p4p' ? startP4pServer : startPvapyServer)(peers, env, kind + ':');
    await Promise.all(all);
    await c.close(); await p.stop(); await v.stop(); await ('stop' in s ? s.stop() : s.close());
  }
  console.log(out.join('\n'));
});
