import { z } from 'zod';
import {
  CreatedDirectory,
  DirectoryListing,
  FileName,
  ParentDirectoryQuery,
  UploadedFile,
} from '../../contracts/file.ts';
import type { Database } from '../../db/connection.ts';
import { listRunningJobs } from '../../db/repositories/running-jobs.ts';
import { catalogueRow, createSpectraRepository } from '../../db/repositories/spectra.ts';
import { archivePathOf, archivePathOfDataDirectory, type FileStore } from '../../storage/file-store.ts';
import { readArchiveSpectrum, storePath } from '../archive-file.ts';
import { HttpError, invalid } from '../errors.ts';
import { answering, answeringWrite, download, DOWNLOAD_RESPONSES } from '../file-store-answers.ts';
import { receiveFile } from '../receive-file.ts';
import { defineRoute, type Route } from '../route.ts';

const FileParams = z.object({ filename: FileName });
const DirectoryParams = z.object({ dirname: FileName });
const tags: [string] = ['files'];

/** `/a//b/` as `/a/b`. */
const normal = (path: string): string => `/${path.split('/').filter(Boolean).join('/')}`;
const pathIn = (parent: string, name: string): string => normal(`${parent}/${name}`);
const overlaps = (a: string, b: string): boolean =>
  a === b || `${a}/`.startsWith(`${b}/`) || `${b}/`.startsWith(`${a}/`);

/** The users' file store (API.md section 1). */
export function fileRoutes({ db, files }: { db: Database; files: FileStore }): Route[] {
  const spectra = createSpectraRepository(db);

  /** A spectrum that arrives in the archive is in the catalogue before its upload is answered. */
  async function catalogue(path: string): Promise<void> {
    const archivePath = archivePathOf(path);
    if (archivePath === undefined) return;
    const { file, reading } = await readArchiveSpectrum(files, archivePath);
    await spectra.upsertMany([catalogueRow(file, reading)]);
  }

  /** @throws HttpError 409 where a running job uses the directory, one above or one below it */
  async function refuseInUse(directory: string): Promise<void> {
    for (const job of await listRunningJobs(db)) {
      const used = [job.jobDirectory];
      if (job.dataDirectory !== undefined)
        used.push(normal(storePath(archivePathOfDataDirectory(job.dataDirectory))));
      if (used.some((path) => overlaps(path, directory)))
        throw new HttpError(409, 'in_use', `${directory} is used by the running job ${job.jobId}`);
    }
  }

  return [
    // Before the routes of files: `directories` would be taken for a file's name.
    defineRoute({
      method: 'post',
      path: '/api/files/directories/{dirname}',
      operationId: 'createDirectory',
      summary: 'Make a directory, and those above it',
      tags,
      params: DirectoryParams,
      query: ParentDirectoryQuery,
      responses: { 201: CreatedDirectory },
      errors: [403, 404, 409],
      handler: async ({ params: { dirname }, query: { parent_dir_path }, request }) => {
        // The one path that means two things: it must not answer 201 and lose a file.
        if (dirname === 'upload' && request.is('multipart/form-data'))
          throw invalid('A file cannot be named directories');
        await answeringWrite(files.createDirectory(pathIn(parent_dir_path, dirname)));
        return { status: 201, body: { dirname, parent_dir_path: normal(parent_dir_path) } };
      },
    }),
    defineRoute({
      method: 'delete',
      path: '/api/files/directories/{dirname}',
      operationId: 'deleteDirectory',
      summary: 'Delete a directory with its contents',
      tags,
      params: DirectoryParams,
      query: ParentDirectoryQuery,
      responses: { 204: 'empty' },
      errors: [403, 404, 409],
      handler: async ({ params: { dirname }, query: { parent_dir_path } }) => {
        const path = pathIn(parent_dir_path, dirname);
        await refuseInUse(await answering(files.canonicalPath(path)));
        const removed = await answering(files.removeDirectory(path));
        const archivePath = archivePathOf(removed);
        if (archivePath !== undefined) await spectra.removeDirectory(archivePath);
        return { status: 204 };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/files',
      operationId: 'listDirectory',
      summary: 'The files and directories of a directory',
      tags,
      query: ParentDirectoryQuery,
      responses: { 200: DirectoryListing },
      errors: [403, 404],
      handler: async ({ query: { parent_dir_path } }) => {
        const listing = await answering(files.list(parent_dir_path));
        return {
          status: 200,
          body: {
            parent_dir_path: normal(parent_dir_path),
            total: listing.files.length + listing.directories.length,
            file_count: listing.files.length,
            directory_count: listing.directories.length,
            files: listing.files.map(({ filename, size, modifiedAt }) => ({
              filename,
              size,
              modified_at: modifiedAt.toISOString(),
            })),
            directories: listing.directories.map((dirname) => ({ dirname })),
            ...(listing.readOnly ? { read_only: true } : {}),
          },
        };
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/files/{filename}/upload',
      operationId: 'uploadFile',
      summary: 'Upload a file; one of the same name is replaced atomically',
      tags,
      params: FileParams,
      query: ParentDirectoryQuery,
      body: { multipart: 'file' },
      responses: { 201: UploadedFile },
      errors: [403, 404, 409],
      handler: async ({ params: { filename }, query: { parent_dir_path }, request }) => {
        const path = pathIn(parent_dir_path, filename);
        const info = await answeringWrite(
          receiveFile(request, 'file', (bytes) => files.writeFile(path, bytes)),
        );
        await answering(catalogue(info.path));
        return {
          status: 201,
          body: {
            filename,
            parent_dir_path: normal(parent_dir_path),
            size: info.size,
            modified_at: info.modifiedAt.toISOString(),
          },
        };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/files/{filename}/download',
      operationId: 'downloadFile',
      summary: 'Download a file, or a range of its bytes',
      tags,
      params: FileParams,
      query: ParentDirectoryQuery,
      responses: DOWNLOAD_RESPONSES,
      errors: [403, 404],
      handler: async ({ params: { filename }, query: { parent_dir_path }, request }) =>
        download(await answering(files.openForDownload(pathIn(parent_dir_path, filename))), request),
    }),
    defineRoute({
      method: 'delete',
      path: '/api/files/{filename}',
      operationId: 'deleteFile',
      summary: 'Delete a file',
      tags,
      params: FileParams,
      query: ParentDirectoryQuery,
      responses: { 204: 'empty' },
      errors: [403, 404],
      handler: async ({ params: { filename }, query: { parent_dir_path } }) => {
        const removed = await answering(files.removeFile(pathIn(parent_dir_path, filename)));
        const archivePath = archivePathOf(removed);
        if (archivePath !== undefined) await spectra.removePath(archivePath);
        return { status: 204 };
      },
    }),
  ];
}
