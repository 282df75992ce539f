import { shallowRef } from 'vue';
import { isFitsName, type PickedFile } from '../files/picked-files.ts';

/** Files that were dropped to be looked at: they stay while one looks at other pages, and are forgotten with the page. */
export const lookedAt = shallowRef<readonly PickedFile[]>([]);

/** Adds the FITS files among these. @returns how many there are */
export function lookAt(files: readonly PickedFile[]): number {
  const named = files.filter(({ file }) => isFitsName(file.name));
  // One file alone may be called what it likes: its content tells.
  const taken = named.length === 0 && files.length === 1 ? files : named;
  if (taken.length > 0) lookedAt.value = [...taken, ...lookedAt.value];
  return taken.length;
}
