/**
 * Access security as EPICS base has it: the same files give the same rights as its asLib, and clients of PVXS and
 * pvAccessCPP are told what our server does not let them do.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import {
  AccessSecurity,
  type Credentials,
  NTScalar,
  Server,
  SharedPV,
  serverConfigFromEnv,
  Value,
} from 'epics-pva-ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startP4pClient, startPvapyClient } from './p4p.ts';
import { ensurePeers, repositoryRoot } from './peers.ts';
import { freePorts, peerEnv } from './ports.ts';

const peers = await ensurePeers();

type Ask = [asg: string, asl: 0 | 1, user: string, host: string];
interface Question {
  readonly acf: string;
  readonly macros?: string;
  readonly clientIP: boolean;
  readonly asks: readonly Ask[];
}
interface Answer {
  readonly ok: boolean;
  readonly grants: readonly string[];
}

/** The rights our rules give, as as_lib.py writes them. */
async function ours({ acf, macros, clientIP, asks }: Question): Promise<Answer> {
  let security: AccessSecurity;
  try {
    security = AccessSecurity.parse(acf, macros, {
      hostCheck: clientIP ? 'address' : 'claimed',
      groupsOf: () => [],
    });
  } catch {
    return { ok: false, grants: [] };
  }
  await security.resolveHosts();
  const grants = asks.map(([asg, asl, account, host]) => {
    const client: Credentials = { peer: clientIP ? `${host}:1` : '10.9.9.9:1', method: 'ca', account, host };
    const { read, write, trapWrite } = security.grant(asg, asl, client);
    return (read ? 'r' : '') + (write ? 'w' : '') + (trapWrite ? 't' : '');
  });
  return { ok: true, grants };
}

const USERS = ['op1', 'superguy', 'waw', 'nobody'];
const HOSTS = ['silver', 'MARS', 'elsewhere'];
const ADDRESSES = ['127.0.0.1', '10.0.0.5', '10.0.0.6'];
const GROUPS = ['DEFAULT', 'critical', 'permit', 'missing', 'odd-name:1'];

function everybody(hosts: readonly string[]): Ask[] {
  return GROUPS.flatMap((asg) =>
    ([0, 1] as const).flatMap((asl) =>
      USERS.flatMap((user) => hosts.map((host): Ask => [asg, asl, user, host])),
    ),
  );
}

const LINAC = `
UAG(op) {op1,op2,superguy}
UAG(opSup) {superguy}
UAG(linac) {waw,nassiri}
UAG(none)
HAG(icr) {silver,Phebos}
HAG(cr) {mars,"hera"}
ASG(DEFAULT) {
  RULE(0,WRITE) { UAG(op) HAG(icr,cr) }
  RULE(0,WRITE,TRAPWRITE) { UAG(op,linac) HAG(icr,cr) }
  RULE(1,WRITE) { UAG(opSup) }
  RULE(1,READ)
}
ASG(critical) { RULE(1,NONE) RULE(1,READ) { UAG(opSup) UAG(linac) } RULE(0,WRITE,NOTRAPWRITE) { HAG(cr) HAG(icr) } }
ASG(permit)
ASG(odd-name:1) { RULE(1,WRITE,TRAPWRITE) { UAG(none) } RULE(1,READ) { UAG(op) } # comment
}`;

/** Files that both must take or refuse alike. */
const TEXTS: readonly string[] = [
  '',
  '# nothing\n',
  'ASG(DEFAULT) { RULE(1,WRITE) }',
  'ASG(DEFAULT)',
  'ASG(critical) { RULE(1,WRITE) } ASG(DEFAULT) { RULE(1,READ) } ',
  'ASG(critical)\nASG(critical)',
  'UAG(a) {x}\nUAG(a) {x}',
  'UAG(a) {op1,op1} ASG(DEFAULT) { RULE(1,READ) { UAG(a) } }',
  'HAG(a) {x}\nHAG(a) {x}',
  'ASG(DEFAULT) { RULE(1,READ) { UAG(b) } }',
  'ASG(DEFAULT) { RULE(1,READ) { HAG(b) } }',
  'UAG(a) {x y}',
  'UAG(a) {x,}',
  'UAG {x}',
  'UAG() {x}',
  'ASG(DEFAULT) { READ }',
  'ASG(DEFAULT) { INPA(pv) RULE(1,READ) }',
  'ASG(DEFAULT) { INPU(pv) RULE(1,READ) }',
  'ASG(DEFAULT) { INPV(pv) RULE(1,READ) }',
  'ASG(DEFAULT) { RULE(high,READ) }',
  'ASG(DEFAULT) { RULE(1) }',
  'ASG(DEFAULT) { RULE(1,READ,TRAP) }',
  'ASG(DEFAULT) { RULE(1,READ,TRAPWRITE) RULE(2,WRITE,TRAPWRITE) }',
  'UAG(a) {op1} HAG(b) {mars} ASG(DEFAULT) { RULE(1,WRITE) { UAG(a), HAG(b) } }',
  'UAG("quoted name") {"op1", superguy} ASG(DEFAULT) { RULE(1,WRITE) { UAG("quoted name") } }',
  'UAG(a) {role/x}',
  'UAG(a) {"op1}\n',
  'ASG(DEFAULT) { RULE(1,READ) } }',
  'ASG(DEFAULT) { RULE(1,READ)',
  // What later versions may add.
  'FUTURE(a, b) { c, d }\nASG(DEFAULT) { RULE(1,READ) }',
  'FUTURE(a) { MORE(x) { y } }\nASG(DEFAULT) { RULE(1,READ) }',
  'FUTURE(a b)\nASG(DEFAULT) { RULE(1,READ) }',
  'FUTURE { a }\nASG(DEFAULT) { RULE(1,READ) }',
  'ASG(DEFAULT) { RULE(1,READ) RULE(1,WRITE) { MOON("full") } }',
  'ASG(DEFAULT) { RULE(1,READ) RULE(1,EVERYTHING) }',
];

