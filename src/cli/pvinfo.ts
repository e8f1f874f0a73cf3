/** The command `pvinfo`: prints the server and the type of channels. */
import { askAll, runTool, withContext } from './pvtools.ts';
import { pvinfoCommand } from './pvtools-options.ts';

void runTool(pvinfoCommand, async ({ options, operands: names }, signal) => {
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
