/** Access security over sockets: what clients may do, what they are told, and rules that change while they are there. */
import { describe, expect, it } from 'vitest';
import type { Context } from '../../src/client/context.ts';
import { AccessSecurity } from '../../src/server/access-security.ts';
import type { TrappedWrite } from '../../src/server/guarded-pv.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { clientOf, Happenings, serve } from '../support/loopback.ts';

const INT = struct('', { value: 'int' });
const int = (value: number): Value => Value.create(INT, { value });

const ACF = `
  UAG(ops) {op}
  HAG(here) {localhost}
  ASG(DEFAULT) { RULE(1,READ) RULE(0,WRITE) { UAG(ops) HAG(here) } }
  ASG(SECRET)  { RULE(1,WRITE,TRAPWRITE) { UAG(ops) } }`;

function pvs(): Record<string, SharedPV> {
  const onRpc = (): Value => int(7);
  return {
    x: SharedPV.mailbox(int(1), { onRpc }),
    expert: SharedPV.mailbox(int(2), { asl: 1, onRpc }),
    secret: SharedPV.mailbox(int(3), { asg: 'SECRET', onRpc }),
  };
}

/** What get, monitor, put and rpc give: a value, or the error's text without the address. */
async function all(context: Context, name: string): Promise<string[]> {
  const text = (p: Promise<unknown>): Promise<string> =>
    p.then(
      (v) => (v instanceof Value ? String(v.get('value')) : 'done'),
      (e) => (e as Error).message.replace(/127\.0\.0\.1:\d+/, 'HERE'),
    );
  const update = text(
    new Promise<Value>((resolve, reject) => {
      context.monitor(name, {}, { update: (v) => resolve(v), error: reject });
    }),
  );
  return [
    await text(context.get(name)),
    await update,
    await text(context.put(name, 5)),
    await text(context.rpc(name, null)),
  ];
}

const denied = (name: string, what: string, who: string, where: string): string =>
  `${name}: ${what} access denied to ${who} at HERE (${where})`;

describe('access security', () => {
  it('lets each client do what the rules give it, and says what it does not', async () => {
    const server = await serve(pvs(), { accessSecurity: AccessSecurity.parse(ACF) });
    const op = clientOf(server, { user: 'op' });
    const visitor = clientOf(server, { user: 'visitor' });
    expect(await all(op, 'x')).toEqual(['1', '1', 'done', '7']);
    const noWrite = (name: string, who: string, asl: number): string =>
      denied(name, 'write', who, `ASG DEFAULT, ASL ${asl}`);
    expect(await all(op, 'expert')).toEqual([
      '2',
      '2',
      noWrite('expert', "'op'", 1),
      noWrite('expert', "'op'", 1),
    ]);
    expect(await all(visitor, 'x')).toEqual([
      '5',
      '5',
      noWrite('x', "'visitor'", 0),
      noWrite('x', "'visitor'", 0),
    ]);
    expect(await all(op, 'secret')).toEqual(['3', '3', 'done', '7']);
    const secret = (what: string): string => denied('secret', what, "'visitor'", 'ASG SECRET, ASL 0');
    expect(await all(visitor, 'secret')).toEqual([
      secret('read'),
      secret('read'),
      secret('write'),
      secret('write'),
    ]);
    // The type is no secret, and one client's refusals are not another's.
    expect((await visitor.info('secret')).type.equals(INT)).toBe(true);
    expect(await all(op, 'secret')).toEqual(['5', '5', 'done', '7']);
  });

  it('tells of writes that are to be trapped, before they happen', async () => {
    const traps: TrappedWrite[] = [];
    const served = pvs();
    const seen: unknown[] = [];
    const server = await serve(served, {
      accessSecurity: AccessSecurity.parse(ACF),
      onTrapWrite: (write) => {
        traps.push(write);
        seen.push(served['secret']?.fetch().get('value'));
      },
    });
    const op = clientOf(server, { user: 'op' });
    await op.put('x', 8);
    await op.put('secret', 9);
    await op.rpc('secret', int(1));
    expect(traps.map(({ name, client, value }) => [name, client.account, value?.get('value')])).toEqual([
      ['secret', 'op', 9],
      ['secret', 'op', 1],
    ]);
    expect(seen).toEqual([3, 9]);
  });

  it('changes for channels that are there: rights come and go, monitors end with the reason', async () => {
    const server = await serve(pvs());
    const visitor = clientOf(server, { user: 'visitor' });
    await visitor.put('x', 2);
    const errors = new Happenings<Error>();
    const updates = new Happenings<unknown>();
    visitor.monitor('secret', {}, { update: (v) => updates.push(v.get('value')), error: errors.push });
    visitor.monitor('x', {}, { update: (v) => updates.push(v.get('value')), error: errors.push });
    await updates.count(2);
    await server.setAccessSecurity(AccessSecurity.parse(ACF));
    await errors.count(1);
    expect(errors.all[0]?.message).toMatch(
      /^secret: read access denied to 'visitor' at .* \(ASG SECRET, ASL 0\)$/,
    );
    await expect(visitor.put('x', 3)).rejects.toThrow('write access denied');
    // What may still be read goes on.
    await clientOf(server, { user: 'op' }).put('x', 4);
    await updates.count(3);
    expect(updates.all).toContain(4);
    await server.setAccessSecurity(null);
    await visitor.put('x', 5);
    expect((await visitor.get('secret')).get('value')).toBe(3);
    expect(errors.all).toHaveLength(1);
  });

  it('tells clients what they may do, when they connect and when it changes (ACL_CHANGE)', async () => {
    const server = await serve(pvs(), { accessSecurity: AccessSecurity.parse(ACF) });
    const visitor = clientOf(server, { user: 'visitor' });
    const none = { put: false, putGet: false, rpc: false };
    const all = { put: true, putGet: true, rpc: true };
    expect((await visitor.info('x')).accessRights).toEqual(none);
    expect((await clientOf(server, { user: 'op' }).info('x')).accessRights).toEqual(all);
    const told = new Happenings<unknown>();
    visitor.monitor('x', {}, { update: () => {}, accessRights: told.push });
    await server.setAccessSecurity(null);
    await told.until((list) => list.length > 0 && (list.at(-1) as typeof all).put);
    expect(told.all.at(-1)).toEqual(all);
    expect((await visitor.info('x')).accessRights).toEqual(all);
  });

  it('says what is doubtful in the rules to the log of the server', async () => {
    const lines: string[] = [];
    const security = AccessSecurity.parse(
      'HAG(h) {no-such-host.invalid}\nASG(DEFAULT) { RULE(1,WRITE) { CALC("A") } }',
    );
    await serve({}, { accessSecurity: security, log: (level, line) => lines.push(`${level} ${line}`) });
    expect(lines).toEqual([
      "warn ACF:2: this RULE of ASG 'DEFAULT' never grants: CALC needs live inputs, which this server does not have",
      "warn ACF:1: host 'no-such-host.invalid' of HAG 'h' is not known",
    ]);
  });

  it('does not hide names: the channel "server" answers everybody', async () => {
    const server = await serve(pvs(), {
      accessSecurity: AccessSecurity.parse('ASG(DEFAULT) { RULE(1,NONE) }'),
    });
    expect(server.names()).toEqual(['expert', 'secret', 'x']);
    await expect(clientOf(server).get('x')).rejects.toThrow('read access denied');
  });
});
