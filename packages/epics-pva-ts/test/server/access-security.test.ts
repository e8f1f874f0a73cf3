/**
 * Access security files as EPICS base reads them: who gets which right, and what is said about a file that is wrong.
 * The Linac example is the one of the EPICS Application Developer's Guide, chapter Access Security, without CALC.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Credentials } from '../../src/connection/server-connection.ts';
import { AccessSecurity, type AccessSecurityOptions } from '../../src/server/access-security.ts';
import { Random } from '../support/random.ts';

const folder = mkdtempSync(join(tmpdir(), 'epics-pva-ts-acf-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function ca(account: string, peer = '10.0.0.5:40000', host = 'console'): Credentials {
  return { peer, method: 'ca', account, host };
}
const ANONYMOUS: Credentials = { peer: '10.0.0.5:40000', method: 'anonymous', account: '', host: '' };

/** `-`, `r`, `w`, and `t` behind `w` for TRAPWRITE. */
function right(s: AccessSecurity, asg: string | undefined, asl: number, client: Credentials): string {
  const { read, write, trapWrite } = s.grant(asg, asl, client);
  expect(write && !read).toBe(false);
  return (write ? 'w' : read ? 'r' : '-') + (trapWrite ? 't' : '');
}

function parse(text: string, options: AccessSecurityOptions = {}): AccessSecurity {
  const s = AccessSecurity.parse(text, undefined, options);
  expect(s.warnings).toEqual([]);
  return s;
}

describe('rules', () => {
  it('give the highest right whose conditions are met, and nothing without one', () => {
    const s = parse(`
      UAG(op) {op1, op2}   # operators
      UAG(boss) {superguy}
      HAG(cr) {10.0.0.5, 10.0.0.6}
      ASG(DEFAULT) { RULE(1, READ) }
      ASG(magnets) {
        RULE(1, READ)
        RULE(1, WRITE, TRAPWRITE) { UAG(op, boss) HAG(cr) }
      }
      ASG(nobody) { RULE(1, NONE) }
      ASG(empty)
      ASG(alsoEmpty) {}
    `);
    expect(right(s, 'magnets', 0, ca('op1'))).toBe('wt');
    expect(right(s, 'magnets', 0, ca('superguy'))).toBe('wt');
    expect(right(s, 'magnets', 0, ca('op1', '10.0.0.7:1'))).toBe('r');
    expect(right(s, 'magnets', 0, ca('visitor'))).toBe('r');
    expect(right(s, 'DEFAULT', 0, ca('op1'))).toBe('r');
    for (const asg of ['nobody', 'empty', 'alsoEmpty']) expect(right(s, asg, 0, ca('op1'))).toBe('-');
    expect(s.groupNames.sort()).toEqual(['DEFAULT', 'alsoEmpty', 'empty', 'magnets', 'nobody']);
  });

  it('of a level apply to PVs of this and lower levels', () => {
    const s = parse('ASG(DEFAULT) { RULE(0,WRITE) RULE(1,READ) }');
    expect([0, 1, 2].map((asl) => right(s, undefined, asl, ca('x')))).toEqual(['w', 'r', '-']);
  });

  it('of DEFAULT apply to PVs without a group and of groups the file does not have', () => {
    const s = parse('ASG(DEFAULT) { RULE(1,READ) } ASG(other) { RULE(1,WRITE) }');
    expect([undefined, 'DEFAULT', 'missing', 'other'].map((g) => right(s, g, 0, ca('x')))).toEqual([
      'r',
      'r',
      'r',
      'w',
    ]);
    // A file need not have DEFAULT: then it grants nothing (asLib).
    expect(right(parse('ASG(other) { RULE(1,WRITE) }'), 'missing', 0, ca('x'))).toBe('-');
  });

  it('TRAPWRITE is that of the first rule that grants writing', () => {
    const s = parse('UAG(a) {a} ASG(DEFAULT) { RULE(1,WRITE,NOTRAPWRITE) {UAG(a)} RULE(1,WRITE,TRAPWRITE) }');
    expect([right(s, undefined, 0, ca('a')), right(s, undefined, 0, ca('b'))]).toEqual(['w', 'wt']);
  });

  it('decide as the Linac example says', () => {
    const s = parse(`
      UAG(op) {op1,op2,superguy}
      UAG(opSup) {superguy}
      UAG(linac) {waw,nassiri}
      HAG(icr) {10.1.0.1}
      HAG(ioc) {10.2.0.1}
      ASG(DEFAULT) {
        RULE(0,WRITE) { UAG(op) HAG(icr) }
        RULE(1,WRITE) { UAG(opSup) }
        RULE(1,READ)
        RULE(1,WRITE) { HAG(ioc) }
      }`);
    const at = (user: string, host: string): string[] =>
      [0, 1].map((asl) => right(s, '', asl, ca(user, `${host}:5`)));
    expect(at('op1', '10.1.0.1')).toEqual(['w', 'r']);
    expect(at('op1', '10.9.0.1')).toEqual(['r', 'r']);
    expect(at('superguy', '10.9.0.1')).toEqual(['w', 'w']);
    expect(at('waw', '10.1.0.1')).toEqual(['r', 'r']);
    expect(at('anybody', '10.2.0.1')).toEqual(['w', 'w']);
  });

  it('METHOD and PROTOCOL compare how the client came, in any case of letters', () => {
    const s = parse(`
      ASG(ca) { RULE(1,WRITE) { METHOD("CA", x509) } }
      ASG(tcp) { RULE(1,WRITE) { PROTOCOL(TCP) METHOD(anonymous) } }
      ASG(tls) { RULE(1,WRITE) { PROTOCOL("tls") } }`);
    expect(['ca', 'tcp', 'tls'].map((g) => right(s, g, 0, ca('x')))).toEqual(['w', '-', '-']);
    expect(['ca', 'tcp', 'tls'].map((g) => right(s, g, 0, ANONYMOUS))).toEqual(['-', 'w', '-']);
  });

  it('RPC, a right above WRITE in newer files, is WRITE here', () => {
    expect(right(parse('ASG(DEFAULT) { RULE(1,RPC) }'), undefined, 0, ca('x'))).toBe('w');
  });
});

