/** What documents point at is there: files, headings, paths of sources, decisions. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../e2e/support/world.ts';
import { documents, prose, read } from './support/documents.ts';

/** The anchors of a document's headings, as GitHub makes them. */
function anchors(file: string): string[] {
  return Array.from(prose(file).matchAll(/^#+ (.*)$/gm), ([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

describe.each(documents())('%s', (file) => {
  it('links only to what is there', () => {
    const broken = Array.from(prose(file).matchAll(/\]\(([^()\s]+)\)/g), ([, target = '']) => target)
      .filter((target) => !/^https?:/.test(target))
      .filter((target) => {
        const [path = '', anchor] = target.split('#');
        const linked = path === '' ? file : normalize(join(dirname(file), path));
        if (linked.startsWith('..') || !existsSync(join(ROOT, linked))) return true;
        return anchor !== undefined && !anchors(linked).includes(anchor);
      });
    expect(broken).toEqual([]);
  });

  it('ends with a line feed and has no line with blanks at its end', () => {
    expect(read(file)).toMatch(/[^\n]\n$/);
    expect(
      read(file)
        .split('\n')
        .filter((line) => /\s$/.test(line)),
    ).toEqual([]);
  });
});

describe('README.md', () => {
  it('leads to every document, in one step or several', () => {
    const reached = new Set<string>();
    const visit = (path: string): void => {
      if (reached.has(path) || !existsSync(join(ROOT, path))) return;
      reached.add(path);
      if (statSync(join(ROOT, path)).isDirectory())
        // A folder shows its files, and its README first.
        for (const name of readdirSync(join(ROOT, path))) visit(`${path}/${name}`);
      else if (path.endsWith('.md'))
        for (const [, target = ''] of prose(path).matchAll(/\]\(([^()\s#]+)/g))
          if (!/^https?:/.test(target)) visit(normalize(join(dirname(path), target)).replace(/\/$/, ''));
    };
    visit('README.md');
    const facts = readdirSync(join(ROOT, 'docs/explanation')).map((name) => `docs/explanation/${name}`);
    expect([...documents(), ...facts].filter((file) => !reached.has(file))).toEqual([]);
  });
});

describe('docs/architecture.md', () => {
  it('names only files that exist', () => {
    const named = Array.from(
      prose('docs/architecture.md').matchAll(/`([\w./-]+\.(?:ts|js|json))`/g),
      ([, path = '']) => path,
    );
    expect(named.length).toBeGreaterThan(25);
    const places = ['', 'packages/epics-pva-ts/src/'];
    expect(named.filter((path) => !places.some((place) => existsSync(join(ROOT, place + path))))).toEqual([]);
  });

  it('has every room, with the imports that Biome allows', () => {
    interface Override {
      readonly includes: readonly string[];
      readonly linter: {
        readonly rules: { readonly style?: { readonly noRestrictedImports?: RestrictedImports } };
      };
    }
    interface RestrictedImports {
      readonly options: { readonly patterns: readonly { readonly message: string }[] };
    }
    const { overrides } = JSON.parse(read('biome.json')) as { overrides: readonly Override[] };
    const rows = new Map(
      Array.from(
        prose('docs/architecture.md').matchAll(/^\| `([\w/-]+\/)` \|.*\| ([^|]+) \|$/gm),
        ([, room = '', allowed = '']) => [room, allowed],
      ),
    );
    const rooms = overrides.flatMap(({ includes, linter }) => {
      const message = linter.rules.style?.noRestrictedImports?.options.patterns[0]?.message ?? '';
      const [, allowed] = /may import only:? (.*) \(docs\/architecture\.md\)$/.exec(message) ?? [];
      if (allowed === undefined) return [];
      return includes.map((glob) => ({
        room: glob.replace('packages/epics-pva-ts/src/', '').replace('**', ''),
        allowed: allowed.replace(' and ', ', '),
      }));
    });
    expect(rooms.length).toBeGreaterThanOrEqual(15);
    for (const { room, allowed } of rooms) expect(rows.get(room), room).toBe(allowed);
    expect([...rows.keys()].sort()).toEqual(rooms.map(({ room }) => room).sort());
  });

  it('has every folder of the sources as a room', () => {
    const text = read('docs/architecture.md');
    for (const [folder, prefix] of [
      ['packages/epics-pva-ts/src', ''],
      ['src', 'src/'],
    ] as const) {
      const rooms = readdirSync(join(ROOT, folder), { withFileTypes: true }).filter((e) => e.isDirectory());
      for (const { name } of rooms) expect(text, name).toContain(`\`${prefix}${name}/\``);
    }
  });
});

describe('docs/decisions', () => {
  const files = readdirSync(join(ROOT, 'docs/decisions')).sort();

  it('are numbered without a gap, and say their number', () => {
    expect(files.map((file) => file.slice(0, 4))).toEqual(
      files.map((_, index) => String(index + 1).padStart(4, '0')),
    );
    for (const file of files) {
      expect(file).toMatch(/^\d{4}-[a-z0-9-]+\.md$/);
      expect(read(`docs/decisions/${file}`)).toMatch(new RegExp(`^# ${file.slice(0, 4)}: \\S`));
    }
  });

  it('have context, decision and consequences', () => {
    for (const file of files)
      expect(
        Array.from(read(`docs/decisions/${file}`).matchAll(/^## (.*)$/gm), ([, title]) => title),
        file,
      ).toEqual(['Context', 'Decision', 'Consequences']);
  });
});

describe('CHANGELOG.md', () => {
  it('has the version of the packages at its top', () => {
    const [, top] = /^## \[(\d+\.\d+\.\d+)\]/m.exec(read('CHANGELOG.md')) ?? [];
    for (const file of ['package.json', 'packages/epics-pva-ts/package.json'])
      expect((JSON.parse(read(file)) as { version: string }).version, file).toBe(top);
  });
});
