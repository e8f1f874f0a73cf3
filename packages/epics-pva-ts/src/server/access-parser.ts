/**
 * Grammar of access security files (ACF) as EPICS base's asLib has it: UAG, HAG, ASG with INPx and RULE, and
 * METHOD, AUTHORITY, PROTOCOL of secure pvAccess.
 *
 * What later versions of EPICS may add is skipped with a warning if it has the form `NAME(...) {...}`; a RULE with a
 * condition that is not understood never grants anything (EPICS base 7.0.9). No I/O: text in, rules out.
 */
import { AccessCursor, DEEPEST_NESTING } from './access-cursor.ts';
import type { AccessToken } from './access-lexer.ts';
import type { AccessMacros } from './access-macros.ts';

/** In ascending order: each right implies those before it. */
export const ACCESS_RANKS = ['NONE', 'READ', 'WRITE', 'RPC'] as const;
export type AccessRank = (typeof ACCESS_RANKS)[number];

export interface HostGroup {
  readonly name: string;
  readonly line: number;
  /** As written, in lower case. */
  readonly hosts: readonly string[];
}

/** One RULE. Lists of one kind are alternatives; all kinds given must match. */
export interface AccessRule {
  readonly line: number;
  readonly level: number;
  readonly rank: AccessRank;
  trapWrite: boolean;
  readonly userGroups: ReadonlySet<string>[];
  readonly hostGroups: HostGroup[];
  /** In lower case: `ca`, `anonymous`, `x509`. */
  readonly methods: string[];
  /** In lower case: `tcp`, `tls`. */
  readonly protocols: string[];
  /** Why it can never grant; undefined for ordinary rules. */
  never: string | undefined;
}

export interface AccessRules {
  readonly userGroups: ReadonlyMap<string, ReadonlySet<string>>;
  readonly hostGroups: ReadonlyMap<string, HostGroup>;
  /** Rules of each ASG, in order; `DEFAULT` is always there. */
  readonly groups: ReadonlyMap<string, readonly AccessRule[]>;
  /** `file:line: what` for everything that was skipped or can never grant. */
  readonly warnings: readonly string[];
}

/** Words that mean something elsewhere in a file, so here they are a mistake; and numbers. */
const MISPLACED = /^(RULE|CALC|METHOD|PROTOCOL|INP[A-U]|\d+)$/;

/** @throws ConfigError `file:line: what` for a text that is no ACF */
export function parseAccessRules(text: string, file: string, macros?: AccessMacros): AccessRules {
  return new AccessParser(text, file, macros).parse();
}

class AccessParser extends AccessCursor {
  private readonly users = new Map<string, Set<string>>();
  private readonly hosts = new Map<string, HostGroup>();
  private readonly groups = new Map<string, AccessRule[]>();
  private readonly authorities = new Set<string>();
  private readonly warnings: string[] = [];
  private defaultGiven = false;

  parse(): AccessRules {
    this.groups.set('DEFAULT', []);
    if (this.atEnd()) this.fail(this.peek.line, 'there is no UAG, HAG or ASG in it');
    while (!this.atEnd()) this.item();
    const { users, hosts, groups, warnings } = this;
    return { userGroups: users, hostGroups: hosts, groups, warnings };
  }

  private warn(line: number, what: string): void {
    this.warnings.push(`${this.file}:${line}: ${what}`);
  }

  private item(): void {
    const keyword = this.peek;
    if (keyword.kind !== 'word') this.expected('UAG, HAG or ASG');
    this.next();
    if (keyword.text === 'UAG') this.userGroup();
    else if (keyword.text === 'HAG') this.hostGroup();
    else if (keyword.text === 'ASG') this.securityGroup();
    else if (keyword.text === 'AUTHORITY') this.authority();
    else {
      if (!this.isNext('(') || MISPLACED.test(keyword.text))
        this.fail(keyword.line, `'${keyword.text}' is not known here: there are UAG, HAG, ASG`);
      this.skipArguments();
      this.warn(keyword.line, `'${keyword.text}' is not known and is skipped`);
    }
  }

  private userGroup(): void {
    const { text: name, line } = this.head('the name of a UAG');
    if (this.users.has(name)) this.fail(line, `there is already a UAG '${name}'`);
    const users = new Set<string>();
    this.users.set(name, users);
    if (!this.isNext('{')) return;
    this.next();
    for (const user of this.list('}', 'a user name')) {
      if (users.has(user.text)) this.warn(user.line, `user '${user.text}' is twice in UAG '${name}'`);
      users.add(user.text);
    }
  }

  private hostGroup(): void {
    const { text: name, line } = this.head('the name of a HAG');
    if (this.hosts.has(name)) this.fail(line, `there is already a HAG '${name}'`);
    let hosts: string[] = [];
    if (this.isNext('{')) {
      this.next();
      hosts = this.list('}', 'a host name').map((t) => t.text.toLowerCase());
    }
    this.hosts.set(name, { name, line, hosts });
  }

