#!/usr/bin/env node
// npm run docs:pictures: draws the pictures of docs/preprocessing.md from the sample spectra, by the code that they explain.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { checkNode, ensureReady } from '../../bin/ensure-ready.mjs';

const root = new URL('../../', import.meta.url);
checkNode();
ensureReady(fileURLToPath(root));
const load = (path) => import(new URL(`dist/${path}`, root).href);
const { PreprocessingConfig } = await load('contracts/preprocessing.js');
const { planPreprocessing, preprocessSpectrum } = await load('science/preprocess/preprocess-spectrum.js');
const { readSpectrum } = await load('science/spectra/read-spectrum.js');

const A_STAR = 'dr1/spec-55862-B6212_sp06-114.fits.gz';
const M_DWARF = 'dr7/spec-58575-HD103621N361936B01_sp03-032.fits.gz';
const DEAD_WINDOW = 'dr1/spec-55862-B6212_sp06-117.fits.gz';
const MARKED_PIXELS = 'dr7/spec-58575-HD103621N361936B01_sp03-003.fits.gz';
const GALAXY = 'dr7/spec-58575-HD103621N361936B01_sp03-088.fits.gz';

const INK = '#334155';
const GREY = '#94a3b8';
const BLUE = '#1d4ed8';
const RED = '#c2410c';
const GREEN = '#15803d';

const spectrumOf = (path) => readSpectrum(readFileSync(new URL(`samples/spectra/${path}`, root)));

/** The file's own pixels from `from` to `to` [Å]. */
function pixelsOf(spectrum, from, to) {
  const [{ wavelengthAngstrom: wave, flux, bad }] = spectrum.arms;
  const points = [];
  for (const [i, x] of wave.entries())
    if (x >= from && x <= to) points.push({ x, y: flux[i], bad: bad[i] === 1 });
  return points;
}

/** A preprocessed row as points. */
function rowOf(spectrum, from, to, count, options = {}) {
  const plan = planPreprocessing(
    PreprocessingConfig.parse({
      data_dir_path: '/',
      wave_start_point: from,
      wave_end_point: to,
      wave_point_count: count,
      scaling: 'none',
      min_coverage: 0,
      ...options,
    }),
  );
  const row = new Float32Array(count);
  const result = preprocessSpectrum(spectrum, plan, row);
  if (!('quality' in result)) throw new Error(result.rejected);
  return Array.from(row, (y, i) => ({ x: plan.grid[i], y }));
}

const WIDTH = 760;
const HEIGHT = 300;
const BOX = { left: 66, right: WIDTH - 14, top: 40, bottom: HEIGHT - 46 };
const text = (x, y, content, more = '') =>
  `<text x="${x}" y="${y}" ${more}>${content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</text>`;
const short = (value) => String(Math.round(value * 10) / 10);

/** About `count` round numbers from `low` to `high`. */
function ticksBetween(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough) ?? rough;
  const ticks = [];
  for (let k = Math.ceil(low / step); k * step <= high; k++) ticks.push(k * step);
  return ticks;
}

/**
 * Writes one picture. A series has `points` and `draw`: `line` (not finite values interrupt it), `steps` (each value over
 * its bin), or `dots`. `bands` are shaded from one wavelength to another.
 */
