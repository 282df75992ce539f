import type { RouteLocationRaw } from 'vue-router';
import type { JobPage } from '../../../contracts/job.ts';
import type { CataloguePage } from '../../../contracts/spectrum.ts';
import { segmentsOf } from '../../paths.ts';
import { texts } from '../../texts.ts';

/** As many of a kind are listed; a line leads to all of them. */
export const LISTED = 6;

export interface Found {
  key: string;
  title: string;
  /** What tells it from others of its name. */
  detail: string;
  to: RouteLocationRaw;
}
export interface FoundGroup {
  title: string;
  found: Found[];
}

export const PAGES: readonly { title: string; to: string; words: string }[] = [
  { title: texts.home.title, to: '/', words: 'start' },
  { title: texts.nav.jobs, to: '/jobs', words: 'runs' },
  { title: texts.newJob.title, to: '/jobs/new', words: 'create preprocess train campaign' },
  { title: texts.nav.spectra, to: '/spectra', words: 'catalogue fits' },
  { title: texts.nav.files, to: '/files', words: 'upload download' },
  { title: texts.nav.workers, to: '/workers', words: 'queues gpu tensorflow' },
];

/** What there is for some words, by kind; kinds without anything are left out. */
export function groupsOf(
  words: string,
  jobs: Pick<JobPage, 'jobs' | 'total'> | undefined,
  spectra: Pick<CataloguePage, 'spectra' | 'total'> | undefined,
): FoundGroup[] {
  const wanted = words.trim().toLowerCase();
  const all = (count: number, what: string, to: RouteLocationRaw): Found[] =>
    count > LISTED ? [{ key: `all ${what}`, title: texts.search.all(count, what), detail: '', to }] : [];
  const query = { q: words.trim() };
  const groups: FoundGroup[] = [
    {
      title: texts.search.pages,
      found: PAGES.filter((page) => `${page.title} ${page.words}`.toLowerCase().includes(wanted)).map(
        ({ title, to }) => ({ key: to, title, detail: '', to }),
      ),
    },
    {
      title: texts.search.jobs,
      found: [
        ...(jobs?.jobs ?? []).map((job) => ({
          key: job.job_id,
          title: job.label,
          detail: `${texts.jobTypes[job.type]}, ${texts.phases[job.phase]}`,
          to: { name: 'job', params: { id: job.job_id } },
        })),
        ...all(jobs?.total ?? 0, texts.search.jobs, { path: '/jobs', query }),
      ],
    },
    {
      title: texts.search.spectra,
      found: [
        ...(spectra?.spectra ?? []).map((spectrum) => ({
          key: spectrum.path,
          title: spectrum.filename,
          detail: [spectrum.targetname, spectrum.type, spectrum.subtype].filter(Boolean).join(', '),
          to: { name: 'spectrum', params: { path: segmentsOf(spectrum.path) } },
        })),
        ...all(spectra?.total ?? 0, texts.search.spectra, { path: '/spectra', query }),
      ],
    },
  ];
  return groups.filter(({ found }) => found.length > 0);
}
