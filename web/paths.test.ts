import { describe, expect, it } from 'vitest';
import {
  archivePathOfStore,
  baseName,
  breadcrumbsOf,
  isInArchive,
  joinPath,
  parentOf,
  routeSegments,
  storePathOfArchive,
  withoutFitsEnding,
} from './paths.ts';

describe('paths', () => {
  it('joins without doubled or trailing slashes', () => {
    expect(joinPath('/a/', '/b//c', 'd')).toBe('/a/b/c/d');
    expect(joinPath('/')).toBe('/');
  });
  it('finds the parent and the last name', () => {
    expect(parentOf('/a/b')).toBe('/a');
    expect(parentOf('/')).toBe('/');
    expect(baseName('a/b.fits')).toBe('b.fits');
    expect(baseName('/')).toBe('');
  });
  it('takes the endings of FITS files off', () => {
    expect(['a.b.fits', 'a.b.fits.gz', 'a.b.FIT', 'a.b'].map(withoutFitsEnding)).toEqual(
      Array(4).fill('a.b'),
    );
  });
  it('maps the archive into the file store and back', () => {
    expect(storePathOfArchive('/')).toBe('/SPECTRA');
    expect(storePathOfArchive('/M31')).toBe('/SPECTRA/M31');
    expect(storePathOfArchive('/SPECTRA/M31')).toBe('/SPECTRA/M31');
    expect(archivePathOfStore('/SPECTRA/M31')).toBe('/M31');
    expect(archivePathOfStore('/SPECTRA')).toBe('/');
  });
  it('does not take a sister directory for the archive', () => {
    expect(isInArchive('/SPECTRA2')).toBe(false);
    expect(archivePathOfStore('/SPECTRA2/x')).toBe('/SPECTRA2/x');
  });
  it('lists every directory on the way', () => {
    expect(breadcrumbsOf('/a/b')).toEqual([
      { name: '', path: '/' },
      { name: 'a', path: '/a' },
      { name: 'b', path: '/a/b' },
    ]);
  });
  it('reads the parameter of a :path* route', () => {
    expect(routeSegments(undefined)).toEqual([]);
    expect(routeSegments('')).toEqual([]);
    expect(routeSegments(['a', 'b'])).toEqual(['a', 'b']);
  });
});
