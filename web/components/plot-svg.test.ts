import { expect, it } from 'vitest';
import { plotSvg, type SvgPlot } from './plot-svg.ts';

const plot: SvgPlot = {
  title: 'A & B',
  x: { min: 10, max: 30 },
  y: { min: 0, max: 4 },
  xLabel: 'Wavelength',
  yLabel: 'Flux <F>',
  curves: [
    {
      label: 'a',
      curve: { x: [0, 10, 20, 25, 30, 40, 50], y: [1, 1, 2, null, 3, 3, 3] },
      colour: '#111',
      width: 1,
    },
  ],
  bands: [{ band: { x: [10, 20], low: [1, 1], high: [2, 2] }, colour: '#222' }],
  shades: [
    { shade: { from: 20, to: 30, kind: 'bad' }, colour: '#333' },
    { shade: { from: 90, to: 99, kind: 'bad' }, colour: '#444' },
  ],
  marks: [
    { at: 20, name: 'Hα', colour: '#555' },
    { at: 99, name: 'far', colour: '#555' },
  ],
  colours: { text: '#666', grid: '#777', ground: '#888' },
};

it('draws what is seen: a path for each stretch without a gap, marks and shades within the range', () => {
  const svg = plotSvg(plot);
  expect(svg.match(/stroke="#111"/g)).toHaveLength(2);
  // From the point before the range: 0, 10 and 20; after the gap 30 and the one behind it.
  expect(svg).toContain('d="M-358,325L76,325L510,222"');
  expect(svg).toContain('>Hα</text>');
  expect(svg).not.toContain('far');
  expect(svg).not.toContain('#444');
  expect(svg).toContain('<title>A &#38; B</title>');
  expect(svg).toContain('Flux &#60;F&#62;');
});