describe('users', () => {
  const s = parse(
    'UAG(u) {alice, "role/ops", anonymous, "DOMAIN\\bob"} ASG(DEFAULT) { RULE(1,WRITE) {UAG(u)} }',
    { groupsOf: (account) => (account === 'carol' ? ['users', 'ops'] : []) },
  );

  it('are the account of method "ca", or one of its groups on this host as role/NAME', () => {
    const all = ['alice', 'carol', 'dave', 'Alice', 'DOMAIN\\bob'].map((name) => right(s, '', 0, ca(name)));
    expect(all).toEqual(['w', 'w', '-', '-', 'w']);
  });

  it('are anonymous with method "anonymous"', () => {
    expect(right(s, '', 0, ANONYMOUS)).toBe('w');
    expect(right(parse('UAG(u) {x} ASG(DEFAULT) { RULE(1,READ) {UAG(u)} }'), '', 0, ANONYMOUS)).toBe('-');
  });

  it('cannot claim a role, a name of another method, or to be nobody', () => {
    expect(['role/ops', 'krb/alice', ''].map((name) => right(s, '', 0, ca(name)))).toEqual(['-', 'w', '-']);
    const empty = parse('UAG(u) {""} ASG(DEFAULT) { RULE(1,READ) {UAG(u)} }');
    expect(right(empty, '', 0, ca(''))).toBe('-');
  });
});

describe('hosts', () => {
  const ACF = 'HAG(h) {LOCALHOST, 10.0.0.5, "fe80::1"} ASG(DEFAULT) { RULE(1,WRITE) {HAG(h)} }';

  it('are the addresses clients connect from; names are looked up', async () => {
    const s = parse(ACF);
    const at = (peer: string): string => right(s, '', 0, ca('x', peer, 'localhost'));
    expect(at('127.0.0.1:5')).toBe('-');
    expect(await s.resolveHosts()).toEqual([]);
    expect(
      ['127.0.0.1:5', '::ffff:10.0.0.5:5', '[fe80::1%eth0]:5', 'FE80::1:5', '10.0.0.6:5'].map(at),
    ).toEqual(['w', 'w', 'w', 'w', '-']);
  });

  it('that nobody knows match nobody, and are reported', async () => {
    const s = parse('\nHAG(h) {no-such-host.invalid}\nASG(DEFAULT) { RULE(1,WRITE) {HAG(h)} }');
    expect(await s.resolveHosts()).toEqual(["ACF:2: host 'no-such-host.invalid' of HAG 'h' is not known"]);
    expect(right(s, '', 0, ca('x', '10.0.0.5:1', 'no-such-host.invalid'))).toBe('-');
  });

  it('are what clients claim if that is asked for, in any case of letters', async () => {
    const s = parse('HAG(h) {Console} ASG(DEFAULT) { RULE(1,WRITE) {HAG(h)} }', { hostCheck: 'claimed' });
    expect(await s.resolveHosts()).toEqual([]);
    const claims = ['CONSOLE', 'other'].map((host) => right(s, '', 0, ca('x', '10.0.0.5:1', host)));
    expect(claims).toEqual(['w', '-']);
    expect(right(s, '', 0, ANONYMOUS)).toBe('-');
  });
});