  /** `AUTHORITY([id,] "common name") { AUTHORITY ... }`: chains of certificate authorities, root first. */
  private authority(depth = 0): void {
    const { line } = this.peek;
    if (depth > DEEPEST_NESTING) this.fail(line, 'AUTHORITY is nested too deeply');
    this.expect('(');
    const names = this.list(')', 'the name of an authority').map((t) => t.text);
    if (names.length < 1 || names.length > 2) this.fail(line, 'AUTHORITY has one or two names');
    if (names.length === 2) this.authorities.add(names[0] as string);
    if (!this.isNext('{')) return;
    this.next();
    while (!this.isNext('}')) {
      if (this.peek.kind !== 'word' || this.peek.text !== 'AUTHORITY') this.expected(`AUTHORITY or '}'`);
      this.next();
      this.authority(depth + 1);
    }
    this.next();
  }

  private securityGroup(): void {
    const { text: name, line } = this.head('the name of an ASG');
    if (name === 'DEFAULT' ? this.defaultGiven : this.groups.has(name))
      this.fail(line, `there is already an ASG '${name}'`);
    if (name === 'DEFAULT') this.defaultGiven = true;
    const rules: AccessRule[] = [];
    this.groups.set(name, rules);
    if (!this.isNext('{')) return;
    this.next();
    while (!this.isNext('}')) {
      const { kind, text } = this.peek;
      if (kind !== 'word' || !/^(RULE|INP[A-U])$/.test(text)) this.expected(`RULE, INPA to INPU or '}'`);
      const keyword = this.next();
      // Inputs serve CALC only, which never grants here.
      if (text !== 'RULE') this.head('the name of a PV');
      else {
        const rule = this.rule(keyword.line);
        if (rule.never) this.warn(rule.line, `this RULE of ASG '${name}' never grants: ${rule.never}`);
        rules.push(rule);
      }
    }
    this.next();
  }

  private rule(line: number): AccessRule {
    this.expect('(');
    const level = this.name('a level, 0 or 1,');
    if (!/^\+?\d+$/.test(level.text))
      this.fail(level.line, `the level of a RULE is 0 or 1, not '${level.text}'`);
    this.expect(',');
    const rank = this.name('NONE, READ or WRITE');
    const known = ACCESS_RANKS.find((r) => r === rank.text);
    const rule: AccessRule = {
      line,
      level: Number(level.text),
      rank: known ?? 'NONE',
      trapWrite: false,
      userGroups: [],
      hostGroups: [],
      methods: [],
      protocols: [],
      never: known ? undefined : `'${rank.text}' is not NONE, READ, WRITE or RPC`,
    };
    if (this.isNext(',')) {
      this.next();
      const trap = this.name('TRAPWRITE or NOTRAPWRITE');
      if (trap.text !== 'TRAPWRITE' && trap.text !== 'NOTRAPWRITE')
        this.fail(trap.line, `TRAPWRITE or NOTRAPWRITE expected, not '${trap.text}'`);
      rule.trapWrite = trap.text === 'TRAPWRITE';
    }
    this.expect(')');
    if (!this.isNext('{')) return rule;
    this.next();
    while (!this.isNext('}')) this.condition(rule);
    this.next();
    return rule;
  }

  private condition(rule: AccessRule): void {
    if (this.peek.kind !== 'word') this.expected(`UAG, HAG, METHOD, CALC or '}'`);
    const { text: keyword, line } = this.next();
    if (!this.isNext('(')) this.expected("'('");
    const names = (what: string): AccessToken[] => {
      this.next();
      const found = this.list(')', what);
      if (found.length === 0) this.fail(line, `${keyword}() needs ${what}`);
      return found;
    };
    const texts = (what: string): string[] => names(what).map((t) => t.text.toLowerCase());
    if (keyword === 'UAG')
      for (const t of names('the name of a UAG'))
        rule.userGroups.push(
          this.users.get(t.text) ?? this.fail(t.line, `there is no UAG '${t.text}' above`),
        );
    else if (keyword === 'HAG')
      for (const t of names('the name of a HAG'))
        rule.hostGroups.push(
          this.hosts.get(t.text) ?? this.fail(t.line, `there is no HAG '${t.text}' above`),
        );
    else if (keyword === 'METHOD') rule.methods.push(...texts('a method'));
    else if (keyword === 'PROTOCOL') rule.protocols.push(...texts('TCP or TLS'));
    else if (keyword === 'AUTHORITY') {
      for (const t of names('the name of an AUTHORITY'))
        if (!this.authorities.has(t.text)) this.fail(t.line, `there is no AUTHORITY '${t.text}' above`);
      rule.never ??= 'AUTHORITY needs certificates, and this server has no TLS';
    } else if (keyword === 'CALC') {
      this.head('an expression');
      rule.never ??= 'CALC needs live inputs, which this server does not have';
    } else {
      this.skipArguments();
      rule.never ??= `condition '${keyword}' is not known`;
    }
  }
}
