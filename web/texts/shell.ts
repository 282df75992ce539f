import { formatCount } from '../format.ts';

/** Texts of the shell: search, and the help about keys. */
export const search = {
  open: 'Search',
  openHelp: 'Search jobs and spectra (/ or Ctrl K)',
  title: 'Search',
  field: 'Jobs, spectra and pages',
  pages: 'pages',
  jobs: 'jobs',
  spectra: 'spectra',
  all: (count: number, what: string) => `All ${formatCount(count)} ${what}`,
  empty: 'Type a part of a job’s label or id, or of a spectrum’s file name or designation.',
  none: 'Nothing is called so. A part of the name is enough.',
  keys: '↑ ↓ choose, Enter opens, Escape closes',
  results: 'Results',
};

export const shortcuts = {
  title: 'Keys',
  close: 'Close',
  switch: 'Single keys do something',
  switchHelp: 'Off: only Ctrl K, Tab, Enter and the arrows in plots work.',
  everywhere: 'Everywhere',
  here: 'On this page',
  /** For keys that a page has of its own, by the name of its route. */
  pages: {
    label: [
      ['1 – 9', 'Give the class, and go on to the next open spectrum'],
      ['⇧1 – ⇧9', 'The same from the tenth class on'],
      ['Enter', 'Accept what the network predicts'],
      ['?', 'Unsure'],
      ['s', 'Skip'],
      ['u', 'Undo the last answer'],
      ['c', 'Comment'],
      ['← →', 'Spectrum before, spectrum after'],
      ['n', 'Next spectrum without an answer'],
      ['z x', 'Zoom to the next line, to the one before'],
      ['0', 'Show everything'],
      ['l', 'Lines on and off'],
      ['. ,', 'Smooth more, smooth less'],
      ['y', 'Cut outliers off, or show them'],
      ['r', 'Raw spectrum on and off'],
      ['m', 'Similar spectra on and off'],
      ['b', 'Blind: hide what the network says'],
    ],
  } as Record<string, readonly (readonly [string, string])[]>,
  global: [
    ['/ or Ctrl K', 'Search jobs and spectra'],
    ['g h', 'Home'],
    ['g j', 'Jobs'],
    ['g s', 'Spectra'],
    ['g f', 'Files'],
    ['g w', 'Workers'],
    ['t', 'Light or dark'],
  ] as readonly (readonly [string, string])[],
  help: '?',
  /** Where a page has another use for it. */
  helpHere: 'h',
  helpText: 'These keys',
};