function picture(name, { title, from, to, series, bands = [], yLabel = 'Flux, as in the file' }) {
  const shown = series.map((one) => ({ ...one, points: one.points.filter(({ x }) => x >= from && x <= to) }));
  const values = shown.flatMap(({ points }) => points.map(({ y }) => y)).filter(Number.isFinite);
  const spread = Math.max(...values) - Math.min(...values);
  const low = Math.min(...values) - 0.06 * spread;
  const high = Math.max(...values) + 0.06 * spread;
  const px = (x) => BOX.left + ((x - from) / (to - from)) * (BOX.right - BOX.left);
  const py = (y) => BOX.bottom - ((y - low) / (high - low)) * (BOX.bottom - BOX.top);
  const at = ({ x, y }) => `${short(px(x))} ${short(py(y))}`;

  const parts = bands.map(
    (band) =>
      `<rect x="${short(px(band.from))}" y="${BOX.top}" width="${short(px(band.to) - px(band.from))}" height="${BOX.bottom - BOX.top}" fill="#fde68a" opacity="0.6"/>`,
  );
  for (const x of ticksBetween(from, to, 8))
    parts.push(
      `<path d="M${short(px(x))} ${BOX.bottom}v5" stroke="${INK}"/>`,
      text(short(px(x)), BOX.bottom + 18, String(x), 'text-anchor="middle"'),
    );
  for (const y of ticksBetween(low, high, 5))
    parts.push(
      `<path d="M${BOX.left - 5} ${short(py(y))}h5" stroke="${INK}"/>`,
      text(BOX.left - 9, short(py(y) + 4), String(Number(y.toPrecision(6))), 'text-anchor="end"'),
    );
  for (const { points, draw = 'line', colour, width = 1.5, dash } of shown) {
    if (draw === 'dots') {
      const dots = points.filter(({ y }) => Number.isFinite(y));
      parts.push(
        `<g fill="${colour}">${dots.map((one) => `<circle cx="${short(px(one.x))}" cy="${short(py(one.y))}" r="${width}"/>`).join('')}</g>`,
      );
      continue;
    }
    let path = '';
    let pen = 'M';
    for (const [i, point] of points.entries()) {
      if (!Number.isFinite(point.y)) {
        pen = 'M';
        continue;
      }
      if (draw === 'steps') {
        const left = (point.x + (points[i - 1]?.x ?? point.x)) / 2;
        const right = (point.x + (points[i + 1]?.x ?? point.x)) / 2;
        path += `${pen}${at({ x: left, y: point.y })}L${at({ x: right, y: point.y })}`;
      } else path += `${pen}${at(point)}`;
      pen = 'L';
    }
    parts.push(
      `<path d="${path}" fill="none" stroke="${colour}" stroke-width="${width}" stroke-linejoin="round"${dash ? ` stroke-dasharray="${dash}"` : ''}/>`,
    );
  }
  let legend = BOX.left;
  for (const { label, draw = 'line', colour, dash } of [
    ...series,
    ...bands.filter(({ label }) => label).map(({ label }) => ({ label, draw: 'band' })),
  ]) {
    const swatch =
      draw === 'band'
        ? `<rect x="${legend}" y="${BOX.top - 15}" width="18" height="9" fill="#fde68a"/>`
        : draw === 'dots'
          ? `<circle cx="${legend + 9}" cy="${BOX.top - 10}" r="3" fill="${colour}"/>`
          : `<path d="M${legend} ${BOX.top - 10}h18" stroke="${colour}" stroke-width="2.5"${dash ? ` stroke-dasharray="${dash}"` : ''}/>`;
    parts.push(swatch, text(legend + 24, BOX.top - 6, label));
    legend += 44 + label.length * 6.8;
  }
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" font-family="system-ui,sans-serif" font-size="12" fill="${INK}">` +
    `<title>${title}</title><rect width="${WIDTH}" height="${HEIGHT}" rx="6" fill="#f8fafc"/>` +
    `<rect x="${BOX.left}" y="${BOX.top}" width="${BOX.right - BOX.left}" height="${BOX.bottom - BOX.top}" fill="#fff" stroke="${INK}"/>` +
    `${parts.join('')}${text((BOX.left + BOX.right) / 2, HEIGHT - 10, 'Wavelength [Å, vacuum]', 'text-anchor="middle"')}` +
    `${text(0, 0, yLabel, `text-anchor="middle" transform="translate(16 ${(BOX.top + BOX.bottom) / 2}) rotate(-90)"`)}</svg>\n`;
  writeFileSync(new URL(`${name}.svg`, import.meta.url), svg);
  console.log(`${name}.svg`, `${(svg.length / 1024).toFixed(1)} KB`);
}

const star = spectrumOf(A_STAR);
const dwarf = spectrumOf(M_DWARF);
const pixels = (points) => ({ label: 'pixels of the file', points, draw: 'dots', colour: GREY, width: 2 });

