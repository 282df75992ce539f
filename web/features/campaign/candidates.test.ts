import { expect, it } from 'vitest';
import { candidatesOfCatalogue, candidatesOfIteration } from './candidates.ts';

it('reads the catalogue that a campaign leaves', () => {
  const csv = [
    'filename,designation,ra,dec,class,probability,label,labelled_by,iteration',
    'a.fits,"LAMOST J01, b",99.5,-27.25,double peak,0.99,other,Ada,3',
    'b.fits,,,,double peak,0.5,,,',
    '',
  ].join('\r\n');
  expect(candidatesOfCatalogue(csv)).toEqual([
    {
      key: '0',
      filename: 'a.fits',
      designation: 'LAMOST J01, b',
      ra: 99.5,
      dec: -27.25,
      class: 'double peak',
      probability: 0.99,
      label: 'other',
      labelledBy: 'Ada',
    },
    {
      key: '1',
      filename: 'b.fits',
      class: 'double peak',
      probability: 0.5,
      label: undefined,
      labelledBy: undefined,
    },
  ]);
  expect(() => candidatesOfCatalogue('filename\r\na.fits')).toThrow('no column class');
});
it('takes those of one iteration from its labellings', () => {
  const one = {
    labelling_id: '5f5b0f0e-2d0f-4b3c-9d52-111111111111',
    job_id: '5f5b0f0e-2d0f-4b3c-9d52-111111111112',
    spectrum_filename: 'a.fits',
    spectrum_set: 'CANDIDATE' as const,
    sequence_iteration: 2,
    model_prediction: 'double',
    probabilities: [0.1, 0.9],
  };
  const others = [
    { ...one, sequence_iteration: 1 },
    { ...one, spectrum_set: 'ORACLE' as const },
  ];
  expect(candidatesOfIteration([...others, one], 2, ['other', 'double'])).toMatchObject([
    { filename: 'a.fits', class: 'double', probability: 0.9 },
  ]);
});
