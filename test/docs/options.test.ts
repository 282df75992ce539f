import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ActiveLearningConfig } from '../../contracts/active-learning.ts';
import { PoolCuts } from '../../contracts/cuts.ts';
import { Environment } from '../../contracts/environment.ts';
import { PreprocessingConfig } from '../../contracts/preprocessing.ts';
import { TrainingConfig } from '../../contracts/training.ts';

// The tables of options are written by hand, for they explain. Here they are held against the schemas: every key, every
// default, every value that a key may have.

interface Schema {
  $ref?: string;
  $defs?: Record<string, Schema>;
  properties?: Record<string, Schema>;
  default?: unknown;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  items?: Schema | boolean;
}
const Schema: z.ZodType<Schema> = z.lazy(() =>
  z.object({
    $ref: z.string().optional(),
    $defs: z.record(z.string(), Schema).optional(),
    properties: z.record(z.string(), Schema).optional(),
    default: z.unknown().optional(),
    enum: z.array(z.unknown()).optional(),
    const: z.unknown().optional(),
    anyOf: z.array(Schema).optional(),
    oneOf: z.array(Schema).optional(),
    items: z.union([Schema, z.boolean()]).optional(),
  }),
);

interface Option {
  name: string;
  default: unknown;
  /** Names of keys below it, and the words that it or they may be. */
  words: string[];
}

/** What a JSON object of this schema may hold, as people write it. */
function optionsOf(schema: z.ZodType): Option[] {
  const root = Schema.parse(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));
  const resolved = (one: Schema): Schema =>
    (one.$ref && root.$defs?.[one.$ref.replace('#/$defs/', '')]) || one;
  const wordsOf = (given: Schema): string[] => {
    const one = resolved(given);
    const below = [
      ...(one.anyOf ?? []),
      ...(one.oneOf ?? []),
      ...(typeof one.items === 'object' ? [one.items] : []),
    ];
    return [
      ...[...(one.enum ?? []), one.const].filter((word) => typeof word === 'string' && word !== ''),
      ...Object.entries(one.properties ?? {}).flatMap(([key, value]) => [key, ...wordsOf(value)]),
      ...below.flatMap(wordsOf),
    ].map(String);
  };
  /** Defaults below a default that is an object are part of it. */
  const filled = (one: Schema, value: unknown = one.default): unknown =>
    typeof value === 'object' && value !== null && one.properties
      ? {
          ...Object.fromEntries(Object.entries(one.properties).map(([key, below]) => [key, below.default])),
          ...value,
        }
      : value;
  return Object.entries(resolved(root).properties ?? {}).map(([name, value]) => ({
    name,
    default: filled(resolved(value), value.default),
    words: wordsOf(value),
  }));
}

interface Row {
  names: string[];
  /** By the table's head, in lower case. */
  cells: Record<string, string>;
}

const page = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../docs/${name}`, import.meta.url)), 'utf8');
/** Of `code` and of blocks of JSON. */
function wordsInCode(text: string): Set<string> {
  const blocks = text.match(/^```json\n[\s\S]*?^```$/gm) ?? [];
  const prose = text.replaceAll(/^```[\s\S]*?^```$/gm, '');
  return new Set([...inCode(prose), ...blocks].join(' ').match(/[\w.:]+/g));
}
const inCode = (text: string): string[] => Array.from(text.matchAll(/`([^`]+)`/g), ([, code = '']) => code);

/** The rows of all tables of a text whose first column is called `head`. */
function rowsOf(text: string, head: string): Row[] {
  const rows: Row[] = [];
  let columns: string[] | undefined;
  for (const line of text.split('\n')) {
    const cells = line.startsWith('|')
      ? line
          .split(/(?<!\\)\|/)
          .slice(1, -1)
          .map((cell) => cell.trim())
      : undefined;
    if (!cells) columns = undefined;
    else if (!columns) columns = cells.map((cell) => cell.toLowerCase());
    else if (columns[0] === head && !/^-+$/.test(cells[0] ?? ''))
      rows.push({
        names: inCode(cells[0] ?? ''),
        cells: Object.fromEntries(columns.map((column, i) => [column, cells[i] ?? ''])),
      });
  }
  return rows;
}

