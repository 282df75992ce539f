import { z } from 'zod';

const FORBIDDEN = /[/\\\p{Cc}\p{Surrogate}]/u;

/** One path segment: 1-255 bytes of UTF-8, no separators, no control characters, not `.` or `..`. */
export const FileName = z
  .string()
  .min(1, 'must not be empty')
  .refine((name) => new TextEncoder().encode(name).length <= 255, 'must be at most 255 bytes')
  .refine((name) => !FORBIDDEN.test(name), 'must not hold /, \\ or control characters')
  .refine((name) => name !== '.' && name !== '..', 'must not be . or ..')
  .meta({ example: 'config.json' });

/** An absolute path in the file store, `/` its root. */
export const DirectoryPath = z
  .string()
  .startsWith('/', 'must start with /')
  .max(4096, 'must be at most 4096 characters')
  .refine(
    (path) => path.split('/').every((part) => part === '' || FileName.safeParse(part).success),
    'every part must be a valid name',
  )
  .meta({ example: '/a/b' });

/** Query of every files call; `/` when left out. */
export const ParentDirectoryQuery = z.object({ parent_dir_path: DirectoryPath.default('/') });

export const StoredFile = z
  .object({
    filename: z.string(),
    size: z.number().int().nonnegative(),
    modified_at: z.iso.datetime(),
  })
  .meta({ id: 'StoredFile' });
export type StoredFile = z.infer<typeof StoredFile>;

export const UploadedFile = StoredFile.extend({ parent_dir_path: z.string() }).meta({ id: 'UploadedFile' });
export type UploadedFile = z.infer<typeof UploadedFile>;

export const CreatedDirectory = z
  .object({ dirname: z.string(), parent_dir_path: z.string() })
  .meta({ id: 'CreatedDirectory' });
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
  .meta({ id: 'DirectoryListing' });
export type DirectoryListing = z.infer<typeof DirectoryListing>;
