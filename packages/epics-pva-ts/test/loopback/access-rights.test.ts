/** A server that says who may do what, over real sockets: held to, told, and changed while clients are connected. */
import { expect, it } from 'vitest';
import { type AccessRights, FULL_ACCESS } from '../../src/message/acl-change.ts';
import { NTScalar } from '../../src/nt/nt-scalar.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { Value } from '../../src/value/value.ts';
import { Happenings } from '../support/happenings.ts';
import { clientOf, serve } from '../support/loopback.ts';

it('rights by name and user, taken away and given back', async () => {
  const NONE: AccessRights = { put: false, putGet: false, rpc: false };
  let locked = true;
  const value = Value.create(NTScalar.build('int'), { value: 1 });
  const server = await serve(
    { p: SharedPV.mailbox(value), q: SharedPV.mailbox(value) },
    {
      accessRights: (name, { account }) =>
        locked && name === 'p' && account !== 'expert' ? NONE : undefined,
    },
  );
  const guest = clientOf(server, { user: 'guest' });
  const expert = clientOf(server, { user: 'expert' });
  const rights = new Happenings<AccessRights>();
  const updates = new Happenings<unknown>();
  guest.monitor(
    'p',
    {},
    { update: (v) => updates.push(v.get('value')), accessRights: (now) => rights.push(now) },
  );
  await updates.count(1);
  expect(rights.all).toEqual([NONE]);
  await expect(guest.put('p', 2)).rejects.toThrow('p: put not permitted: no right to put');
  expect((await guest.info('p')).accessRights).toEqual(NONE);
  expect((await guest.info('q')).accessRights).toEqual(FULL_ACCESS);
  await guest.put('q', 3);
  await expert.put('p', 4);
  locked = false;
  server.accessChanged();
  await rights.count(2);
  expect(rights.all).toEqual([NONE, FULL_ACCESS]);
  await guest.put('p', 5);
  await updates.count(3);
  expect(updates.all).toEqual([1, 4, 5]);
});
