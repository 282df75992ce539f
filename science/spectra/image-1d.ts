import { FitsError } from '../fits/error.ts';
import type { FitsFile, Hdu } from '../fits/file.ts';
import type { Header } from '../fits/header.ts';
import { encodedPixels } from '../fits/image.ts';
import { armReading, makeArm } from './arm.ts';
import { declaredMedium, genericMetadata, MAX_PIXELS } from './generic.ts';
import type { Loader } from './loader.ts';
import { toAngstrom } from './wavelength-unit.ts';
import { ownWavelengths } from './wavelengths.ts';

/** Extensions that hold the flux, where there are several images of one dimension. */
const FLUX_NAMES = new Set(['', 'FLUX', 'SPECTRUM', 'SCI']);

/** Axis types that say wavelength (WAVE, AWAV: WCS paper III) or no more than that the axis is linear (IRAF). */
const WAVELENGTH_AXIS = /^(|LINEAR|LAMBDA|WAVELENGTH|(WAVE|AWAV)(-(LOG|LIN))?)$/;

/** The image of one dimension that holds the flux: the primary HDU's, else the first extension named like one. */
function fluxImage(file: FitsFile): Hdu | undefined {
  return file.hdus.find(
    (hdu) =>
      hdu.kind === 'image' &&
      hdu.dataLength > 0 &&
      hdu.axes.slice(1).every((length) => length === 1) &&
      (hdu.index === 0 || FLUX_NAMES.has(hdu.name.toUpperCase())),
  );
}

/**
 * An image of one dimension whose WCS gives the wavelength, linear or logarithmic: CRVAL1, CD1_1 or CDELT1, CRPIX1 (1
 * where absent, as IRAF has it), DC-FLAG=1 for log10 (IRAF), CTYPE1 WAVE-LOG for the natural logarithm (WCS paper III).
 */
export const image1d: Loader = {
  layout: 'image-1d',
  identify: (file) => fluxImage(file) !== undefined,
  read: (file, reading) => {
    const hdu = fluxImage(file);
    if (!hdu) throw new FitsError('not-a-spectrum', 'no image of one dimension');
    const pixels = hdu.axes[0] ?? 0;
    if (pixels > MAX_PIXELS)
      throw new FitsError('not-a-spectrum', `an image of ${pixels} pixels in a row`, hdu.index);
    const flux = encodedPixels(hdu, 0, pixels);
    const wavelengths = ownWavelengths(axisAngstrom(hdu.header, pixels, hdu.index));
    const metadata = genericMetadata(file, hdu);
    return {
      layout: 'image-1d',
      medium: declaredMedium(file, hdu),
      arms: [makeArm({ name: '', wavelengths, flux }, armReading(reading, metadata))],
      metadata,
    };
  },
};

function axisAngstrom(header: Header, pixels: number, hdu: number): Float64Array {
  // Some write the unit into the type: CTYPE1 = 'WAVELENGTH [Ang]' (ESO).
  const [, type = '', bracketed] =
    /^([^[]*?)\s*(?:\[(.*)\])?$/.exec(header.text('CTYPE1')?.toUpperCase() ?? '') ?? [];
  const unit = header.text('CUNIT1') ?? bracketed ?? irafUnit(header);
  if (!WAVELENGTH_AXIS.test(type)) {
    throw new FitsError(
      'not-a-spectrum',
      `its axis is ${type}${unit ? ` (${unit})` : ''}, not wavelength`,
      hdu,
    );
  }
  const start = header.number('CRVAL1');
  const step = header.number('CD1_1') || header.number('CDELT1');
  if (start === undefined || !step) {
    throw new FitsError(
      'not-a-spectrum',
      'an image of one dimension without a wavelength: no CRVAL1 with CD1_1 or CDELT1',
      hdu,
    );
  }
  const reference = header.number('CRPIX1') ?? 1;
  const wave = new Float64Array(pixels);
  const isLog10 = header.number('DC-FLAG') === 1;
  for (let i = 0; i < pixels; i++) {
    const offset = step * (i + 1 - reference);
    if (isLog10) wave[i] = 10 ** (start + offset);
    else wave[i] = type.endsWith('-LOG') ? start * Math.exp(offset / start) : start + offset;
  }
  if (!isLog10 && unit !== undefined && looksLikeLog10(start, step)) {
    throw new FitsError(
      'not-a-spectrum',
      `CRVAL1 ${start} looks like log10 Å, and no DC-FLAG says whether it is`,
      hdu,
    );
  }
  return toAngstrom(wave, unit, `axis 1 (CRVAL1 ${start})`);
}

/** 10^2.8 to 10^4.6 Å in steps below 0.001 dex; as Å these would be X-rays. */
function looksLikeLog10(start: number, step: number): boolean {
  return start > 2.8 && start < 4.6 && Math.abs(step) < 0.001;
}

/** `units=Angstroms` of IRAF's WAT1_001 card. */
function irafUnit(header: Header): string | undefined {
  return /\bunits=(\S+)/i.exec(header.text('WAT1_001') ?? '')?.[1];
}
