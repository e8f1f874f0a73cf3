/**
 * Distributor: shares the updates of one channel among its subscribers, round robin.
 *
 * Clients ask for it with `_[distributor=group:G;set:S;trigger:F;updates:N;mode:one|all]` (PvaPy's name for it is
 * `pydistributor`). Each group gets every update once: its sets take turns of N updates; in mode `one` the clients
 * of a set take turns too, in mode `all` all of them get the set's updates. Behaviour as PvaPy's plugin, except that
 * groups belong to a channel and nothing is shared between groups, and only started monitors take turns.
 */
import type { Value } from '../value/value.ts';

export interface DistributorRequest {
  readonly group: string;
  readonly set: string;
  /** Path of the field whose change makes an update a new one. */
  readonly trigger: string;
  readonly updates: number;
  readonly mode: 'one' | 'all';
}

const KEYS = ['group', 'set', 'trigger', 'updates', 'mode'] as const;

/**
 * Reads `key:value;key:value`. Items in any order; a key matches by its beginning in any case; items without `:`
 * are ignored. Undefined when `updates` is not above 0: such a client gets every update.
 */
export function parseDistributorRequest(text: string): DistributorRequest | undefined {
  const found: Partial<Record<(typeof KEYS)[number], string>> = {};
  for (const item of text.split(';')) {
    const colon = item.indexOf(':');
    if (colon < 0) continue;
    const name = item.slice(0, colon).trim().toLowerCase();
    const key = KEYS.find((k) => name.startsWith(k));
    if (key) found[key] = item.slice(colon + 1).trim();
  }
  const updates = found.updates === undefined ? 1 : Number.parseInt(found.updates, 10);
  if (!(updates > 0)) return undefined;
  const mode = found.mode?.toLowerCase();
  return {
    group: found.group || 'default',
    set: found.set || 'default',
    trigger: found.trigger || 'timeStamp',
    updates,
    mode: mode === 'one' || mode === 'all' ? mode : found.set ? 'all' : 'one',
  };
}

/** The sets of one group and whose turn it is. `T` is a subscriber. */
class Group<T> {
  private readonly sets: MemberSet<T>[] = [];
  private current = 0;
  private last: readonly unknown[] | null = null;

  get isEmpty(): boolean {
    return this.sets.length === 0;
  }

  join(member: T, request: DistributorRequest): void {
    const set = this.sets.find((s) => s.name === request.set);
    // A set's first member decides how it works; requests of later ones only name it.
    if (set) set.members.push(member);
    else this.sets.push(new MemberSet(request, member));
  }

  leave(member: T): void {
    const at = this.sets.findIndex((s) => s.members.includes(member));
    if (at < 0) return;
    const set = this.sets[at] as MemberSet<T>;
    set.remove(member);
    if (set.members.length > 0) return;
    this.sets.splice(at, 1);
    if (at < this.current) this.current--;
    if (this.current >= this.sets.length) this.current = 0;
  }

  route(value: Value, deliver: (member: T) => void): void {
    const set = this.sets[this.current];
    if (!set) return;
    const trigger = triggerOf(value, set.request.trigger);
    if (trigger && this.last && same(trigger, this.last)) return;
    this.last = trigger;
    if (set.deliver(deliver)) this.current = (this.current + 1) % this.sets.length;
  }
}

class MemberSet<T> {
  readonly name: string;
  readonly request: DistributorRequest;
  readonly members: T[];
  private current = 0;
  /** Updates given in the present turn. */
  private given = 0;

  constructor(request: DistributorRequest, first: T) {
    this.name = request.set;
    this.request = request;
    this.members = [first];
  }

  /** Whoever comes next inherits the rest of a leaving member's turn. */
  remove(member: T): void {
    const at = this.members.indexOf(member);
    this.members.splice(at, 1);
    if (at < this.current) this.current--;
    if (this.current >= this.members.length) this.current = 0;
  }

  /** Gives the update to whose turn it is; true when the set's turn is over. */
  deliver(deliver: (member: T) => void): boolean {
    const { mode, updates } = this.request;
    if (mode === 'all') for (const m of [...this.members]) deliver(m);
    else deliver(this.members[this.current] as T);
    if (++this.given < updates) return false;
    this.given = 0;
    if (mode === 'one') this.current = (this.current + 1) % this.members.length;
    return true;
  }
}

/** The leaves of the trigger field; null when there is no such field: then every update is new. */
function triggerOf(value: Value, path: string): unknown[] | null {
  const node = value.type.find(path);
  if (!node) return null;
  const leaves: unknown[] = [];
  for (let i = node.index; i < node.end; i++) {
    const n = value.type.nodes[i];
    if (n && !n.isStruct) leaves.push(value.get(n.path));
  }
  return leaves;
}

function same(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((x, i) => Object.is(x, b[i]));
}

export class Distributor<T> {
  private readonly groups = new Map<string, Group<T>>();

  join(member: T, request: DistributorRequest): void {
    let group = this.groups.get(request.group);
    if (!group) {
      group = new Group<T>();
      this.groups.set(request.group, group);
    }
    group.join(member, request);
  }

  leave(member: T, request: DistributorRequest): void {
    const group = this.groups.get(request.group);
    group?.leave(member);
    if (group?.isEmpty) this.groups.delete(request.group);
  }

  /** Calls `deliver` for the members whose turn it is. */
  route(value: Value, deliver: (member: T) => void): void {
    for (const group of this.groups.values()) group.route(value, deliver);
  }
}
