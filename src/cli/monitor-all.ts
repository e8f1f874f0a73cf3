/** Updates printed as they come: `pvmonitor` and `pvget -m` (EPICS base pvget.cpp). */
import { BitSet, type Context, type Subscription } from 'epics-pva-ts';
import { type PrintOptions, updateText } from './print-value.ts';
import { parseRequest, prefixFor, reasonOf, type ToolOptions } from './pvtools.ts';

/** Options of the tools that monitor. */
export interface MonitorOptions extends ToolOptions, PrintOptions {
  readonly request: string;
}

/** Prints every update until `signal`, or until no channel has any more to come. Resolves to the exit code. */
export async function monitorAll(
  context: Context,
  names: readonly string[],
  options: MonitorOptions,
  signal: AbortSignal,
): Promise<number> {
  const pvRequest = parseRequest(options.request);
  const prefixOf = prefixFor(names);
  const open = new Set<Subscription>();
  let failed = false;
  if (options.debug) process.stderr.write('Waiting...\n');
  await new Promise<void>((resolve) => {
    const done = (subscription: Subscription): void => {
      subscription.close();
      open.delete(subscription);
      if (open.size === 0) resolve();
    };
    for (const name of names) {
      const prefix = prefixOf(name);
      const received = new BitSet();
      const subscription = context.monitor(
        name,
        { pvRequest },
        {
          update: (value) => write(`${prefix}${updateText(value, received.or(value.marks), options)}`),
          disconnected: () => {
            received.reset();
            process.stdout.write(`${prefix}<Disconnect>\n`);
          },
          error: (error) => {
            process.stderr.write(`${prefix}Error ${reasonOf(name, error)}\n`);
            failed = true;
            done(subscription);
          },
          finished: () => done(subscription),
        },
      );
      open.add(subscription);
    }
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (signal.aborted) resolve();
  });
  for (const subscription of open) subscription.close();
  if (options.debug) process.stderr.write('Done\n');
  return failed ? 1 : 0;
}

let drained: Promise<void> | undefined;

/** A reader that is slower than the updates makes the server's queue fill instead of this process's memory. */
function write(text: string): Promise<void> | undefined {
  if (process.stdout.write(text)) return undefined;
  drained ??= new Promise((resolve) => {
    process.stdout.once('drain', () => {
      drained = undefined;
      resolve();
    });
  });
  return drained;
}
