/** The command `pvmonitor`: prints every update of channels. The same as `pvget -m`. */
import { monitorAll } from './monitor-all.ts';
import { runTool, withContext } from './pvtools.ts';
import { NO_NAME, pvmonitorCommand } from './pvtools-options.ts';

void runTool(pvmonitorCommand, async ({ options, operands: names }, signal) => {
  if (names.length === 0) {
    process.stderr.write(`${NO_NAME} ('pvmonitor -h' for help.)\n`);
    return 0;
  }
  return withContext('pvmonitor', options, (context) => monitorAll(context, names, options, signal));
});
