/** The command `pvlist`: the servers there are, or the channels of some (EPICS base pvlist.cpp). */
import { type Context, formatValue, NTURI, RemoteError, TimeoutError } from 'epics-pva-ts';
import { findServers, type ListedServer } from './pvlist-servers.ts';
import { type Answer, reasonOf, runTool, timeLimit, withContext } from './pvtools.ts';
import { type PvlistOptions, pvlistCommand } from './pvtools-options.ts';

const SERVER_CHANNEL = 'server';
/** A search ends by itself, unless somebody answers again and again; `-w` must not cut it short (EPICS base). */
const SEARCH_SECONDS = 3;
const GUID = /^0x[0-9a-fA-F]{24}$/;

function serverLine({ guid, version, protocol, addresses }: ListedServer): string {
  return `GUID 0x${guid} version ${version}: ${protocol}@[ ${addresses.join(' ')} ]\n`;
}

/** Asks one server for its channels or, with `-i`, for what it is. */
async function askServer(
  context: Context,
  server: string,
  options: PvlistOptions,
  signal: AbortSignal,
): Promise<string> {
  const argument = NTURI.create(SERVER_CHANNEL, { op: options.info ? 'info' : 'channels' });
  if (options.debug) process.stderr.write(`Query to ${server}\n${formatValue(argument, { mode: 'raw' })}`);
  const timeout = timeLimit(options.timeout);
  const reply = await context.rpc(SERVER_CHANNEL, argument, { server, timeout, signal });
  if (!reply) throw new RemoteError('no reply data');
  if (options.info) return `${formatValue(reply, { mode: 'raw' })}\n`;
  const names = reply.tryGet('value');
  if (!Array.isArray(names)) throw new RemoteError(`the reply is ${reply.id}, without a list of names`);
  return names.map((name) => `${String(name)}\n`).join('');
}

async function answerOf(
  context: Context,
  server: string,
  options: PvlistOptions,
  signal: AbortSignal,
): Promise<Answer> {
  try {
    return { stdout: await askServer(context, server, options, signal) };
  } catch (error) {
    const why = error instanceof TimeoutError ? 'connection timeout' : reasonOf(SERVER_CHANNEL, error);
    return { stderr: `Error: ${server}: ${why}\n`, failed: true };
  }
}

void runTool(pvlistCommand, async ({ options, operands: wanted }, signal) => {
  const log = (line: string): void => {
    if (options.debug) process.stderr.write(`pvlist: ${line}\n`);
  };
  const search = wanted.length === 0 || wanted.some((server) => GUID.test(server));
  if (search) log('asking for servers');
  const found = search ? await findServers({ timeout: SEARCH_SECONDS, signal, log }) : [];
  if (wanted.length === 0) {
    process.stdout.write(found.map(serverLine).join(''));
    return 0;
  }
  return withContext('pvlist', options, async (context) => {
    const answers = wanted.map((server): Promise<Answer> => {
      if (!GUID.test(server)) return answerOf(context, server, options, signal);
      const known = found.find(({ guid }) => guid === server.slice(2).toUpperCase());
      if (known) return answerOf(context, known.addresses[0] as string, options, signal);
      return Promise.resolve({ stderr: `Failed to resolve GUID '${server}'!\n`, failed: true });
    });
    let exitCode = 0;
    for (const answer of answers) {
      const { stdout = '', stderr = '', failed } = await answer;
      process.stdout.write(stdout);
      process.stderr.write(stderr);
      if (failed) exitCode = 1;
    }
    return exitCode;
  });
});
