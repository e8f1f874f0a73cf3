/**
 * A server in a process of its own. Arguments: UDP port, then name=value for each PV (type double). Prints the TCP
 * port when it runs; ends when its standard input does.
 */
import { NTScalar } from '../../src/nt/nt-scalar.ts';
import { Server } from '../../src/server/server.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { Value } from '../../src/value/value.ts';

const [udpPort, ...pvs] = process.argv.slice(2);
const server = Server.isolated({ udpPort: Number(udpPort) });
for (const text of pvs) {
  const [name, value] = text.split('=') as [string, string];
  server.addPV(name, SharedPV.mailbox(Value.create(NTScalar.build('double'), { value: Number(value) })));
}
await server.start();
console.log(server.tcpPort);
process.stdin.on('end', () => void server.close()).resume();
