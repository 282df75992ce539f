import { setImmediate as turn } from 'node:timers/promises';
import { ByteWriter, type KeyValue, ParquetWriter, type SchemaElement } from 'hyparquet-writer';
import type { CatalogueColumn, CatalogueMetadata, CatalogueRows, CatalogueTable } from './table.ts';

/** Rows of a row group: in memory together. One column of them is encoded in one go, some 5 ms. */
const GROUP_ROWS = 8192;
const TYPES = { text: 'BYTE_ARRAY', double: 'DOUBLE', float: 'FLOAT', int: 'INT32' } as const;

/** Keeps what was written until it is taken; offsets count on. */
class DrainedWriter extends ByteWriter {
  drain(): Uint8Array {
    const bytes = this.getBytes().slice();
    this.index = 0;
    return bytes;
  }
}

/** The row group of columns that were written one after the other, each as a group of its own. */
const joined = (groups: ParquetWriter['row_groups'], rows: number): ParquetWriter['row_groups'][number] => ({
  columns: groups.flatMap(({ columns }) => columns),
  total_byte_size: groups.reduce((sum, group) => sum + group.total_byte_size, 0n),
  num_rows: BigInt(rows),
});

/**
 * A catalogue as Apache Parquet: every column optional, texts UTF-8, Snappy. Units, UCDs and descriptions of the columns
 * stand as JSON under `columns` in the file's key-value metadata, which Arrow and pandas show; so does what the table says
 * of itself.
 */
export async function* parquetOf<Row>(
  table: CatalogueTable<Row>,
  metadata: CatalogueMetadata,
  rows: CatalogueRows<Row>,
): AsyncGenerator<Uint8Array> {
  const writer = new DrainedWriter();
  const parquet = new ParquetWriter({
    writer,
    schema: schemaOf(table),
    kvMetadata: keyValuesOf(table, metadata),
    createdBy: metadata.software,
  });
  let group: Row[] = [];
  let rowsWritten = 0n;
  /** Column by column, between which others have their turn: the library would encode them all at once. */
  const writeGroup = async (): Promise<Uint8Array> => {
    const first = parquet.row_groups.length;
    for (const column of table.columns) {
      await turn();
      const data = group.map((row) => valueOf(column, row));
      await parquet.write({ columnData: [{ name: column.name, data }], rowGroupSize: GROUP_ROWS });
    }
    parquet.row_groups.push(joined(parquet.row_groups.splice(first), group.length));
    rowsWritten += BigInt(group.length);
    group = [];
    return writer.drain();
  };
  for await (const row of rows()) {
    group.push(row);
    if (group.length === GROUP_ROWS) yield await writeGroup();
  }
  if (group.length > 0) yield await writeGroup();
  parquet.num_rows = rowsWritten;
  await parquet.finish();
  yield writer.drain();
}

function schemaOf<Row>({ columns }: CatalogueTable<Row>): SchemaElement[] {
  return [
    { name: 'root', num_children: columns.length },
    ...columns.map(({ name, type }): SchemaElement => ({
      name,
      type: TYPES[type],
      repetition_type: 'OPTIONAL',
      ...(type === 'text' ? { converted_type: 'UTF8', logical_type: { type: 'STRING' } } : {}),
    })),
  ];
}

function valueOf<Row>(column: CatalogueColumn<Row>, row: Row): string | number | null {
  const value = column.value(row);
  return value === undefined || (typeof value === 'number' && !Number.isFinite(value)) ? null : value;
}

function keyValuesOf<Row>(
  table: CatalogueTable<Row>,
  { jobId, software, precision, acknowledgements, parameters = [] }: CatalogueMetadata,
): KeyValue[] {
  const columns = table.columns.map(({ name, unit, ucd, description }) => ({ name, unit, ucd, description }));
  return [
    { key: 'description', value: table.description },
    ...(jobId === undefined ? [] : [{ key: 'job_id', value: jobId }]),
    { key: 'software', value: software },
    { key: 'columns', value: JSON.stringify(columns) },
    ...(parameters.length === 0 ? [] : [{ key: 'parameters', value: JSON.stringify(parameters) }]),
    ...(precision.length === 0 ? [] : [{ key: 'precision', value: JSON.stringify(precision) }]),
    ...(acknowledgements.length === 0
      ? []
      : [{ key: 'acknowledgements', value: JSON.stringify(acknowledgements) }]),
  ];
}
