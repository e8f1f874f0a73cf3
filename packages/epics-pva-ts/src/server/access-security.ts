/**
 * AccessSecurity: who may read and write which PV, from an EPICS access security file (ACF).
 *
 * Rules as EPICS base's asLib: the ASG of the PV (DEFAULT if the file has no such group), every RULE whose level is at
 * least that of the PV, and the highest right of those whose conditions the client meets. Identities as PVXS's IOC:
 * the account of method "ca", `role/GROUP` for each group of it, `anonymous` otherwise. These claims are not verified
 * by anybody (pva-protocol.md 4.1): rules keep the well-meaning from mistakes, not attackers out.
 */
import { readFile } from 'node:fs/promises';
import type { Credentials } from '../connection/server-connection.ts';
import { ConfigError } from '../errors.ts';
import { accountGroups } from '../socket/account-groups.ts';
import { addressesOf, isAddress } from '../socket/host-addresses.ts';
import type { AccessMacros } from './access-macros.ts';
import {
  ACCESS_RANKS,
  type AccessRule,
  type AccessRules,
  type HostGroup,
  parseAccessRules,
} from './access-parser.ts';

/** What a client may do with a PV. */
export interface AccessGrant {
  /** Get, monitor, and reading back before a put. */
  readonly read: boolean;
  /** Put, process and RPC. */
  readonly write: boolean;
  /** The rule that grants writing has TRAPWRITE. */
  readonly trapWrite: boolean;
}

/** What everybody may do where there is no access security. */
export const FULL_GRANT: AccessGrant = { read: true, write: true, trapWrite: false };

/** How clients are compared with the groups of the file. */
export interface AccessSecurityOptions {
  /**
   * What HAG is compared with. `address`, the default: the address the client connects from; host names in the file
   * are looked up. `claimed`: the host name the client sends, as Channel Access servers do unless `asCheckClientIP`
   * is set; anybody can claim any.
   */
  readonly hostCheck?: 'address' | 'claimed';
  /** Groups of an account, for `role/GROUP` in a UAG. Default: those of `/etc/group`. */
  readonly groupsOf?: (account: string) => Iterable<string>;
}

/** A client as rules see it. */
interface Identity {
  readonly names: readonly string[];
  readonly method: string;
  readonly host: string;
}

/** Who may read and write which PV: the rules of an EPICS access security file (ACF), as asLib of EPICS base. */
export class AccessSecurity {
  /** `file:line: what` for everything in the file that is skipped or can never grant, e.g. RULEs with CALC. */
  readonly warnings: readonly string[];
  private readonly rules: AccessRules;
  private readonly options: AccessSecurityOptions;
  private readonly file: string;
  /** Addresses, or in mode `claimed` names, of each HAG. */
  private hosts = new Map<HostGroup, ReadonlySet<string>>();
  private readonly identities = new WeakMap<Credentials, Identity>();
  private readonly usesRoles: boolean;

  private constructor(rules: AccessRules, file: string, options: AccessSecurityOptions) {
    this.rules = rules;
    this.file = file;
    this.options = options;
    this.warnings = rules.warnings;
    this.usesRoles = [...rules.userGroups.values()].some((g) => [...g].some((u) => u.startsWith('role/')));
    for (const group of rules.hostGroups.values()) this.hosts.set(group, this.knownHosts(group));
  }

  /**
   * Reads the rules in `text`. Host names in it match nobody until `resolveHosts`, which a server does when it starts.
   * @param macros for `$(NAME)` in the text: names to values, or `A=1,B=2`
   * @throws ConfigError `ACF:line: what`
   */
  static parse(text: string, macros?: AccessMacros, options: AccessSecurityOptions = {}): AccessSecurity {
    return new AccessSecurity(parseAccessRules(text, 'ACF', macros), 'ACF', options);
  }

