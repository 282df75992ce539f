/** A file that a person chose or dropped, with the directory that it came in ('' or `a/b`). */
export interface PickedFile {
  file: File;
  directory: string;
}

/** Files of an `<input type="file">`, with their directories where it chooses directories. */
export function filesOfInput(files: Iterable<File>): PickedFile[] {
  return Array.from(files, (file) => ({
    file,
    directory: file.webkitRelativePath.split('/').slice(0, -1).join('/'),
  }));
}

const isFile = (entry: FileSystemEntry): entry is FileSystemFileEntry => entry.isFile;
const isDirectory = (entry: FileSystemEntry): entry is FileSystemDirectoryEntry => entry.isDirectory;
/** What operating systems leave in directories, and nobody means. */
const CLUTTER = new Set(['.DS_Store', 'Thumbs.db', 'desktop.ini']);

async function* entriesOf(directory: FileSystemDirectoryEntry): AsyncGenerator<FileSystemEntry> {
  const reader = directory.createReader();
  for (;;) {
    // A hundred at a time, until there are none.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return;
    yield* some;
  }
}

async function* walk(entry: FileSystemEntry, directory: string): AsyncGenerator<PickedFile> {
  if (isFile(entry)) {
    if (CLUTTER.has(entry.name)) return;
    yield { file: await new Promise<File>((resolve, reject) => entry.file(resolve, reject)), directory };
  } else if (isDirectory(entry)) {
    const below = directory === '' ? entry.name : `${directory}/${entry.name}`;
    for await (const inner of entriesOf(entry)) yield* walk(inner, below);
  }
}

/**
 * Files that were dropped, those of dropped directories and of all below them included. To be called while the drop is
 * being handled: later the browser has forgotten it.
 */
export function filesOfDrop(dropped: DataTransfer): Promise<PickedFile[]> {
  const entries = Array.from(dropped.items).flatMap((item) => item.webkitGetAsEntry() ?? []);
  const plain = filesOfInput(dropped.files);
  // Files that a script dropped have no entries.
  if (entries.length === 0) return Promise.resolve(plain);
  return (async () => {
    const files: PickedFile[] = [];
    for (const entry of entries) for await (const one of walk(entry, '')) files.push(one);
    return files;
  })();
}

/** Whether a file may be FITS, by its name. */
export const isFitsName = (name: string): boolean => /\.(fits?|fts)(\.gz)?$/i.test(name);
