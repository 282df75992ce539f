/** One line of a scrape. */
export interface Sample {
  /** As it is written, `_bucket` and its like included. */
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}
export type MetricType = 'counter' | 'gauge' | 'histogram' | 'summary' | 'untyped';
export interface Family {
  type: MetricType;
  help: string;
  samples: Sample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"(,|$)/y;
const NUMBER = /^([+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]Inf|NaN)$/;
const SUFFIXES: Readonly<Record<MetricType, readonly string[]>> = {
  counter: [''],
  gauge: [''],
  untyped: [''],
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
};

/**
 * Reads Prometheus' text format 0.0.4 more strictly than Prometheus does: each family has its help and its type before its
 * samples, all in one place; no sample comes twice; the buckets of a histogram rise, and its last one holds all.
 * @throws Error with the line that is wrong
 */
export function readPrometheusText(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  let current: { name: string; help: string } | undefined;
  const seen = new Set<string>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const fail = (why: string): never => {
      throw new Error(`${why}: ${line}`);
    };
    const [, what, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line) ?? [];
    if (what === 'HELP') {
      if (!NAME.test(name) || families.has(name)) fail('a wrong or repeated family');
      current = { name, help: rest };
    } else if (what === 'TYPE') {
      if (current?.name !== name) throw new Error(`a type without its help before it: ${line}`);
      families.set(name, { type: typeOf(rest) ?? fail('no such type'), help: current.help, samples: [] });
    } else {
      const [, sample = '', labelText = '', value = ''] = SAMPLE.exec(line) ?? fail('not a sample');
      const family = families.get(current?.name ?? '');
      if (!family || current === undefined) throw new Error(`a sample outside of a family: ${line}`);
      const { name: familyName } = current;
      if (!SUFFIXES[family.type].some((suffix) => sample === familyName + suffix))
        fail(`a sample that is not of ${familyName}`);
      if (!NUMBER.test(value)) fail('not a number');
      const labels = readLabels(labelText) ?? fail('wrong labels');
      const key = JSON.stringify([sample, Object.entries(labels).sort()]);
      if (seen.has(key)) fail('a sample for the second time');
      seen.add(key);
      family.samples.push({ name: sample, labels, value: numberOf(value) });
    }
  }
  for (const [name, family] of families)
    if (family.type === 'histogram') checkHistogram(name, family.samples);
  return families;
}

function typeOf(text: string): MetricType | undefined {
  const types: readonly MetricType[] = ['counter', 'gauge', 'histogram', 'summary', 'untyped'];
  return types.find((type) => type === text);
}

function numberOf(text: string): number {
  return text.endsWith('Inf') ? (text.startsWith('-') ? -Infinity : Infinity) : Number(text);
}

function readLabels(text: string): Record<string, string> | undefined {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const [, name, value] = LABEL.exec(text) ?? [];
    if (name === undefined || value === undefined || name in labels) return undefined;
    labels[name] = value.replaceAll(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter));
  }
  return labels;
}

function checkHistogram(name: string, samples: readonly Sample[]): void {
  const series = new Map<string, Sample[]>();
  for (const sample of samples) {
    const labels = Object.entries(sample.labels).filter(([label]) => label !== 'le');
    const key = JSON.stringify(labels.sort());
    series.set(key, [...(series.get(key) ?? []), sample]);
  }
  for (const [labels, of] of series) {
    const buckets = of.filter((sample) => sample.name === `${name}_bucket`);
    const count = of.find((sample) => sample.name === `${name}_count`);
    const bounds = buckets.map((bucket) => numberOf(bucket.labels['le'] ?? 'NaN'));
    const rising = bounds.every((bound, i) => i === 0 || bound > (bounds[i - 1] ?? NaN));
    const counting = buckets.every(({ value }, i) => i === 0 || value >= (buckets[i - 1]?.value ?? NaN));
    if (!rising || !counting || bounds.at(-1) !== Infinity || buckets.at(-1)?.value !== count?.value)
      throw new Error(`the buckets of ${name}${labels} are not right`);
  }
}
