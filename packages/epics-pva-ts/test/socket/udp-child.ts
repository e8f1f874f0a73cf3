/**
 * A process with the UDP side of a server, as a server makes it: answers searches for one name on a shared port.
 * Arguments: port, name. Prints `ready`; ends when its standard input does.
 */
import { UdpResponder } from '../../src/connection/udp-responder.ts';
import { newGuid } from '../../src/message/guid.ts';
import { isLocalAddress } from '../../src/socket/interfaces.ts';
import { UdpListener } from '../../src/socket/udp-listener.ts';

const [port, name] = process.argv.slice(2);
const responder = new UdpResponder({
  guid: newGuid(),
  tcpPort: 5075,
  findNames: (names) => names.map((n) => n === name),
  isLocalAddress,
});
const listener = await UdpListener.open({
  port: Number(port),
  interfaces: ['127.0.0.1'],
  onDatagram: (datagram) => {
    const { reply, forward } = responder.handle(datagram);
    if (reply) listener.send(reply.bytes, reply.destination, reply.from);
    if (forward) listener.forwardLocal(forward);
  },
});
console.log('ready');
process.stdin.on('end', () => void listener.close()).resume();
