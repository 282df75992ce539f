import type { SpectrumMetadata } from '../contracts/spectrum.ts';
import type { spectra } from './schema.ts';

export type CatalogueRow = Omit<typeof spectra.$inferInsert, 'seenAt' | 'digest'>;

/** A file of the archive as the catalogue knows it; `path` without a leading slash. */
export interface CataloguedFile {
  path: string;
  size: number;
  modifiedAt: Date;
}

/** What reading a file gave (a RawSpectrum is one), or why it is not a readable spectrum. */
export type Reading = { layout: string; metadata: SpectrumMetadata } | { unreadableReason: string };

/** Without `.gz`: a release says `x.fits` in the header of `x.fits.gz`, and users leave it out. */
export const nameKey = (name: string): string => name.replace(/\.gz$/i, '');
const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

// Header cards can hold anything; an index entry has at most 2,704 bytes.
const MAX_TEXT_LENGTH = 255;
const text = (value: string | undefined): string | null =>
  value === undefined ? null : value.slice(0, MAX_TEXT_LENGTH);
const finite = (value: number | undefined): number | null =>
  value !== undefined && Number.isFinite(value) ? value : null;

/** The catalogue's row of a file: its columns where it was read, the reason where it could not be. */
export function catalogueRow(file: CataloguedFile, reading: Reading): CatalogueRow {
  const filename = baseName(file.path);
  const filenameKey = nameKey(filename);
  const isRead = 'metadata' in reading;
  const metadata: SpectrumMetadata = isRead ? reading.metadata : {};
  const headerFilename = text(metadata.header_filename);
  const headerFilenameKey = headerFilename === null ? null : nameKey(headerFilename);
  return {
    path: file.path,
    filename,
    filenameKey,
    headerFilename,
    headerFilenameKey: headerFilenameKey === filenameKey ? null : headerFilenameKey,
    unreadableReason: isRead ? null : text(reading.unreadableReason),
    layout: isRead ? reading.layout : null,
    size: file.size,
    modifiedAt: file.modifiedAt,
    targetname: text(metadata.targetname),
    obsid: text(metadata.obsid),
    observedAt: text(metadata.observed_at),
    type: text(metadata.type),
    subtype: text(metadata.subtype),
    ra: finite(metadata.ra),
    dec: finite(metadata.dec),
    magtype: text(metadata.magtype),
    mag1: finite(metadata.mag_1),
    mag2: finite(metadata.mag_2),
    mag3: finite(metadata.mag_3),
    mag4: finite(metadata.mag_4),
    mag5: finite(metadata.mag_5),
    mag6: finite(metadata.mag_6),
    mag7: finite(metadata.mag_7),
    snU: finite(metadata.sn_u),
    snG: finite(metadata.sn_g),
    snR: finite(metadata.sn_r),
    snI: finite(metadata.sn_i),
    snZ: finite(metadata.sn_z),
    z: finite(metadata.z),
    zErr: finite(metadata.z_err),
  };
}
