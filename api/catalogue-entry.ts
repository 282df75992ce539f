import type { CatalogueEntry } from '../contracts/spectrum.ts';
import type { CatalogueRow } from '../db/catalogue-row.ts';
import { withoutNulls } from './without-nulls.ts';

/** A row as the API shows it. */
export function catalogueEntry(row: CatalogueRow): CatalogueEntry {
  return withoutNulls({
    filename: row.filename,
    path: row.path,
    layout: row.layout,
    size: row.size,
    modified_at: row.modifiedAt.toISOString(),
    targetname: row.targetname,
    observed_at: row.observedAt,
    type: row.type,
    subtype: row.subtype,
    ra: row.ra,
    dec: row.dec,
    magtype: row.magtype,
    mag_1: row.mag1,
    mag_2: row.mag2,
    mag_3: row.mag3,
    mag_4: row.mag4,
    mag_5: row.mag5,
    mag_6: row.mag6,
    mag_7: row.mag7,
    sn_u: row.snU,
    sn_g: row.snG,
    sn_r: row.snR,
    sn_i: row.snI,
    sn_z: row.snZ,
    z: row.z,
    z_err: row.zErr,
    obsid: row.obsid,
    header_filename: row.headerFilename,
  });
}
