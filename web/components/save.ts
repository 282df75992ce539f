/** Hands a file to the browser's downloads. */
export function saveBlob(blob: Blob, fileName: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName;
  link.click();
  // Not at once: Firefox reads the URL a moment after the click.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