describe('a file', () => {
  it('is read with macros, comments and quoted names', async () => {
    const path = join(folder, 'ok.acf');
    writeFileSync(
      path,
      `# comment with $(UNDEFINED) and "\r\nUAG("a b#c") {$(USER), \${OTHER=x$(N=1)}} # more\r\n` +
        'ASG(DEFAULT) { RULE($(LEVEL=1), WRITE) { UAG("a b#c") } }',
    );
    for (const macros of [{ USER: '$(WHO)', WHO: 'alice' }, 'USER=alice , N="2"']) {
      const s = await AccessSecurity.fromFile(path, macros);
      expect(right(s, '', 1, ca('alice'))).toBe('w');
      expect(right(s, '', 1, ca(typeof macros === 'string' ? 'x2' : 'x1'))).toBe('w');
    }
    await expect(AccessSecurity.fromFile(path)).rejects.toThrow(`${path}:2: macro 'USER' is not defined`);
  });

  it('that is not there is an error that names it', async () => {
    const path = join(folder, 'missing.acf');
    await expect(AccessSecurity.fromFile(path)).rejects.toMatchObject({
      code: 'PVA_CONFIG',
      message: expect.stringContaining(`cannot read the access security file ${path}: ENOENT`),
    });
  });

  it.each([
    ['', '1: there is no UAG, HAG or ASG in it'],
    ['\n# nothing\n', '3: there is no UAG, HAG or ASG in it'],
    ['UAG(a) {x}\nUAG(a) {y}', "2: there is already a UAG 'a'"],
    ['HAG(a)\nHAG(a)', "2: there is already a HAG 'a'"],
    ['ASG(a)\nASG(a)', "2: there is already an ASG 'a'"],
    ['ASG(DEFAULT)\n\nASG(DEFAULT)', "3: there is already an ASG 'DEFAULT'"],
    ['ASG(a) { RULE(1,READ) { UAG(b) } }\nUAG(b) {x}', "1: there is no UAG 'b' above"],
    ['ASG(a) { RULE(1,READ) {\nHAG(b) } }', "2: there is no HAG 'b' above"],
    ['ASG(a) { RULE(1,READ) { AUTHORITY(b) } }', "1: there is no AUTHORITY 'b' above"],
    ['UAG(a) {x y}', "1: ',' or '}' expected, not 'y'"],
    ['UAG(a) {x,\n', '2: a user name expected, not the end of the file'],
    ['UAG a', "1: '(' expected, not 'a'"],
    ['UAG()', "1: the name of a UAG expected, not ')'"],
    ['ASG(a) { READ }', "1: RULE, INPA to INPU or '}' expected, not 'READ'"],
    ['ASG(a) { INPV(x) }', "1: RULE, INPA to INPU or '}' expected, not 'INPV'"],
    ['ASG(a) { RULE(high,READ) }', "1: the level of a RULE is 0 or 1, not 'high'"],
    ['ASG(a) { RULE(-1,READ) }', "1: the level of a RULE is 0 or 1, not '-1'"],
    ['ASG(a) { RULE(1,READ,TRAP) }', "1: TRAPWRITE or NOTRAPWRITE expected, not 'TRAP'"],
    ['ASG(a) { RULE(1) }', "1: ',' expected, not ')'"],
    ['ASG(a) { RULE(1,READ) { UAG() } }', '1: UAG() needs the name of a UAG'],
    [
      'UAG(a) {b}\nASG(a) { RULE(1,READ) { UAG(a), HAG(b) } }',
      "2: UAG, HAG, METHOD, CALC or '}' expected, not ','",
    ],
    ['UAG(a) {"x\n}', `1: the closing '"' is missing`],
    ['UAG(a) {role/x}', "1: character '/' is not allowed here; put the name in quotes"],
    ['UAG(a) {$(B)}', "1: macro 'B' is not defined"],
    ['UAG(a) {$(B}', "1: '$(' without ')'"],
    ['FUTURE {x}', "1: 'FUTURE' is not known here: there are UAG, HAG, ASG"],
    ['ASG(a)\n{ }\nRULE(1,READ)', "3: 'RULE' is not known here: there are UAG, HAG, ASG"],
    ['FUTURE(x y)', "1: ',' or ')' expected, not 'y'"],
    ['} ', "1: UAG, HAG or ASG expected, not '}'"],
  ])('%j is refused: where, and what', (text, message) => {
    expect(() => AccessSecurity.parse(text)).toThrow(`ACF:${message}`);
  });

  it('macros that refer to themselves, or are no macros, are an error', () => {
    expect(() => AccessSecurity.parse('UAG($(A))', { A: '$(B)', B: '$(A)' })).toThrow(
      'ACF:1: macros refer to each other without end',
    );
    expect(() => AccessSecurity.parse('UAG(x)', 'A=1,B')).toThrow(
      "macros 'A=1,B': NAME=value expected at position 4",
    );
  });

  it('that is nested without end is refused', () => {
    expect(() => AccessSecurity.parse('A() {'.repeat(10_000))).toThrow('ACF:1: braces are nested too deeply');
    expect(() => AccessSecurity.parse('AUTHORITY(a) {'.repeat(10_000))).toThrow('nested too deeply');
    expect(() => AccessSecurity.parse('$('.repeat(10_000))).toThrow("'$(' without ')'");
  });

  it('of any kind is taken or refused with its line, never a crash (seeded)', () => {
    const words =
      'UAG HAG ASG RULE CALC INPA METHOD AUTHORITY PROTOCOL READ WRITE TRAPWRITE DEFAULT a b 0 1 x.y'.split(
        ' ',
      );
    const marks = ['(', ')', '{', '}', ',', '"', '\n', '#', '$(', '\\', ' ', '$(A)'];
    const text =
      'UAG(a) {x} HAG(b) {y} ASG(DEFAULT) { RULE(1,READ) RULE(0,WRITE,TRAPWRITE) { UAG(a) HAG(b) } }';
    const counts = { taken: 0, refused: 0 };
    for (let seed = 1; seed <= 5000; seed++) {
      const random = new Random(seed);
      const parts = text.split(/(?<=\W)|(?=\W)/);
      for (let n = random.int(6); n > 0; n--) {
        const from = random.int(2) === 0 ? words : marks;
        parts.splice(random.int(parts.length + 1), random.int(3), from[random.int(from.length)] as string);
      }
      try {
        AccessSecurity.parse(parts.join(''), 'A=a');
        counts.taken++;
      } catch (error) {
        expect(error).toMatchObject({ code: 'PVA_CONFIG', message: expect.stringMatching(/^ACF:\d+: ./) });
        counts.refused++;
      }
    }
    expect(counts.taken).toBeGreaterThan(500);
    expect(counts.refused).toBeGreaterThan(500);
  });

  it('what newer files may have is skipped with a warning, and a rule with it never grants', () => {
    const s = AccessSecurity.parse(`
      FUTURE(a, 1.0) { ALSO() { b, c } MORE(x) }
      PLAIN() { a, b }
      AUTHORITY(ROOT, "Root CA") { AUTHORITY("Between") { AUTHORITY(LAB, "Lab CA") } }
      UAG(u) { a, a }
      ASG(DEFAULT) {
        INPA(LI:OPSTATE)
        RULE(1, READ)
        RULE(1, WRITE) { CALC("A=1") }
        RULE(1, WRITE) { UAG(u) MOON("full") { a } }
        RULE(1, WRITE) { AUTHORITY(ROOT, LAB) }
        RULE(1, EVERYTHING)
      }`);
    expect(right(s, '', 0, ca('a'))).toBe('r');
    expect(s.warnings).toEqual([
      "ACF:2: 'FUTURE' is not known and is skipped",
      "ACF:3: 'PLAIN' is not known and is skipped",
      "ACF:5: user 'a' is twice in UAG 'u'",
      "ACF:9: this RULE of ASG 'DEFAULT' never grants: CALC needs live inputs, which this server does not have",
      "ACF:10: this RULE of ASG 'DEFAULT' never grants: condition 'MOON' is not known",
      "ACF:11: this RULE of ASG 'DEFAULT' never grants: AUTHORITY needs certificates, and this server has no TLS",
      "ACF:12: this RULE of ASG 'DEFAULT' never grants: 'EVERYTHING' is not NONE, READ, WRITE or RPC",
    ]);
  });
});
