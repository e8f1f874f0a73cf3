/** The command `pvcall`: calls a remote procedure and prints its result (EPICS base pvcall.cpp). */
import { formatValue, TimeoutError, type Value } from 'epics-pva-ts';
import { CommandExit } from './command-exit.ts';
import { callArgument } from './pvcall-argument.ts';
import { parseRequest, reasonOf, runTool, timeLimit, withContext } from './pvtools.ts';
import { type PvcallOptions, pvcallCommand } from './pvtools-options.ts';

/** The service, and all arguments: those of `-a`, then the operands. */
function serviceOf(options: PvcallOptions, operands: readonly string[]): { name: string; words: string[] } {
  const [first, ...rest] = options.service === undefined ? operands : [options.service, ...operands];
  if (first === undefined)
    throw new CommandExit(1, { stderr: "No pv name specified. ('pvcall -h' for help.)\n" });
  return { name: first, words: [...options.argument, ...rest] };
}

// A call is made even if nobody reads its result.
void runTool(pvcallCommand, async ({ options, operands }, _signal, interrupted) => {
  const { name, words } = serviceOf(options, operands);
  const argument = callArgument(name, words, options.provider);
  const pvRequest = parseRequest(options.request);
  const text = (value: Value): string =>
    formatValue(value, { mode: options.mode, arrayLimit: options.limit });
  if (options.verbose > 0) process.stdout.write(`# Argument\n${text(argument)}`);
  return withContext('pvcall', options, async (context) => {
    try {
      const timeout = timeLimit(options.timeout);
      const result = await context.rpc(name, argument, { pvRequest, timeout, signal: interrupted });
      if (options.verbose > 0) process.stdout.write('# Result\n');
      if (result) process.stdout.write(text(result));
      return 0;
    } catch (error) {
      const why = reasonOf(name, error);
      const timedOut = error instanceof TimeoutError;
      process.stderr.write(timedOut ? 'Timeout\n' : `Error: ${why}\n`);
      if (timedOut && options.debug) process.stderr.write(`pvcall: ${why}\n`);
      return 1;
    }
  });
});
