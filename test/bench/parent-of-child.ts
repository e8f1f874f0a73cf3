/** Program of child.test.ts: starts a child that never ends, prints its process id, and never ends itself. */
import { spawnChild } from '../../bench/peers/child.ts';

const child = await spawnChild({ command: process.execPath, args: ['-e', 'setInterval(() => {}, 1000)'] });
console.log(`child ${child.pid}`);
setInterval(() => {}, 1000);