const level = (points, y) => points.map(({ x }) => ({ x, y }));
picture('grid', {
  title: 'Forty grid points, in equal steps of wavelength or of its logarithm',
  from: 3850,
  to: 8950,
  series: [
    {
      label: 'spectrum',
      points: rowOf(star, 3900, 8900, 300, { interpolation: 'flux_conserving' }),
      colour: GREY,
      width: 1,
    },
    {
      label: 'grid: linear',
      points: level(rowOf(star, 3900, 8900, 40), -100),
      draw: 'dots',
      colour: BLUE,
      width: 3.5,
    },
    {
      label: 'grid: log, also of 40 points',
      points: level(rowOf(star, 3900, 8900, 40, { grid: 'log' }), -350),
      draw: 'dots',
      colour: RED,
      width: 3.5,
    },
  ],
});

picture('interpolation', {
  title: 'A grid of 20 Å steps, linear and flux-conserving',
  from: 4760,
  to: 4980,
  series: [
    { label: 'spectrum', points: pixelsOf(dwarf, 4750, 4990), colour: GREY, width: 1.2 },
    { label: 'linear', points: rowOf(dwarf, 4700, 5040, 18), draw: 'dots', colour: RED, width: 4 },
    {
      label: 'flux_conserving: mean over each bin',
      points: rowOf(dwarf, 4700, 5040, 18, { interpolation: 'flux_conserving' }),
      draw: 'steps',
      colour: BLUE,
      width: 2,
    },
  ],
});

picture('smoothing', {
  title: 'A spectrum smoothed to lower resolution',
  from: 4800,
  to: 5300,
  series: [
    { label: 'spectrum (R = 1800)', points: rowOf(dwarf, 4800, 5300, 330), colour: GREY, width: 1 },
    {
      label: 'resolution_to: 500',
      points: rowOf(dwarf, 4800, 5300, 150, { resolution_from: 1800, resolution_to: 500 }),
      colour: BLUE,
      width: 2,
    },
    {
      label: 'smoothing_sigma: 15',
      points: rowOf(dwarf, 4800, 5300, 150, { smoothing_sigma: 15 }),
      colour: RED,
      width: 2,
    },
  ],
});

const marked = spectrumOf(MARKED_PIXELS);
const badRange = [6690, 6760];
const markedPixels = pixelsOf(marked, ...badRange);
const run = markedPixels.filter(({ bad }) => bad);
const runBand = { from: run[0].x - 0.8, to: run[run.length - 1].x + 0.8 };
picture('max_gap', {
  title: 'Six bad pixels in a row: bridged, or not',
  from: runBand.from - 25,
  to: runBand.to + 25,
  bands: [{ ...runBand, label: `${run.length} bad pixels` }],
  series: [
    pixels(markedPixels),
    { label: 'max_gap: 6', points: rowOf(marked, ...badRange, 240, { max_gap: 6 }), colour: GREEN },
    { label: 'max_gap: 5', points: rowOf(marked, ...badRange, 240), colour: RED, dash: '5 3' },
  ],
});

const dead = spectrumOf(DEAD_WINDOW);
const [{ wavelengthAngstrom: deadWave, bad: deadBad }] = dead.arms;
const goodAt = (index, step) => {
  let i = index;
  while (deadBad[i] !== 0) i += step;
  return deadWave[i];
};
const inWindow = deadWave.findIndex((x) => x > 6600);
const hole = { from: goodAt(inWindow, -1), to: goodAt(inWindow, 1) };
const deadRange = [hole.from - 350, Math.min(8900, hole.to + 350)];
picture('bad_pixels', {
  title: 'A spectrum with a long run of bad pixels',
  from: deadRange[0],
  to: deadRange[1],
  bands: [{ ...hole, label: 'marked bad, not bridged' }],
  series: [
    { label: 'keep', points: rowOf(dead, ...deadRange, 300, { bad_pixels: 'keep' }), colour: RED, width: 1 },
    { label: 'interpolate, outside: edge', points: rowOf(dead, ...deadRange, 300), colour: BLUE, width: 2 },
  ],
});

