/**
 * docs/explanation/pva-protocol.md names the files that implement each part, and all of them. Its last section is made
 * from the headers of the sources. To write it anew after a file came, went or was described differently:
 *
 *   npx vitest run test/docs/protocol-files.test.ts -u
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../e2e/support/world.ts';
import { read } from './support/documents.ts';

const DOCUMENT = 'docs/explanation/pva-protocol.md';
const SOURCES = 'packages/epics-pva-ts/src';
const COMMAND = 'npx vitest run test/docs/protocol-files.test.ts -u';
const BEGIN = `<!-- Files: made from the headers of ${SOURCES} by \`${COMMAND}\` -->\n`;
const END = '<!-- End of files -->';

/** Paths of all source files of the library, relative to its `src`, those of a folder together. */
function sourceFiles(): string[] {
  return readdirSync(join(ROOT, SOURCES), { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.ts'))
    .sort();
}

/** The first sentence of a file's header, on one line. */
function purpose(file: string, text: string): string {
  const [, header] = /^\/\*\*([\s\S]*?)\*\//.exec(text) ?? [];
  if (header === undefined) throw new Error(`${SOURCES}/${file} has no header that says what it is for`);
  const firstParagraph = header
    .replaceAll(/^ *\* ?/gm, '')
    .trim()
    .split(/\n\s*\n/)[0]
    ?.replaceAll(/\s+/g, ' ');
  const [sentence = ''] = /^.*?(?:\.(?= (?:[A-Z`]|pva-protocol))|$)/.exec(firstParagraph ?? '') ?? [];
  return sentence
    .replace(/ \(pva-protocol\.md [^)]*\)|, pva-protocol\.md [\d., -]+(?=\))/, '')
    .replaceAll(/\{@link (\S+?)\}/g, '`$1`')
    .replaceAll('|', '\\|')
    .replaceAll('<', '\\<')
    .replace(/\.$/, '');
}

/** Sections that a file cites: `pva-protocol.md 5.4, 5.8` or `... 3.9-3.16`. */
function citations(text: string): string[] {
  const number = /\d+(?:\.\d+)?/.source;
  const lists = text
    .replaceAll(/\n *\* ?/g, ' ')
    .matchAll(new RegExp(`pva-protocol\\.md (${number}(?:(?:, | and |-)${number})*)`, 'g'));
  return Array.from(lists, ([, list = '']) => list.split(/, | and /)).flat();
}

/** By number, each once. */
function inOrder(sections: readonly string[]): string[] {
  const parts = (section: string): number[] => section.split(/[.-]/).map(Number);
  return [...new Set(sections)].sort((a, b) => {
    const [x, y] = [parts(a), parts(b)];
    return (x[0] ?? 0) - (y[0] ?? 0) || (x[1] ?? 0) - (y[1] ?? 0);
  });
}

/** Heading number -> files named below it as those that implement or test it. */
function filesOfSections(text: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const section of text.split(/^(?=#{1,2} \d)/m)) {
    const [, number] = /^#{1,2} (\d+(?:\.\d+)?)/.exec(section) ?? [];
    const [, list] = /^(?:Implemented|Tested) in: ((?:`[^`]+`,\s+)*`[^`]+`)/m.exec(section) ?? [];
    if (number === undefined || list === undefined) continue;
    found.set(
      number,
      Array.from(list.matchAll(/`([^`]+)`/g), ([, path = '']) => path),
    );
  }
  return found;
}

function filesMarkdown(implemented: ReadonlyMap<string, readonly string[]>): string {
  const rows = sourceFiles().map((file) => {
    const text = read(`${SOURCES}/${file}`);
    const named = [...implemented].filter(([, paths]) => paths.includes(`${SOURCES}/${file}`));
    const cited = citations(text).filter((section) => !section.includes('-'));
    const sections = inOrder([...named.map(([number]) => number), ...cited]);
    return `| \`${file}\` | ${purpose(file, text)} | ${sections.join(', ')} |`;
  });
  return [`| File in \`${SOURCES}\` | Holds | Sections |`, '| --- | --- | --- |', ...rows].join('\n');
}

/** Sections without a file of this repository, and why. */
const NOT_IMPLEMENTED = {
  '3.5': 'AUTHNZ is neither needed nor sent; an unknown command is ignored',
  '3.6': 'ACL_CHANGE',
  '3.11': 'PUT_GET',
  '3.12': 'PROCESS',
  '3.13': 'ARRAY: no peer uses it',
  '3.19': 'MULTIPLE_DATA: nobody sends it',
  '3.20': 'a session recorded with PVXS',
  '4.2': 'rights are not negotiated',
  '4.3': 'TLS',
  '5.2': 'golden datagrams',
  '9.4': 'pvlist',
  '9.5': 'pvcall',
  '9.6': 'tools of PVXS',
  '10.1': 'faults of peers',
  '11.2': 'a type of QSRV 1',
  '12.1': 'what programs need',
  '12.2': 'what servers need',
};

describe(DOCUMENT, () => {
  const text = read(DOCUMENT);
  const [facts = '', rest = ''] = text.split(BEGIN);

  const implemented = filesOfSections(facts);

  it('names files that exist, under every section on what travels and what is done', () => {
    expect(implemented.size).toBeGreaterThan(50);
    const missing = [...implemented].flatMap(([number, paths]) =>
      paths.filter((path) => !existsSync(join(ROOT, path))).map((path) => `${number}: ${path}`),
    );
    expect(missing).toEqual([]);
    // Sections that hold facts about others, or parts of the protocol that this library leaves out.
    const without = Array.from(facts.matchAll(/^## (\d+\.\d+)/gm), ([, number = '']) => number).filter(
      (number) => !implemented.has(number),
    );
    const reasons = Object.keys(NOT_IMPLEMENTED);
    expect(without.filter((number) => !reasons.includes(number))).toEqual([]);
  });

  it('has a sequence diagram whose sections exist', () => {
    const [, diagram = ''] = /^```mermaid\nsequenceDiagram\n([\s\S]*?)^```$/m.exec(facts) ?? [];
    const cited = Array.from(diagram.matchAll(/\((\d+\.\d+)(?:, (\d+\.\d+))?\)/g), ([, a, b]) => [a, b])
      .flat()
      .filter((number) => number !== undefined);
    expect(cited.length).toBeGreaterThan(15);
    for (const number of cited) expect(facts, number).toMatch(new RegExp(`^## ${number} `, 'm'));
    for (const command of ['SEARCH', 'SEARCH_RESPONSE', 'CONNECTION_VALIDATED', 'CREATE_CHANNEL', 'MONITOR'])
      expect(diagram).toContain(`: ${command}`);
  });

  it('is cited by sources only where it has a section', () => {
    const sections = new Set(
      Array.from(facts.matchAll(/^#{1,2} (\d+(?:\.\d+)?)/gm), ([, number = '']) => number),
    );
    const wrong = sourceFiles().flatMap((file) =>
      citations(read(`${SOURCES}/${file}`))
        .flatMap((section) => section.split('-'))
        .filter((section) => !sections.has(section))
        .map((section) => `${file} cites ${section}`),
    );
    expect(wrong).toEqual([]);
  });

  it(`ends with all files of the library (${COMMAND} writes them)`, async () => {
    if (!rest.includes(END)) throw new Error(`${DOCUMENT}: no place for the files between\n${BEGIN}${END}`);
    const wanted = `${facts}${BEGIN}\n${filesMarkdown(implemented)}\n\n${END}${rest.split(END)[1]}`;
    await expect(wanted, `${DOCUMENT} is not up to date: ${COMMAND}`).toMatchFileSnapshot(
      join(ROOT, DOCUMENT),
    );
  });
});
