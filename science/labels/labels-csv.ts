import { NetworkError } from '../cnn/error.ts';

/**
 * Reads labels from a CSV (RFC 4180) whose first line names its columns: `filename` and `label` in any order, others are
 * passed over, and so are rows whose label is empty.
 * @returns label by filename
 * @throws NetworkError `bad-data`, with the line, where the text is no such table or a file has two labels
 */
export function parseLabelsCsv(text: string): Map<string, string> {
  const rows = csvRecords(text.startsWith('\uFEFF') ? text.slice(1) : text);
  const header = rows.next().value;
  const names = (header?.fields ?? []).map((name) => name.trim());
  const [filenameAt, labelAt] = [names.indexOf('filename'), names.indexOf('label')];
  if (filenameAt < 0 || labelAt < 0)
    throw new NetworkError(
      'bad-data',
      `The labels need a first line that names the columns filename and label, with a comma between; it is “${names.join()}”`,
    );
  const labels = new Map<string, string>();
  for (const { line, fields } of rows) {
    if (fields.length !== names.length)
      throw wrongLine(line, `${fields.length} values for ${names.length} columns`);
    const filename = fields[filenameAt]?.trim() ?? '';
    const label = fields[labelAt]?.trim() ?? '';
    if (filename === '') throw wrongLine(line, 'the filename is empty');
    if (label === '') continue;
    const before = labels.get(filename);
    if (before !== undefined && before !== label)
      throw wrongLine(line, `${filename} is labelled ${label}, and ${before} above`);
    labels.set(filename, label);
  }
  if (labels.size === 0) throw new NetworkError('bad-data', 'The table of labels has no row with a label');
  return labels;
}

export interface CsvRecord {
  /** On which it begins; the first is 1. */
  line: number;
  fields: string[];
}

/** Rows of a CSV text (RFC 4180) but for empty lines. @throws NetworkError `bad-data` where a quotation is wrong */
export function* csvRecords(text: string): Generator<CsvRecord, undefined> {
  let line = 1;
  let at = 0;
  while (at < text.length) {
    const record: CsvRecord = { line, fields: [] };
    for (let more = true; more;) {
      let value = '';
      if (text[at] === '"') {
        let end = at + 1;
        for (;;) {
          const quote = text.indexOf('"', end);
          if (quote < 0) throw wrongLine(record.line, 'a quotation mark is not closed');
          value += text.slice(end, quote);
          end = quote + 1;
          if (text[end] !== '"') break;
          value += '"';
          end++;
        }
        line += value.split('\n').length - 1;
        at = end;
        if (at < text.length && !/[,\r\n]/.test(text[at] ?? ''))
          throw wrongLine(line, 'there is text after a closing quotation mark');
      } else {
        const end = endOfField(text, at);
        value = text.slice(at, end);
        at = end;
      }
      record.fields.push(value);
      more = text[at] === ',';
      if (more) at++;
    }
    if (text[at] === '\r') at++;
    if (text[at] === '\n') at++;
    line++;
    if (record.fields.length > 1 || record.fields[0] !== '') yield record;
  }
  return undefined;
}

function endOfField(text: string, from: number): number {
  let end = from;
  while (end < text.length && text[end] !== ',' && text[end] !== '\r' && text[end] !== '\n') end++;
  return end;
}

function wrongLine(line: number, what: string): NetworkError {
  return new NetworkError('bad-data', `Line ${line} of the labels: ${what}`);
}
