import { escapeXml } from '../xml/escape.ts';
import { textOf, valueText } from './csv.ts';
import type { CatalogueMetadata, CatalogueParameter, CatalogueRows, CatalogueTable } from './table.ts';

const DATATYPES = {
  // `char` is ASCII in VOTable 1.4; names of people and classes are not.
  text: 'datatype="unicodeChar" arraysize="*"',
  double: 'datatype="double"',
  float: 'datatype="float"',
  int: 'datatype="int"',
} as const;

/** A catalogue as VOTable 1.4 (IVOA Recommendation, 2019), TABLEDATA; a cell without a value is empty. */
export async function* votableOf<Row>(
  table: CatalogueTable<Row>,
  metadata: CatalogueMetadata,
  rows: CatalogueRows<Row>,
): AsyncGenerator<string> {
  yield head(table, metadata);
  for await (const row of rows())
    yield `<TR>${table.columns.map((column) => `<TD>${escapeXml(textOf(column, row))}</TD>`).join('')}</TR>\n`;
  yield '</TABLEDATA></DATA>\n</TABLE>\n</RESOURCE>\n</VOTABLE>\n';
}

function head<Row>(table: CatalogueTable<Row>, metadata: CatalogueMetadata): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">',
    '<RESOURCE type="results">',
    `<DESCRIPTION>${escapeXml(table.description)}</DESCRIPTION>`,
    ...(metadata.jobId === undefined ? [] : [`<INFO name="job_id" value="${escapeXml(metadata.jobId)}"/>`]),
    `<INFO name="software" value="${escapeXml(metadata.software)}"/>`,
    ...metadata.acknowledgements.map((text) => `<INFO name="acknowledgement" value="${escapeXml(text)}"/>`),
    '<COOSYS ID="icrs" system="ICRS"/>',
    ...metadata.precision.flatMap((estimate, i) => [
      `<GROUP name="precision_${i + 1}">`,
      '<DESCRIPTION>Share of the rows of a class that are right, from a sample that people labelled</DESCRIPTION>',
      textParameter('class', estimate.class, 'src.class'),
      numberParameter('n', 'int', estimate.n, 'meta.number'),
      numberParameter('right', 'int', estimate.right, 'meta.number'),
      ...(estimate.precision === undefined
        ? []
        : [numberParameter('precision', 'double', estimate.precision, 'stat.probability')]),
      numberParameter('lower', 'double', estimate.lower, 'stat.probability;stat.min'),
      numberParameter('upper', 'double', estimate.upper, 'stat.probability;stat.max'),
      numberParameter('confidence', 'double', estimate.confidence, 'stat.confidenceLevel'),
      textParameter('method', estimate.method, 'meta.note'),
      '</GROUP>',
    ]),
    `<TABLE name="${escapeXml(table.name)}">`,
    `<DESCRIPTION>${escapeXml(table.description)}</DESCRIPTION>`,
    ...(metadata.parameters ?? []).map(
      (parameter) =>
        `<PARAM ${attributes(parameter)} value="${escapeXml(valueText(parameter.type, parameter.value))}">` +
        `<DESCRIPTION>${escapeXml(parameter.description)}</DESCRIPTION></PARAM>`,
    ),
    ...table.columns.map(
      (column) =>
        `<FIELD ${attributes(column)}><DESCRIPTION>${escapeXml(column.description)}</DESCRIPTION></FIELD>`,
    ),
    '<DATA><TABLEDATA>',
    '',
  ].join('\n');
}

function attributes({
  name,
  type,
  unit,
  ucd,
}: Pick<CatalogueParameter, 'name' | 'type' | 'unit' | 'ucd'>): string {
  return (
    `name="${escapeXml(name)}" ${DATATYPES[type]}${unit === undefined ? '' : ` unit="${escapeXml(unit)}"`}` +
    ` ucd="${escapeXml(ucd)}"${ucd.startsWith('pos.eq') ? ' ref="icrs"' : ''}`
  );
}

function textParameter(name: string, value: string, ucd: string): string {
  return `<PARAM name="${name}" ${DATATYPES.text} ucd="${ucd}" value="${escapeXml(value)}"/>`;
}

function numberParameter(name: string, type: 'int' | 'double', value: number, ucd: string): string {
  return `<PARAM name="${name}" ${DATATYPES[type]} ucd="${ucd}" value="${value}"/>`;
}
