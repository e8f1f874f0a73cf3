/** The command `pvget`: prints the present values of channels, with `-m` every update. */
import { VERSION } from '../version.ts';
import { parseTool } from './getopt.ts';
import { askAll, getText, monitorAll, parseRequest, prefixFor, withContext } from './pvtools.ts';
import { pvgetCommand } from './pvtools-options.ts';
import { runMain } from './run-main.ts';

await runMain('pvget', async ({ argv, signal }) => {
  const { options, operands: names } = parseTool(pvgetCommand, argv, VERSION);
  const pvRequest = parseRequest(options.request);
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
