/**
 * The repository's documents as data: which files there are, their code blocks, their command lines. Nothing about
 * what is true of them; that is what the tests say.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../e2e/support/world.ts';

/** Folders with files that are not documents of this repository. */
const NOT_OURS = new Set(['node_modules', 'dist', 'coverage', 'results']);

/** A code block of a document. */
export interface CodeBlock {
  /** Path of the document, relative to the repository. */
  readonly file: string;
  /** Line of the document on which the code begins, from 1. */
  readonly line: number;
  /** The word behind the opening fence, such as `sh` or `ts`. */
  readonly language: string;
  readonly text: string;
}

/** The text of a file of the repository. */
export function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

/** Collections of facts about other programs: their options and texts are not ours. */
const FACTS = new Set(['docs/explanation/pva-protocol.md', 'docs/explanation/pvapy-behaviour.md']);

/** Paths of all Markdown files that say something of this suite, relative to the repository. */
export function documents(folder = ''): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true })
    .filter(({ name }) => !name.startsWith('.') && !NOT_OURS.has(name))
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) return documents(path);
      return entry.name.endsWith('.md') && !FACTS.has(path) ? [path] : [];
    })
    .sort();
}

/** The code blocks of a document, in order; of one language if it is given. */
export function codeBlocks(file: string, language?: string): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  const lines = read(file).split('\n');
  for (let i = 0; i < lines.length; i++) {
    const [, word] = /^```(\w+)\s*$/.exec(lines[i] ?? '') ?? [];
    if (word === undefined) continue;
    const end = lines.indexOf('```', i + 1);
    if (end < 0) throw new Error(`${file}:${i + 1}: this code block has no end`);
    if (language === undefined || word === language)
      blocks.push({ file, line: i + 2, language: word, text: `${lines.slice(i + 1, end).join('\n')}\n` });
    i = end;
  }
  return blocks;
}

/** The document without its code blocks. */
export function prose(file: string): string {
  return read(file).replaceAll(/^```\w+\n[\s\S]*?^```$/gm, '');
}

/** The command lines of a shell block, without `npx`; lines that end in a backslash are joined with the next one. */
export function commandLines(block: CodeBlock): string[] {
  return block.text
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => line.replace(/^npx /, ''));
}

/** All command lines of all documents that start one of `names`, with the place where they stand. */
export function commandLinesOf(
  names: readonly string[],
): { readonly place: string; readonly line: string }[] {
  return documents()
    .flatMap((file) => codeBlocks(file, 'sh'))
    .flatMap((block) =>
      commandLines(block)
        .filter((line) => names.includes(line.split(/\s/)[0] ?? ''))
        .map((line) => ({ place: `${block.file}:${block.line}`, line })),
    );
}
