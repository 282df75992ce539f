type Elements = Float64Array | Float32Array | Int32Array | Uint8Array;

/** Element `i` of an array known to be that long, which noUncheckedIndexedAccess cannot know. For hot loops only. */
export function at(array: Elements, i: number): number {
  return array[i] as number;
}

/** Index of the first element from `first` up to `end` that is not below `value`, in rising order; `end` where none is. */
export function lowerBound(sorted: Float64Array, value: number, first = 0, end = sorted.length): number {
  let low = first;
  let high = end;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at(sorted, middle) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
