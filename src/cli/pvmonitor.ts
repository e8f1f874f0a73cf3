/** The command `pvmonitor`: prints every update of channels. The same as `pvget -m`. */
import { VERSION } from '../version.ts';
import { parseTool } from './getopt.ts';
import { monitorAll, withContext } from './pvtools.ts';
import { pvmonitorCommand } from './pvtools-options.ts';
import { runMain } from './run-main.ts';

await runMain('pvmonitor', async ({ argv, signal }) => {
  const { options, operands: names } = parseTool(pvmonitorCommand, argv, VERSION);
  return withContext('pvmonitor', options, (context) => monitorAll(context, names, options, signal));
});
