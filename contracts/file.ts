import { z } from 'zod';

const NAME = String.raw`(?!\.{1,2}(?:/|$))[^/\\\u0000-\u001f\u007f-\u009f]{1,255}`;
const isShort = (name: string): boolean => new TextEncoder().encode(name).length <= 255;
const hasBrokenUnicode = (text: string): boolean => /\p{Surrogate}/u.test(text);

/** One path segment: 1-255 bytes of UTF-8, no separators, no control characters, not `.` or `..`. */
export const FileName = z
  .string()
  .regex(
    new RegExp(`^${NAME}$`, 'u'),
    'must be 1 to 255 bytes without /, \\ and control characters, not . or ..',
  )
  .refine(isShort, 'must be at most 255 bytes')
  .refine((name) => !hasBrokenUnicode(name), 'must be Unicode')
  .meta({ example: 'config.json' });

/** An absolute path in the file store, `/` its root. */
export const DirectoryPath = z
  .string()
  .regex(new RegExp(`^(?:/(?:${NAME})?)+$`, 'u'), 'must start with /, and every part must be a valid name')
  .max(2048, 'must be at most 2048 characters')
  .refine((path) => path.split('/').every(isShort), 'every part must be at most 255 bytes')
  .refine((path) => !hasBrokenUnicode(path), 'must be Unicode')
  .meta({ example: '/a/b' });

/** Query of every files call; `/` when left out. */
export const ParentDirectoryQuery = z.object({ parent_dir_path: DirectoryPath.default('/') });

const FILE_EXAMPLE = { filename: 'config.json', size: 118, modified_at: '2026-03-01T09:00:00.000Z' };
export const StoredFile = z
  .object({
    filename: z.string(),
    size: z.number().int().nonnegative(),
    modified_at: z.iso.datetime(),
  })
  .meta({ id: 'StoredFile', examples: [FILE_EXAMPLE] });
export type StoredFile = z.infer<typeof StoredFile>;

export const UploadedFile = StoredFile.extend({ parent_dir_path: z.string() }).meta({
  id: 'UploadedFile',
  examples: [{ ...FILE_EXAMPLE, parent_dir_path: '/a/b' }],
});
export type UploadedFile = z.infer<typeof UploadedFile>;

export const CreatedDirectory = z
  .object({ dirname: z.string(), parent_dir_path: z.string() })
  .meta({ id: 'CreatedDirectory', examples: [{ dirname: 'b', parent_dir_path: '/a' }] });
export type CreatedDirectory = z.infer<typeof CreatedDirectory>;

export const DirectoryListing = z
  .object({
    parent_dir_path: z.string(),
    total: z.number().int().nonnegative(),
    file_count: z.number().int().nonnegative(),
    directory_count: z.number().int().nonnegative(),
    files: z.array(StoredFile),
    directories: z.array(z.object({ dirname: z.string() })),
    read_only: z.boolean().optional().meta({ description: 'Present and true where uploads answer 403' }),
  })
  .meta({
    id: 'DirectoryListing',
    examples: [
      {
        parent_dir_path: '/a',
        total: 2,
        file_count: 1,
        directory_count: 1,
        files: [FILE_EXAMPLE],
        directories: [{ dirname: 'b' }],
      },
    ],
  });
export type DirectoryListing = z.infer<typeof DirectoryListing>;