  /**
   * Reads a file and looks up the host names in it.
   * @throws ConfigError `file:line: what`, or that the file cannot be read
   */
  static async fromFile(
    path: string,
    macros?: AccessMacros,
    options: AccessSecurityOptions = {},
  ): Promise<AccessSecurity> {
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      throw new ConfigError(`cannot read the access security file ${path}: ${(error as Error).message}`);
    }
    const security = new AccessSecurity(parseAccessRules(text, path, macros), path, options);
    await security.resolveHosts();
    return security;
  }

  /** Names of the ASGs, `DEFAULT` among them. */
  get groupNames(): string[] {
    return [...this.rules.groups.keys()];
  }

  /**
   * Looks up the host names of all HAGs, again if it was done before. Nothing to do in mode `claimed`.
   * @returns `file:line: what` for each name the system does not know; it matches nobody
   */
  async resolveHosts(): Promise<string[]> {
    if (this.options.hostCheck === 'claimed') return [];
    const problems: string[] = [];
    const resolve = async (group: HostGroup): Promise<[HostGroup, ReadonlySet<string>]> => {
      const found = new Set(this.knownHosts(group));
      for (const host of group.hosts) {
        if (isAddress(host)) continue;
        const addresses = await addressesOf(host);
        for (const address of addresses) found.add(plainAddress(address));
        if (addresses.length === 0)
          problems.push(`${this.file}:${group.line}: host '${host}' of HAG '${group.name}' is not known`);
      }
      return [group, found];
    };
    this.hosts = new Map(await Promise.all([...this.rules.hostGroups.values()].map(resolve)));
    return problems;
  }

  /** What is known of a HAG without looking anything up. */
  private knownHosts(group: HostGroup): ReadonlySet<string> {
    if (this.options.hostCheck === 'claimed') return new Set(group.hosts);
    return new Set(group.hosts.filter(isAddress).map(plainAddress));
  }

  /**
   * What a client may do.
   * @param asg the PV's access security group; DEFAULT if undefined or not in the file
   * @param asl the PV's access security level: only RULEs of this or a higher level apply
   */
  grant(asg: string | undefined, asl: number, client: Credentials): AccessGrant {
    const { groups } = this.rules;
    const rules = groups.get(asg ?? 'DEFAULT') ?? groups.get('DEFAULT') ?? [];
    const identity = this.identity(client);
    let rank = 0;
    let trapWrite = false;
    for (const rule of rules) {
      const granted = ACCESS_RANKS.indexOf(rule.rank);
      if (granted <= rank || asl > rule.level || !this.matches(rule, identity)) continue;
      rank = granted;
      trapWrite = rule.trapWrite;
    }
    const write = rank >= ACCESS_RANKS.indexOf('WRITE');
    return { read: rank > 0, write, trapWrite: write && trapWrite };
  }

  private matches(rule: AccessRule, client: Identity): boolean {
    if (rule.never !== undefined) return false;
    const { userGroups, hostGroups, methods, protocols } = rule;
    if (userGroups.length > 0 && !userGroups.some((g) => client.names.some((name) => g.has(name))))
      return false;
    if (hostGroups.length > 0 && !hostGroups.some((g) => this.hosts.get(g)?.has(client.host))) return false;
    if (methods.length > 0 && !methods.includes(client.method)) return false;
    return protocols.length === 0 || protocols.includes('tcp');
  }

  /** Computed once for each connection. */
  private identity(client: Credentials): Identity {
    let identity = this.identities.get(client);
    if (!identity) {
      const host =
        this.options.hostCheck === 'claimed' ? client.host.toLowerCase() : peerAddress(client.peer);
      identity = { names: this.names(client), method: client.method, host };
      this.identities.set(client, identity);
    }
    return identity;
  }

  private names(client: Credentials): string[] {
    // An empty claim (PVXS 1.5.2 sends it) is nobody.
    if (client.method !== 'ca') return ['anonymous', `${client.method}/anonymous`];
    // Nobody may claim another method's `krb/x` or a `role/x` as the name of an account.
    const account = client.account.slice(client.account.lastIndexOf('/') + 1);
    if (account === '') return [];
    if (!this.usesRoles) return [account];
    const groups = (this.options.groupsOf ?? accountGroups)(account);
    return [account, ...Array.from(groups, (group) => `role/${group}`)];
  }
}

/** The address of `address:port`, IPv6 with or without brackets. */
function peerAddress(peer: string): string {
  return plainAddress(peer.slice(0, Math.max(0, peer.lastIndexOf(':'))));
}

/** One way of writing each address: no brackets, no zone, IPv4 never as IPv6. */
function plainAddress(address: string): string {
  return address
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/%.*$/, '')
    .replace(/^::ffff:(?=\d+\.)/, '');
}