/** A section of a page, from its heading to the next of the same level or above. */
function section(text: string, heading: string): string {
  const [level = ''] = /^#+/.exec(heading) ?? [];
  const from = text.indexOf(`\n${heading}\n`);
  if (from < 0) throw new Error(`there is no ${heading}`);
  const rest = text.slice(from + heading.length + 2);
  const end = rest.search(new RegExp(`^#{1,${level.length}} `, 'm'));
  return end < 0 ? rest : rest.slice(0, end);
}

const asWritten = (value: unknown): string[] =>
  typeof value === 'number'
    ? [String(value), value.toLocaleString('en')]
    : [`\`${typeof value === 'string' ? value : JSON.stringify(value).replaceAll(/([:,])/g, '$1 ')}\``];

const CASES: { page: string; heading: string; head?: string; schema: z.ZodType; linked?: string[] }[] = [
  { page: 'preprocessing.md', heading: '## Configuration', schema: PreprocessingConfig },
  // Long defaults stand in a section of their own, which the cell links to.
  {
    page: 'training.md',
    heading: '## Options',
    schema: TrainingConfig,
    linked: ['network', 'fitting'],
  },
  { page: 'training.md', heading: '### Fitting', schema: TrainingConfig.shape.fitting.unwrap() },
  {
    page: 'active-learning.md',
    heading: '## Configuration',
    schema: ActiveLearningConfig,
    linked: ['network'],
  },
  { page: 'catalogue.md', heading: '## Which spectra: `cuts`', schema: PoolCuts },
  { page: 'configuration.md', heading: '## Variables', head: 'variable', schema: Environment },
];

describe.each(CASES)('$page, $heading', ({ page: name, heading, head = 'key', schema, linked = [] }) => {
  const text = page(name);
  // TRAINING's own options and those of its fitting share a section.
  const rows = rowsOf(section(text, heading).split('\n### ')[0] ?? '', head);
  const options = optionsOf(schema);
  const documented = rows.flatMap(({ names }) => names);

  it('names every option, and no other', () => {
    expect(options.length).toBeGreaterThan(5);
    expect(documented.sort()).toEqual(options.map((option) => option.name).sort());
  });

  it('gives every default', () => {
    const wrong = options.filter(({ name: key, default: value }) => {
      const { default: cell } = rows.find(({ names }) => names.includes(key))?.cells ?? {};
      // The table of cuts tells defaults among the values.
      if (cell === undefined) return false;
      if (linked.includes(key)) return !/^\[.+\]\(.+\)$/.test(cell);
      return value !== undefined && !asWritten(value).some((written) => cell.includes(written));
    });
    expect(wrong).toEqual([]);
  });

  it('names every value that an option may have, and every key below it', () => {
    const told = wordsInCode(page(name) + page('training.md') + page('catalogue.md'));
    const untold = options.map(({ name: key, words }) => [key, words.filter((word) => !told.has(word))]);
    expect(untold.filter(([, words]) => words?.length)).toEqual([]);
  });
});

const Keys = z.array(z.tuple([z.string(), z.string()]));
const Shortcuts = z.object({ shortcuts: z.object({ global: Keys, pages: z.strictObject({ label: Keys }) }) });

it.each([
  { page: 'dashboard.md', heading: '## Keys', where: 'global' as const },
  { page: 'labelling.md', heading: '## The bench', where: 'label' as const },
])('$page names every key of the dashboard ($where)', async ({ page: name, heading, where }) => {
  // The dashboard is compiled for browsers, by itself: its texts are read as a browser's program reads them.
  const path: string = '../../web/texts/shell.ts';
  const { global, pages } = Shortcuts.parse(await import(path)).shortcuts;
  const keys = { global, label: pages.label }[where].flatMap(([key]) => key.split(/ or | – | /));
  const told = rowsOf(section(page(name), heading), 'key').flatMap(({ names }) => names.join(' ').split(' '));
  expect(keys.length).toBeGreaterThan(5);
  expect(keys.filter((key) => !told.includes(key))).toEqual([]);
});
