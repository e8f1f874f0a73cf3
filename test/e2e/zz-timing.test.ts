import { status } from './support/consumer.ts';
import { it } from './support/world.ts';
it('t', async ({ world }) => {
  const t0 = performance.now();
  const log = (s: string) => console.log((performance.now() - t0).toFixed(0), s);
  const c = await world.start('hpc-consumer --input-channel pvapy:image --status-channel consumer:*:status -ll debug -nc 2');
  c.onLine((l) => log(l.text));
  await Promise.all([1, 2].map((id) => status(world, id)));
  log('status');
  const s = await world.start('ad-sim-server -std 3 -rt 0.5');
  s.onLine((l) => log(l.text.slice(0, 60)));
  await s.waitForLine(/exiting/, 10000);
  log('exiting');
  await world.context.get('pvapy:image');
  log('got');
  await c.stop();
  log('stopped');
});
