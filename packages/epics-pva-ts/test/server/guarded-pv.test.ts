/** A PV as one client may use it: nothing passes that its rules do not allow, whatever the PV can do. */
import { describe, expect, it } from 'vitest';
import type { Credentials } from '../../src/connection/server-connection.ts';
import type { AccessGrant } from '../../src/server/access-security.ts';
import { GuardedPV, type TrappedWrite } from '../../src/server/guarded-pv.ts';
import { OperationInfo } from '../../src/server/request-info.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { type MonitorSink, type ServedPV, StaticSource } from '../../src/server/source.ts';
import { PvRequest } from '../../src/value/pv-request.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';

const client: Credentials = { peer: '10.0.0.5:1', method: 'ca', account: 'op', host: 'h' };
const value = Value.create(struct('', { value: 'int' }), { value: 5 });
const READ: AccessGrant = { read: true, write: false, trapWrite: false };
const WRITE: AccessGrant = { read: true, write: true, trapWrite: true };
const NONE: AccessGrant = { read: false, write: false, trapWrite: false };

function guarded(pv: ServedPV, grant?: AccessGrant, onTrapWrite?: (write: TrappedWrite) => void): GuardedPV {
  return new GuardedPV({
    name: 'p',
    pv,
    source: new StaticSource(),
    client,
    grant,
    attached: () => {},
    onTrapWrite,
  });
}

describe('a guarded PV', () => {
  it('has the operations the PV has, and guards them as well', () => {
    const plain = guarded(SharedPV.mailbox(value)) as unknown as Record<string, unknown>;
    expect([plain['process'], plain['putGet']]).toEqual([undefined, undefined]);
    const done: unknown[] = [];
    const device = new SharedPV({ onProcess: (_pv, who) => void done.push(who) });
    const traps: unknown[] = [];
    const at = (grant: AccessGrant): ServedPV => guarded(device, grant, (write) => traps.push(write.value));
    const info = new OperationInfo(new PvRequest(null));
    void at(WRITE).process?.(client, info);
    expect([done, traps]).toEqual([[client], [null]]);
    expect(() => at(READ).process?.(client, info)).toThrow(
      "write access denied to 'op' at 10.0.0.5:1 (ASG DEFAULT, ASL 0)",
    );
    expect(done).toHaveLength(1);
  });

  it('tells of its rights at once and when they change, and names the group of the PV', () => {
    const pv = guarded(SharedPV.mailbox(value, { asg: 'MAGNETS', asl: 1 }), WRITE);
    const told: boolean[] = [];
    pv.onAccessChanged((grant) => told.push(grant.write));
    pv.setGrant(READ);
    pv.setGrant({ ...READ });
    pv.setGrant();
    expect(told).toEqual([true, false, true]);
    pv.setGrant(NONE);
    expect(pv.refused('read')).toBe("read access denied to 'op' at 10.0.0.5:1 (ASG MAGNETS, ASL 1)");
    expect(() => pv.get(client)).toThrow('read access denied');
  });

  it('ends what a client may no longer watch, once, and begins nothing', () => {
    const shared = SharedPV.mailbox(value);
    const pv = guarded(shared, READ);
    const events: string[] = [];
    const sink: MonitorSink = {
      push: () => events.push('update'),
      finish: () => events.push('finish'),
      fail: (message) => events.push(message.slice(0, 18)),
    };
    const stop = pv.subscribe(sink, new PvRequest(null));
    pv.setGrant(NONE);
    shared.post({ value: 6 });
    stop();
    pv.subscribe(sink, new PvRequest(null))();
    expect(events).toEqual(['update', 'read access denied', 'read access denied']);
    expect(shared.subscriberCount).toBe(0);
    pv.setGrant(READ);
    pv.subscribe(sink, new PvRequest(null))();
    pv.setGrant(NONE);
    expect(events.slice(3)).toEqual(['update']);
  });
});
