/** The benchmark of many channels connects them all; what time it takes is for quiet machines to say. */
import { expect, it } from 'vitest';
import { connectMany } from '../../bench/small-pvs/connect-many.ts';

it('connects a thousand channels and says in what time', async () => {
  const seconds = await connectMany(1000);
  expect(seconds).toBeGreaterThan(0);
  expect(seconds).toBeLessThan(20);
});
