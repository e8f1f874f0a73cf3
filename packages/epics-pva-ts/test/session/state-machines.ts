/** All state machines of the protocol. Their tables are test/golden/state-table.json. */
import type { Machine } from '../support/state-machine.ts';
import {
  clientChannel,
  clientGet,
  clientGetField,
  clientMonitor,
  clientPut,
  clientRpc,
} from './state-client.ts';
import { clientConnection, serverConnection } from './state-connections.ts';
import {
  serverChannel,
  serverGet,
  serverMonitor,
  serverPipeline,
  serverPut,
  serverRpc,
} from './state-server.ts';

export const MACHINES: readonly Machine[] = [
  clientConnection,
  clientChannel,
  clientGet,
  clientPut,
  clientRpc,
  clientGetField,
  clientMonitor,
  serverConnection,
  serverChannel,
  serverGet,
  serverPut,
  serverRpc,
  serverMonitor,
  serverPipeline,
] as unknown as Machine[];
