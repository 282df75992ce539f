import { expect, it } from 'vitest';
import { dotsSvg, plotSvg, type SvgPlot } from './plot-svg.ts';

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

it('names several curves, with their dashes, and draws intervals of single values', () => {
  const [a] = plot.curves;
  const svg = plotSvg({
    ...plot,
    curves: a ? [a, { ...a, label: 'b', colour: '#999', dash: [7, 4] }] : [],
    bars: [{ band: { x: [20, 25], low: [1, null], high: [3, 3] }, colour: '#aaa' }],
  });
  expect(plotSvg(plot)).not.toContain('>a</text>');
  expect(svg).toContain('>b</text>');
  expect(svg.match(/stroke="#999"[^>]*stroke-dasharray="7 4"/g)).toHaveLength(3);
  expect(svg.match(/stroke="#aaa"/g)).toHaveLength(1);
});
it('draws discs', () => {
  const dots = [{ x: 1.234, y: 5, colour: '#bbb' }];
  const svg = dotsSvg({ title: 'A & B', width: 10, height: 20, radius: 2, ground: '#888', dots });
  expect(svg).toContain('<circle cx="1.23" cy="5" r="2" fill="#bbb"');
  expect(svg).toContain('<title>A &#38; B</title>');
});
