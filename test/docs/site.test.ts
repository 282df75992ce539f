import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** Pictures that the browser tests do not make: 5,000 spectra are more than they have time for. */
const BY_HAND = ['together.png', 'together-dark.png'];

let site: string;
/** Path in the site, and what is there. */
const pages = new Map<string, string>();

beforeAll(async () => {
  site = await mkdtemp(join(tmpdir(), 'spectrolabe-site-'));
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/vitepress/bin/vitepress.js'), 'build', 'docs', '--outDir', site],
    { cwd: root, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`npm run docs:build ended with ${status}:\n${stdout}${stderr}`);
  for (const path of await readdir(site, { recursive: true }))
    if (path.endsWith('.html')) pages.set(path, await readFile(join(site, path), 'utf8'));
});
afterAll(() => rm(site, { recursive: true, force: true }));

const attributes = (html: string, name: string): string[] =>
  Array.from(html.matchAll(new RegExp(`\\s${name}="([^"]*)"`, 'g')), ([, value = '']) => value);

/** Everything that the pages of the site lead to, within it. */
function internalLinks(): { from: string; path: string; anchor: string }[] {
  return [...pages].flatMap(([from, html]) =>
    [...attributes(html, 'href'), ...attributes(html, 'src')]
      .filter((link) => !/^[a-z]+:/.test(link))
      .map((link) => {
        const { pathname, hash } = new URL(link, `http://site/${from}`);
        const path = decodeURIComponent(pathname).slice(1);
        return {
          from,
          path: path === '' || path.endsWith('/') ? `${path}index.html` : path,
          anchor: decodeURIComponent(hash.slice(1)),
        };
      }),
  );
}

describe('the documentation as a site', () => {
  it('has no link that leads nowhere, not within a page either', () => {
    const links = internalLinks();
    expect(links.length).toBeGreaterThan(200);
    const dead = links.filter(({ path, anchor }) => {
      if (anchor === '') return !existsSync(join(site, path));
      return !attributes(pages.get(path) ?? '', 'id').includes(anchor);
    });
    expect(dead).toEqual([]);
  });

  it('leads to every page from its first', async () => {
    const reached = new Set(['index.html']);
    const links = internalLinks();
    for (const page of reached) for (const { from, path } of links) if (from === page) reached.add(path);
    const written = (await readdir(join(root, 'docs'), { recursive: true }))
      .filter((path) => path.endsWith('.md'))
      .map((path) => path.replace(/\.md$/, '.html'));
    expect(written.length).toBeGreaterThan(15);
    expect(written.filter((path) => !reached.has(path))).toEqual([]);
    const decisions = written.filter((path) => /^decisions\/\d/.test(path));
    const listed = links.filter(({ from }) => from === 'decisions/index.html').map(({ path }) => path);
    expect(decisions.filter((path) => !listed.includes(path))).toEqual([]);
  });

  it('fetches nothing from elsewhere', async () => {
    const elsewhere = [...pages.values()].flatMap((html) =>
      [
        ...attributes(html, 'src'),
        ...Array.from(html.matchAll(/<link [^>]*href="([^"]*)"/g), ([, href = '']) => href),
      ].filter((url) => /^([a-z]+:)?\/\//.test(url)),
    );
    expect(elsewhere).toEqual([]);
    const styles = (await readdir(join(site, 'assets'))).filter((name) => name.endsWith('.css'));
    expect(styles.length).toBeGreaterThan(0);
    for (const name of styles)
      expect(await readFile(join(site, 'assets', name), 'utf8')).not.toMatch(/url\(["']?(https?:)?\/\//);
  });

  it('can be searched without a server', async () => {
    const index = (await readdir(join(site, 'assets'), { recursive: true })).find((name) =>
      name.includes('localSearchIndex'),
    );
    expect(await readFile(join(site, 'assets', index ?? 'no search index'), 'utf8')).toContain('pearson');
  });

  it('shows the dashboard as its own tests have seen it', async () => {
    const tests = await Promise.all(
      (await readdir(join(root, 'test', 'e2e'))).map((name) =>
        readFile(join(root, 'test/e2e', name), 'utf8'),
      ),
    );
    // Some names are put together there, and each picture is made in light and dark.
    const made = tests.flatMap((text) =>
      Array.from(
        text.matchAll(/\bsnap\(\w+, ['`]([^'`]+)['`]/g),
        ([, name = '']) => new RegExp(`^${name.replaceAll(/\$\{\w+\}/g, '\\w+')}(-dark)?\\.png$`),
      ),
    );
    const shown = (await readdir(join(root, 'docs', 'screenshots'))).filter(
      (name) => !BY_HAND.includes(name),
    );
    expect(shown.length).toBeGreaterThan(5);
    expect(shown.filter((name) => !made.some((pattern) => pattern.test(name)))).toEqual([]);
    const gallery = await readFile(join(root, 'docs', 'gallery.md'), 'utf8');
    expect(shown.filter((name) => !gallery.includes(`(screenshots/${name})`))).toEqual([]);
  });

  it('brings the notebooks along', () => {
    expect(existsSync(join(site, 'notebooks', 'from-fits-to-candidates.ipynb'))).toBe(true);
  });
});

describe('what is read in the repository', () => {
  it.each(['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'samples/README.md'])(
    '%s links to files that exist',
    async (name) => {
      const text = await readFile(join(root, name), 'utf8');
      const dead = Array.from(text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g), ([, link = '']) => link)
        .filter((link) => !/^[a-z]+:/.test(link))
        .filter((link) => !existsSync(join(root, dirname(name), posix.normalize(link))));
      expect(dead).toEqual([]);
    },
  );
});
