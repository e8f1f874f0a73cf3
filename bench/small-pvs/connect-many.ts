/**
 * How long a client takes to connect to many channels of one server: from the first call to the last channel whose
 * type is known. Server and client share this process and one core, so it is the sum of both sides' work.
 *
 *   npm run build && node dist/bench/small-pvs/connect-many.js [count]
 */
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Context, NTScalar, Server, SharedPV, Value } from 'epics-pva-ts';

/**
 * Serves `count` PVs (NTScalar double) on the loopback interface and connects one Context to all of them.
 * @returns seconds until every channel was created and its introspection received
 * @throws Error if a channel does not connect within 60 s
 */
export async function connectMany(count: number): Promise<number> {
  const type = NTScalar.build('double');
  const server = Server.isolated();
  const names = Array.from({ length: count }, (_, i) => `bench:connect-many:${i}`);
  for (const [i, name] of names.entries())
    server.addPV(name, SharedPV.mailbox(Value.create(type, { value: i })));
  await server.start();
  const context = new Context(server.clientConfig());
  try {
    const begin = performance.now();
    await Promise.all(names.map((name) => context.info(name, { timeout: 60 })));
    return (performance.now() - begin) / 1000;
  } finally {
    await context.close();
    await server.close();
  }
}

const script = process.argv[1];
if (script !== undefined && realpathSync(script) === fileURLToPath(import.meta.url)) {
  const count = Number(process.argv[2] ?? 10_000);
  const seconds = await connectMany(count);
  console.log(`connected ${count} channels in ${seconds.toFixed(2)} s`);
}
