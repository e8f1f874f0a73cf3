/**
 * An IOC for all tests of a `describe`, and a Context of ours that sees nothing else. What may live here: their start and
 * end with the tests.
 */
import { join } from 'node:path';
import { Context, clientConfigFromEnv } from 'epics-pva-ts';
import { afterAll, beforeAll } from 'vitest';
import { type Ioc, startIoc } from './ioc.ts';
import { type Peers, repositoryRoot } from './peers.ts';
import { freePorts, peerEnv } from './ports.ts';

/** Our side of an IOC whose record names begin with `ioc:`. */
export interface IocClient {
  /** There as soon as the tests run. */
  readonly context: Context;
  /** One member of the value that `ioc:<name>` has now. Default: `value`. */
  get(name: string, path?: string): Promise<unknown>;
}

/**
 * Has an IOC run while the tests of this `describe` do.
 *
 * @param database A file of this folder.
 */
export function iocForAll(peers: Peers, database = 'ioc.db'): IocClient {
  let ioc: Ioc | undefined;
  let context: Context | undefined;

  beforeAll(async () => {
    const env = peerEnv(await freePorts());
    context = new Context(clientConfigFromEnv(env));
    ioc = await startIoc(peers, env, 'ioc:', join(repositoryRoot(), 'test', 'interop', database));
  });

  afterAll(async () => {
    await context?.close();
    await ioc?.stop();
  });

  return {
    get context() {
      return context as Context;
    },
    get: async (name, path = 'value') => (await (context as Context).get(`ioc:${name}`)).get(path),
  };
}
