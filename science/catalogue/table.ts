/** A column of a catalogue. `float` is float32, `int` is int32. */
export interface CatalogueColumn<Row> {
  name: string;
  type: 'text' | 'double' | 'float' | 'int';
  /** As VOTable and FITS write it. */
  unit?: string;
  /** Unified Content Descriptor (IVOA UCD1+ 1.5): what the column means, for programs. */
  ucd: string;
  description: string;
  /** Absent, or a number that is not finite: there is no value. */
  value(row: Row): string | number | undefined;
}

export interface CatalogueTable<Row> {
  name: string;
  description: string;
  columns: readonly CatalogueColumn<Row>[];
}

/** Rows, once from the first to the last at each call: FITS needs to know how wide they are before it writes one. */
export type CatalogueRows<Row> = () => AsyncIterable<Row> | Iterable<Row>;

/** What a catalogue says of itself. */
export interface CatalogueMetadata {
  /** Absent where no job made it. */
  jobId?: string;
  /** Name and version of what made it. */
  software: string;
  /** In the order of the candidate classes. */
  precision: readonly CataloguePrecision[];
  /** To be quoted by who uses the catalogue; a paragraph each. */
  acknowledgements: readonly string[];
  /** What holds for every row. */
  parameters?: readonly CatalogueParameter[];
}

/** A value that holds for every row of a table. */
export interface CatalogueParameter extends Pick<
  CatalogueColumn<never>,
  'name' | 'type' | 'unit' | 'ucd' | 'description'
> {
  /** Of its card in a FITS header: at most 8 characters. */
  keyword: string;
  value: string | number;
}

/** How many of the rows of a class are right, from a sample that people labelled. */
export interface CataloguePrecision {
  class: string;
  /** Size of the sample, and how many of it are right. */
  n: number;
  right: number;
  /** Absent where n is 0. */
  precision?: number;
  lower: number;
  upper: number;
  /** How often such bounds hold the true share, 0 … 1. */
  confidence: number;
  /** How the sample came to be and how the bounds were computed. */
  method: string;
}

/** A spectrum of the catalogue of candidates. */
export interface CandidateRow {
  filename: string;
  designation?: string | undefined;
  /** ICRS [deg] */
  ra?: number | undefined;
  dec?: number | undefined;
  /** Predicted by the last network. */
  class: string;
  /** Of this class, as the network gives it. */
  probability?: number | undefined;
  /** Newest label of a person. */
  label?: string | undefined;
  labelled_by?: string | undefined;
  /** In which it was labelled. */
  iteration?: number | undefined;
}

/** An object of the catalogue of objects. */
export interface ObjectRow extends Omit<CandidateRow, 'filename'> {
  n_spectra: number;
  /** Their filenames, a semicolon between. */
  spectra: string;
}

const UNCALIBRATED =
  'as the network gives it: not calibrated, for the training set holds more of the rare classes than the sky';

function sharedColumns<Row extends Omit<CandidateRow, 'filename'>>(): CatalogueColumn<Row>[] {
  return [
    {
      name: 'designation',
      type: 'text',
      ucd: 'meta.id',
      description: 'Designation of the object',
      value: (row) => row.designation,
    },
    {
      name: 'ra',
      type: 'double',
      unit: 'deg',
      ucd: 'pos.eq.ra;meta.main',
      description: 'Right ascension (ICRS)',
      value: (row) => row.ra,
    },
    {
      name: 'dec',
      type: 'double',
      unit: 'deg',
      ucd: 'pos.eq.dec;meta.main',
      description: 'Declination (ICRS)',
      value: (row) => row.dec,
    },
    {
      name: 'class',
      type: 'text',
      ucd: 'src.class',
      description: 'Class predicted by the network',
      value: (row) => row.class,
    },
    {
      name: 'probability',
      type: 'float',
      ucd: 'stat.probability',
      description: `Probability of this class, ${UNCALIBRATED}`,
      value: (row) => row.probability,
    },
    {
      name: 'label',
      type: 'text',
      ucd: 'src.class',
      description: 'Class given by a person, the newest one; empty where nobody looked',
      value: (row) => row.label,
    },
    {
      name: 'labelled_by',
      type: 'text',
      ucd: 'meta.note',
      description: 'Who gave the label',
      value: (row) => row.labelled_by,
    },
    {
      name: 'iteration',
      type: 'int',
      ucd: 'meta.number',
      description: 'Iteration of the active learning in which the label was given, from 0',
      value: (row) => row.iteration,
    },
  ];
}

/** A row a spectrum. */
export const CANDIDATE_TABLE: CatalogueTable<CandidateRow> = {
  name: 'candidates',
  description: 'Spectra predicted as one of the candidate classes',
  columns: [
    {
      name: 'filename',
      type: 'text',
      ucd: 'meta.id;meta.file;meta.main',
      description: 'Name of the spectrum',
      value: (row) => row.filename,
    },
    ...sharedColumns<CandidateRow>(),
  ],
};

/** A row an object. */
export const OBJECT_TABLE: CatalogueTable<ObjectRow> = {
  name: 'objects',
  description: 'Objects with a spectrum predicted as one of the candidate classes',
  columns: [
    ...sharedColumns<ObjectRow>(),
    {
      name: 'n_spectra',
      type: 'int',
      ucd: 'meta.number',
      description: 'Number of the spectra of the object in this catalogue',
      value: (row) => row.n_spectra,
    },
    {
      name: 'spectra',
      type: 'text',
      ucd: 'meta.id;meta.file',
      description: 'Names of these spectra, the most probable first, a semicolon between them',
      value: (row) => row.spectra,
    },
  ],
};
