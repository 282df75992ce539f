/**
 * Elements of arrays known to be that long, which noUncheckedIndexedAccess cannot know. One function for each type of array:
 * one for all would see several types and be several times slower in a hot loop.
 */
export function floatAt(array: Float64Array, i: number): number {
  return array[i] as number;
}

export function indexAt(array: Int32Array, i: number): number {
  return array[i] as number;
}

export function byteAt(array: Uint8Array, i: number): number {
  return array[i] as number;
}

/** Index of the first element from `first` up to `end` that is not below `value`, in rising order; `end` where none is. */
export function lowerBound(sorted: Float64Array, value: number, first = 0, end = sorted.length): number {
  let low = first;
  let high = end;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (floatAt(sorted, middle) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