const lastAngstrom = star.arms[0].wavelengthAngstrom[star.arms[0].bad.lastIndexOf(0)];
const beyond = [lastAngstrom - 300, lastAngstrom + 150];
picture('outside', {
  title: 'Grid points beyond the data',
  from: beyond[0],
  to: beyond[1],
  bands: [{ from: lastAngstrom, to: beyond[1], label: 'beyond the good pixels' }],
  series: [
    { label: 'outside: edge', points: rowOf(star, ...beyond, 300), colour: RED, dash: '5 3' },
    {
      label: 'outside: nan',
      points: rowOf(star, ...beyond, 300, { outside: 'nan' }),
      colour: BLUE,
      width: 2,
    },
  ],
});

picture('medium', {
  title: 'The same file, its wavelengths taken for vacuum or for air',
  from: 6520,
  to: 6610,
  series: [
    {
      label: 'medium: vacuum',
      points: rowOf(star, 6515, 6615, 200, { medium: 'vacuum' }),
      colour: BLUE,
      width: 2,
    },
    {
      label: 'medium: air (1.8 Å further)',
      points: rowOf(star, 6515, 6615, 200, { medium: 'air' }),
      colour: RED,
    },
  ],
});

const galaxy = spectrumOf(GALAXY);
picture('rest_frame', {
  title: `A galaxy as observed and in its rest frame`,
  from: 3600,
  to: 8800,
  bands: [4862.7, 6564.6].map((x, i) => ({
    from: x - 12,
    to: x + 12,
    ...(i ? { label: 'Hβ, Hα at rest' } : {}),
  })),
  series: [
    {
      label: 'as observed',
      points: rowOf(galaxy, 3900, 8800, 350, { interpolation: 'flux_conserving' }),
      colour: GREY,
    },
    {
      label: `rest_frame (z = ${galaxy.metadata.z})`,
      points: rowOf(galaxy, 3700, 8200, 350, { interpolation: 'flux_conserving', rest_frame: true }),
      colour: BLUE,
    },
  ],
});

// No sample has a hit that is as clear as this, so one is added.
const struck = spectrumOf(A_STAR);
const [{ wavelengthAngstrom: struckWave, flux: struckFlux }] = struck.arms;
struckFlux[struckWave.findIndex((x) => x > 6640)] *= 1.3;
picture('despike', {
  title: 'A single-pixel hit taken out; the line stays',
  from: 6530,
  to: 6680,
  series: [
    { label: 'with a hit added', points: pixelsOf(struck, 6520, 6690), colour: RED },
    { label: 'despike', points: rowOf(struck, 6520, 6690, 200, { despike: true }), colour: BLUE, width: 2 },
  ],
});

picture('scaling', {
  title: 'One row, scaled in three ways',
  from: 6519,
  to: 6732,
  yLabel: 'Scaled flux',
  series: [
    { label: 'minmax', points: rowOf(star, 6519, 6732, 140, { scaling: 'minmax' }), colour: BLUE },
    { label: 'minmax01', points: rowOf(star, 6519, 6732, 140, { scaling: 'minmax01' }), colour: GREEN },
    { label: 'zscore', points: rowOf(star, 6519, 6732, 140, { scaling: 'zscore' }), colour: RED },
  ],
});

const wide = [3900, 8900, 350];
const flux = rowOf(star, ...wide, { interpolation: 'flux_conserving' });
const normalised = rowOf(star, ...wide, { interpolation: 'flux_conserving', scaling: 'continuum' });
const continuum = flux.map(({ x, y }, i) => ({ x, y: y / normalised[i].y }));
const highest = Math.max(...continuum.map(({ y }) => y));
picture('continuum', {
  title: 'A spectrum, its fitted continuum, and one divided by the other',
  from: 3900,
  to: 8900,
  yLabel: 'Flux (scaled) and ratio',
  series: [
    {
      label: 'spectrum',
      points: flux.map(({ x, y }) => ({ x, y: 1.3 + y / highest })),
      colour: GREY,
      width: 1,
    },
    {
      label: 'fitted continuum',
      points: continuum.map(({ x, y }) => ({ x, y: 1.3 + y / highest })),
      colour: RED,
      width: 2,
    },
    { label: 'scaling: continuum', points: normalised, colour: BLUE, width: 1 },
  ],
});
