import type { Labelling } from '../../../contracts/labelling.ts';
import { parseCsv } from '../../components/csv.ts';

/** A spectrum that a network takes for a class searched for. */
export interface Candidate {
  key: string;
  filename: string;
  class: string;
  probability: number | undefined;
  label: string | undefined;
  labelledBy: string | undefined;
  designation?: string;
  /** [deg] */
  ra?: number;
  dec?: number;
}

/** @throws RangeError where the catalogue has no such column */
export function candidatesOfCatalogue(csv: string): Candidate[] {
  const [header = [], ...rows] = parseCsv(csv);
  const at = (name: string) => {
    const index = header.indexOf(name);
    if (index < 0) throw new RangeError(`catalogue.csv has no column ${name}`);
    return index;
  };
  const [filename, name, probability, label, by] = [
    at('filename'),
    at('class'),
    at('probability'),
    at('label'),
    at('labelled_by'),
  ];
  const [designation, ra, dec] = [at('designation'), at('ra'), at('dec')];
  const number = (text: string | undefined) => (text === undefined || text === '' ? undefined : Number(text));
  return rows.map((row, index) => {
    const [rightAscension, declination] = [number(row[ra]), number(row[dec])];
    return {
      // Two spectra may have one name.
      key: String(index),
      filename: row[filename] ?? '',
      class: row[name] ?? '',
      probability: number(row[probability]),
      label: row[label] || undefined,
      labelledBy: row[by] || undefined,
      ...(row[designation] ? { designation: row[designation] } : {}),
      ...(rightAscension === undefined ? {} : { ra: rightAscension }),
      ...(declination === undefined ? {} : { dec: declination }),
    };
  });
}

/** The candidates that an iteration lists at the bench, with the probability of the class that they are taken for. */
export function candidatesOfIteration(
  labellings: readonly Labelling[],
  iteration: number,
  classes: readonly string[],
): Candidate[] {
  return labellings
    .filter((one) => one.spectrum_set === 'CANDIDATE' && one.sequence_iteration === iteration)
    .map((one) => ({
      key: one.labelling_id,
      filename: one.spectrum_filename,
      class: one.model_prediction ?? '',
      probability: one.probabilities?.[classes.indexOf(one.model_prediction ?? '')],
      label: one.user_label,
      labelledBy: one.labelled_by,
    }));
}