describe.skipIf(!peers.available)('access security files', () => {
  let child: ChildProcess;
  let lines: Interface;
  const waiting: ((answer: Answer) => void)[] = [];

  beforeAll(() => {
    const script = join(repositoryRoot(), 'test/interop/python/as_lib.py');
    // What asLib says about wrong files goes to its stderr.
    child = spawn(peers.python, [script], { stdio: ['pipe', 'pipe', 'ignore'] });
    lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
    lines.on('line', (line) => waiting.shift()?.(JSON.parse(line)));
    child.on('close', () => {
      for (const answer of waiting.splice(0)) answer({ ok: false, grants: ['as_lib.py has ended'] });
    });
  });

  afterAll(() => {
    child?.stdin?.end();
    lines?.close();
  });

  function theirs(question: Question): Promise<Answer> {
    return new Promise((resolve) => {
      waiting.push(resolve);
      child.stdin?.write(`${JSON.stringify({ macros: null, ...question })}\n`);
    });
  }

  async function same(question: Question): Promise<Answer> {
    const [a, b] = await Promise.all([theirs(question), ours(question)]);
    const brief = ({ ok, grants }: Answer): string => `${ok ? 'taken' : 'refused'} ${grants.join()}`;
    expect(brief(b)).toBe(brief(a));
    return b;
  }

  it('give everybody the rights EPICS base gives, by claimed host names', async () => {
    const { grants } = await same({ acf: LINAC, clientIP: false, asks: everybody(HOSTS) });
    expect(new Set(grants)).toEqual(new Set(['', 'r', 'rw', 'rwt']));
  });

  it('give everybody the rights EPICS base gives, by addresses', async () => {
    const acf = LINAC.replace('silver', 'localhost').replace('"hera"', '10.0.0.5');
    const { grants } = await same({ acf, clientIP: true, asks: everybody(ADDRESSES) });
    expect(new Set(grants)).toEqual(new Set(['', 'r', 'rw', 'rwt']));
  });

  it('are expanded as EPICS base does', async () => {
    const acf = `UAG(a) {$(USER), \${OTHER=superguy}}\nASG(DEFAULT) { RULE($(LEVEL),WRITE) { UAG(a) } RULE(1,READ) }`;
    for (const macros of ['USER=op1,LEVEL=0', 'USER="waw", LEVEL=1, OTHER=op1'])
      await same({ acf, macros, clientIP: false, asks: everybody(HOSTS) });
  });

  it.each(TEXTS.map((acf) => [acf]))('%j is taken or refused alike', async (acf) => {
    await same({ acf, clientIP: false, asks: everybody(HOSTS) });
  });
});

describe.skipIf(!peers.available)('clients of our server with access security', () => {
  const rules = (user: string): AccessSecurity =>
    AccessSecurity.parse(`UAG(all) {"${user}"} ASG(DEFAULT) { RULE(1,READ) RULE(1,WRITE) { UAG(all) } }
      ASG(SECRET) { RULE(1,READ) { UAG(all) } }`);

  it.each(['p4p', 'pvapy'] as const)(
    'of %s are told what they may not do, also while they watch',
    async (kind) => {
      const env = peerEnv(await freePorts());
      const type = NTScalar.build('double');
      let user = '';
      const server = new Server(serverConfigFromEnv(env));
      const whoami = new SharedPV({
        onPut: (pv, value, client) => {
          user = client.account;
          pv.post(value);
        },
      });
      whoami.open(Value.create(type));
      server.addPV('x', whoami);
      server.addPV('secret', SharedPV.mailbox(Value.create(type, { value: 7 }), { asg: 'SECRET' }));
      await server.start();
      const client = await (kind === 'p4p' ? startP4pClient : startPvapyClient)(peers, env);
      try {
        await client.put('x', 3);
        expect(user).not.toBe('');
        await server.setAccessSecurity(rules(user));
        await client.put('x', 4);
        expect(await client.get('secret')).toMatchObject({ value: { value: 7 } });
        await client.subscribe('s', 'secret');
        expect(await client.next('s', 1)).toMatchObject([{ event: 'update' }]);
        await server.setAccessSecurity(rules('somebody else'));
        await expect(client.put('x', 5)).rejects.toThrow(`write access denied to '${user}'`);
        await expect(client.get('secret')).rejects.toThrow(`read access denied to '${user}'`);
        expect(await client.get('x')).toMatchObject({ value: { value: 4 } });
        // PVXS hands the reason on; pvAccessCPP's client only knows that no more will come.
        if (kind === 'p4p') {
          const [end] = await client.next('s', 1);
          expect(end).toMatchObject({ event: 'error', error: expect.stringContaining('read access denied') });
        }
        await server.setAccessSecurity(null);
        await client.put('x', 6);
        expect(server.report().connections[0]?.credentials.account).toBe(user);
      } finally {
        await client.stop();
        await server.close();
      }
    },
  );
});
