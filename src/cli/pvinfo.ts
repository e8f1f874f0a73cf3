/** The command `pvinfo`: prints the server and the type of channels. */
import { VERSION } from '../version.ts';
import { parseTool } from './getopt.ts';
import { askAll, withContext } from './pvtools.ts';
import { pvinfoCommand } from './pvtools-options.ts';
import { runMain } from './run-main.ts';

await runMain('pvinfo', async ({ argv, signal }) => {
  const { options, operands: names } = parseTool(pvinfoCommand, argv, VERSION);
  const refused = (name: string, why: string) => ({ stderr: `${name} Error: ${why}\n`, failed: true });
  return withContext('pvinfo', options, (context) =>
    askAll(names, options, signal, {
      ask: async (name, ending) => {
        const { server, type } = await context.info(name, { timeout: 0, signal: ending });
        return { stdout: `${name}\nServer: ${server}\nType:\n${type.toString(1)}\n\n` };
      },
      refused,
      unanswered: (name) => refused(name, 'channel destroyed'),
    }),
  );
});
