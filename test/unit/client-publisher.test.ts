/** Output by put or call: what is not acknowledged is bounded, counted, and told. */
import { struct, Value } from 'epics-pva-ts';
import { expect } from 'vitest';
import { createLogging } from '../../src/log.ts';
import { ClientPublisher } from '../../src/output/client-publisher.ts';
import { it } from '../e2e/support/world.ts';

it('a processor that publishes without end fails beyond 1000 objects that nobody acknowledges', async ({
  world,
}) => {
  const lines: string[] = [];
  const publisher = new ClientPublisher({
    mode: 'pva',
    context: world.context,
    channel: 'nobody',
    logger: createLogging({ name: 'test', output: { write: (text: string) => void lines.push(text) } })
      .logger,
  });
  const object = Value.create(struct('', { n: 'int' }), { n: 1 });
  for (let n = 0; n < 1010; n++) publisher.publish(object);
  expect(publisher.stats).toMatchObject({ nPublished: 0, nErrors: 10 });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/publishing failed .*nobody: 1000 objects are not acknowledged yet/);
  await publisher.stop(0);
  expect(publisher.stats).toMatchObject({ nPublished: 0, nErrors: 1010 });
});
