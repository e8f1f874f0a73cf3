/** The command `pvget`: prints the present values of channels, with `-m` every update. */
import { monitorAll } from './monitor-all.ts';
import { getText } from './print-value.ts';
import { askAll, parseRequest, prefixFor, runTool, withContext } from './pvtools.ts';
import { NO_NAME, pvgetCommand } from './pvtools-options.ts';

void runTool(pvgetCommand, async ({ options, operands: names }, signal) => {
  const pvRequest = parseRequest(options.request);
  if (names.length === 0) {
    // A script's list may be empty: EPICS base has nothing to do then, which is no error.
    process.stderr.write(`${NO_NAME} ('pvget -h' for help.)\n`);
    return 0;
  }
  const prefixOf = prefixFor(names);
  return withContext('pvget', options, (context) =>
    options.monitor
      ? monitorAll(context, names, options, signal)
      : askAll(names, options, signal, {
          ask: async (name, ending) => {
            const value = await context.get(name, { pvRequest, timeout: 0, signal: ending });
            return { stdout: prefixOf(name) + getText(value, options) };
          },
          refused: (name, why) => ({ stdout: prefixOf(name), stderr: `Error ${why}\n`, failed: true }),
          unanswered: (name) => ({ stdout: prefixOf(name) }),
        }),
  );
});
