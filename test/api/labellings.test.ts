import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { label as simulateOracle } from '../../cli/label.ts';
import { ApiError } from '../../contracts/error.ts';
import { Job, type JsonObject } from '../../contracts/job.ts';
import {
  BatchPage,
  ClassList,
  DisagreementPage,
  Labelling,
  LabellingHistoryPage,
  LabellingPage,
} from '../../contracts/labelling.ts';
import { ClassListChanged, type NewestLabel } from '../../db/repositories/labelling-history.ts';
import { createLabellingsRepository, type LabellingsRepository } from '../../db/repositories/labellings.ts';
import { createEventsRepository } from '../../db/repositories/events.ts';
import { batches, outbox } from '../../db/schema.ts';
import { type Answer, call, startTestServer, type TestServer } from './test-server.ts';

const CONFIG = {
  classes: ['star', 'galaxy', 'Be star'],
  candidate_classes: ['Be star'],
  pool_data_path: '/pool.h5',
};

let server: TestServer;
let repository: LabellingsRepository;
beforeAll(async () => {
  server = await startTestServer();
  repository = createLabellingsRepository(server.db);
});
afterAll(() => server.close());
beforeEach(async () => {
  await server.pool.query('delete from jobs');
  await server.pool.query('delete from outbox');
});

const get = (path: string) => call('GET', `${server.url}${path}`);
const post = (path: string, body?: unknown) => call('POST', `${server.url}${path}`, body);
const patch = (path: string, body: unknown) => call('PATCH', `${server.url}${path}`, body);
const errorOf = (answer: Answer) => ApiError.parse(answer.body);
const labelling = (answer: Answer) => Labelling.parse(answer.body);
const page = async (query: string) => LabellingPage.parse((await get(`/labellings?${query}`)).body);
const listed = async (jobId: string, query = '') => (await page(`job_id=${jobId}${query}`)).labellings;
const job = async (id: string) => Job.parse((await get(`/jobs/${id}`)).body);
const newestBatch = async (id: string) => BatchPage.parse((await get(`/jobs/${id}/batches`)).body).batches[0];
/** Signals that wait for a job's run. */
const signals = async (jobId: string) =>
  (await server.db.select().from(outbox).where(eq(outbox.workflowId, jobId)).orderBy(outbox.id))
    .filter(({ command }) => command === 'signal')
    .map(({ payload }) => payload);
const LABELS_SUBMITTED = { signal: 'labelsSubmitted' };
const history = async (jobId: string, query = '') =>
  LabellingHistoryPage.parse((await get(`/jobs/${jobId}/labellings/history${query}`)).body);
const newest = async (jobId: string, version = 1) => {
  const labels: NewestLabel[] = [];
  for await (const label of repository.newestLabels(jobId, version)) labels.push(label);
  return Object.fromEntries(labels.map(({ spectrumKey, label }) => [spectrumKey, label]));
};

/** A pending ACTIVE_ML job. */
async function pending(config: JsonObject | null = CONFIG): Promise<string> {
  const answer = await post('/jobs', {
    type: 'ACTIVE_ML',
    label: 'Be stars',
    ...(config ? { config } : {}),
  });
  expect(answer.status).toBe(201);
  return Job.parse(answer.body).job_id;
}
async function running(config: JsonObject = CONFIG): Promise<string> {
  const id = await pending(config);
  const start = { workflow: 'none', taskQueue: 'control', input: {}, jobType: 'ACTIVE_ML' } as const;
  const run = await server.jobs.run(id, { config, submittedConfig: config, start });
  expect(run.refusal).toBeUndefined();
  return id;
}

const spectrum = (spectrumSet: Labelling['spectrum_set'], spectrumFilename: string) => ({
  spectrumSet,
  spectrumFilename,
  modelPrediction: 'star',
  probabilities: [0.5, 0.25, 0.25],
});
/** A running campaign with an open batch: two oracle spectra, one for the estimate, one candidate. */
async function withBatch(config: JsonObject = CONFIG, iteration = 0): Promise<string> {
  const id = await running(config);
  await openBatch(id, iteration);
  return id;
}
const openBatch = (id: string, iteration: number) =>
  repository.openBatch(id, iteration, [
    spectrum('CANDIDATE', `candidate-${iteration}.fits`),
    spectrum('ORACLE', `b-${iteration}.fits`),
    spectrum('ORACLE', `a-${iteration}.fits`),
    spectrum('PERFORMANCE_ESTIMATION', `estimate-${iteration}.fits`),
  ]);
const label = (rows: readonly Labelling[], answers: object[]) =>
  patch('/labellings/batch', { labelling_ids: rows.map((row) => row.labelling_id), batch: answers });

describe('making and reading', () => {
  it('answers a labelling with the fields it was given, without those that are null', async () => {
    const id = await pending();
    const given = {
      job_id: id,
      spectrum_filename: 'spec-1.fits',
      spectrum_set: 'ORACLE',
      sequence_iteration: 3,
      model_prediction: 'star',
    };
    const made = await post('/labellings', { ...given, user_label: null });
    expect(made.status).toBe(201);
    const { labelling_id } = labelling(made);
    expect(made.body).toEqual({ ...given, labelling_id });
    expect((await get(`/labellings/${labelling_id}/`)).body).toEqual(made.body);
  });

  it('refuses labellings of no job, and keeps none of a batch that holds one', async () => {
    const id = await pending();
    const one = { spectrum_filename: 'x', spectrum_set: 'ORACLE', sequence_iteration: 0 };
    expect((await post('/labellings', { ...one, job_id: randomUUID() })).status).toBe(404);
    const batch = [
      { ...one, job_id: id },
      { ...one, job_id: randomUUID() },
    ];
    expect((await post('/labellings/batch/', batch)).status).toBe(404);
    expect(await listed(id)).toEqual([]);
    expect((await post('/labellings/batch', [batch[0], { ...batch[0], user_label: 'star' }])).status).toBe(
      204,
    );
    expect((await listed(id)).map(({ user_label }) => user_label)).toEqual([undefined, 'star']);
    expect((await history(id)).values).toHaveLength(1);
  });

  it.each([
    [{ spectrum_filename: 'x'.repeat(71) }, 'spectrum_filename'],
    [{ spectrum_set: 'OTHER' }, 'spectrum_set'],
    [{ sequence_iteration: -1 }, 'sequence_iteration'],
    [{ model_prediction: 'x'.repeat(31) }, 'model_prediction'],
    [{ user_label: 'x'.repeat(31) }, 'user_label'],
    [{ user_label: 'quasar' }, 'user_label'],
    [{ user_comment: 'x'.repeat(51) }, 'user_comment'],
    [{ user_label: 'star', decision: 'skip' }, 'decision'],
  ])('refuses %j', async (wrong, path) => {
    const answer = await post('/labellings', {
      job_id: await pending(),
      spectrum_filename: 'x',
      spectrum_set: 'ORACLE',
      sequence_iteration: 0,
      ...wrong,
    });
    expect(answer.status).toBe(422);
    expect(errorOf(answer).errors?.map((problem) => problem.path)).toEqual([path]);
  });

  it('takes any label where the classes of the job are not known', async () => {
    const answer = await post('/labellings', {
      job_id: await pending(null),
      spectrum_filename: 'x',
      spectrum_set: 'ORACLE',
      sequence_iteration: 0,
      user_label: 'whatever',
    });
    expect(labelling(answer).user_label).toBe('whatever');
  });

  it('lists by set, iteration and rank, before and after edits, in pages and filtered', async () => {
    const id = await withBatch();
    await repository.closeBatch(id, 0);
    await openBatch(id, 1);
    const names = async (query = '') =>
      (await listed(id, query)).map(({ spectrum_filename: name }) => name.replace('.fits', ''));
    const all = ['b-0', 'a-0', 'b-1', 'a-1', 'estimate-0', 'estimate-1', 'candidate-0', 'candidate-1'];
    expect(await names()).toEqual(all);
    const rows = await listed(id);
    expect(
      (
        await label(
          [...rows].reverse(),
          rows.map(() => ({ user_label: 'star' })),
        )
      ).status,
    ).toBe(204);
    expect(await names()).toEqual(all);
    expect(await names('&set=ORACLE&iteration=1')).toEqual(['b-1', 'a-1']);
    const { total, labellings } = await page(`job_id=${id}&offset=3&limit=2`);
    expect([total, labellings.map((row) => row.spectrum_filename)]).toEqual([
      8,
      ['a-1.fits', 'estimate-0.fits'],
    ]);
    expect(await page(`job_id=${id}&limit=0`)).toMatchObject({ total: 8, labellings: [] });
    expect(await names('&open=true')).toEqual([]);
    expect(rows[0]).toMatchObject({ probabilities: [0.5, 0.25, 0.25], model_prediction: 'star' });
  });

  it('knows no labelling of an unknown job, and no unknown labelling', async () => {
    const unknown = randomUUID();
    expect(await page(`job_id=${unknown}`)).toEqual({ job_id: unknown, total: 0, labellings: [] });
    expect((await get(`/labellings/${unknown}`)).status).toBe(404);
    expect((await patch(`/labellings/${unknown}`, {})).status).toBe(404);
    expect((await get('/labellings/nonsense')).status).toBe(422);
    expect((await get('/labellings?job_id=nonsense')).status).toBe(422);
    expect((await get('/labellings')).status).toBe(422);
  });

  it('deletes labellings with their job', async () => {
    const id = await withBatch();
    const [first] = await listed(id);
    await label(await listed(id), Array(4).fill({ user_label: 'star' }));
    await server.jobs.abort(id);
    expect((await call('DELETE', `${server.url}/jobs/${id}`)).status).toBe(204);
    expect((await get(`/labellings/${first?.labelling_id}`)).status).toBe(404);
    const { rows } = await server.pool.query('select 1 from labelling_history');
    expect(rows).toEqual([]);
  });
});

describe('answering', () => {
  it('keeps every value with who and when', async () => {
    const id = await withBatch();
    const [row] = await listed(id);
    const path = `/labellings/${row?.labelling_id}`;
    const first = labelling(
      await patch(path, { user_label: 'star', labelled_by: 'Ada', user_comment: 'narrow' }),
    );
    expect(first).toMatchObject({ user_label: 'star', labelled_by: 'Ada', user_comment: 'narrow' });
    expect(Date.parse(first.labelled_at ?? '')).toBeGreaterThan(Date.now() - 60_000);
    expect(labelling(await patch(path, { user_label: 'star' }))).toEqual(first);
    const second = labelling(await patch(path, { user_label: 'Be star', labelled_by: 'Grace' }));
    expect(second).toMatchObject({ user_label: 'Be star', labelled_by: 'Grace', user_comment: 'narrow' });
    const skipped = labelling(await patch(path, { decision: 'skip', labelled_by: 'Ada' }));
    expect(skipped).toMatchObject({ decision: 'skip', labelled_by: 'Ada' });
    expect(skipped).not.toHaveProperty('user_label');
    const labelled = labelling(await patch(path, { user_label: 'galaxy' }));
    expect(labelled).not.toHaveProperty('decision');
    expect(labelled).not.toHaveProperty('labelled_by');
    const cleared = labelling(await patch(path, { user_label: null, user_comment: null }));
    for (const field of ['user_label', 'user_comment', 'labelled_by', 'labelled_at'])
      expect(cleared).not.toHaveProperty(field);
    const { total, values } = await history(id, `?labelling_id=${row?.labelling_id}`);
    expect(total).toBe(5);
    expect(values.map(({ user_label: name, decision, labelled_by: by }) => [name ?? decision, by])).toEqual([
      ['star', 'Ada'],
      ['Be star', 'Grace'],
      ['skip', 'Ada'],
      ['galaxy', undefined],
      [undefined, undefined],
    ]);
    expect((await history(id, `?labelling_id=${row?.labelling_id}&offset=1&limit=1`)).values).toEqual([
      values[1],
    ]);
  });

  it('saves all of a batch or none', async () => {
    const id = await withBatch();
    const rows = await listed(id);
    const star = { user_label: 'star' };
    expect((await label(rows, [star])).status).toBe(400);
    const [first] = rows;
    const absent = await patch('/labellings/batch', {
      labelling_ids: [first?.labelling_id, randomUUID()],
      batch: [star, star],
    });
    expect(absent.status).toBe(404);
    const wrong = await label(rows, [star, star, { user_label: 'quasar' }, star]);
    expect(wrong.status).toBe(422);
    expect(errorOf(wrong).errors).toEqual([
      { path: 'batch[2].user_label', message: 'must be one of star, galaxy, Be star' },
    ]);
    expect((await history(id)).total).toBe(0);
    expect((await patch('/labellings/batch', { labelling_ids: [], batch: [] })).status).toBe(204);
    const twice = first ? [first, first] : [];
    expect((await label(twice, [{ ...star, user_comment: 'why' }, { user_label: 'galaxy' }])).status).toBe(
      204,
    );
    expect(await listed(id, '&open=false')).toMatchObject([{ user_label: 'galaxy', user_comment: 'why' }]);
    expect((await history(id)).total).toBe(1);
  });

  it('saves ten thousand labels at once, and reads them, fast', async () => {
    const id = await running();
    const filenames = Array.from({ length: 10_000 }, (_, i) => `spec-${i}.fits`);
    const opened = performance.now();
    await repository.openBatch(
      id,
      0,
      filenames.map((name) => spectrum('ORACLE', name)),
    );
    const asked = performance.now();
    const rows = await listed(id);
    const began = performance.now();
    const saved = await label(
      rows,
      rows.map((_, i) => ({ user_label: i % 2 ? 'star' : 'galaxy', labelled_by: 'Ada' })),
    );
    const milliseconds = performance.now() - began;
    expect(saved.status).toBe(204);
    console.log(
      `10,000 labellings: opened in ${Math.round(asked - opened)} ms, listed in ${Math.round(began - asked)} ms, labelled in ${Math.round(milliseconds)} ms`,
    );
    expect(await signals(id)).toEqual([LABELS_SUBMITTED]);
    expect(Object.keys(await newest(id))).toHaveLength(10_000);
    expect(await repository.excludedKeys(id)).toHaveLength(10_000);
    let values = 0;
    for await (const { userLabel } of repository.campaignHistory(id)) if (userLabel) values++;
    expect(values).toBe(10_000);
  });
});

describe('a batch', () => {
  it('is closed by the answer that completes it, with one signal, and sends none again', async () => {
    const id = await withBatch();
    expect(await job(id)).toMatchObject({
      waiting_for: 'labels',
      progress: { done: 0, total: 3, unit: 'labels' },
    });
    const [b, a, estimate, candidate] = await listed(id);
    if (!b || !a || !estimate || !candidate) throw new Error('no batch');
    await label(
      [candidate, estimate, b],
      [{ user_label: 'star' }, { user_label: 'star' }, { decision: 'unsure' }],
    );
    expect(await repository.countOpen(id)).toBe(1);
    expect(await signals(id)).toEqual([]);
    expect(await job(id)).toMatchObject({ waiting_for: 'labels', progress: { done: 2, total: 3 } });
    expect(await newestBatch(id)).toMatchObject({ total: 3, open: 1, labelled: 1, skipped: 0, unsure: 1 });
    await label([a], [{ decision: 'skip' }]);
    expect(await signals(id)).toEqual([LABELS_SUBMITTED]);
    expect(await repository.countOpen(id)).toBe(0);
    expect(await job(id)).not.toHaveProperty('waiting_for');
    expect(await newestBatch(id)).toMatchObject({
      iteration: 0,
      closed_how: 'labelled',
      open: 0,
      skipped: 1,
    });
    await label([a, b], [{ user_label: 'star' }, { user_label: null, decision: null }]);
    await label([b], [{ user_label: 'star' }]);
    expect(await signals(id)).toEqual([LABELS_SUBMITTED]);
  });

  it('is closed once by people who complete it at the same moment', async () => {
    for (let round = 0; round < 10; round++) {
      const id = await withBatch();
      const rows = await listed(id, '&open=true');
      const answers = await Promise.all([
        ...rows.map((row) => label([row], [{ user_label: 'star', labelled_by: 'Ada' }])),
        ...[...rows].reverse().map((row) => label([row], [{ user_label: 'star', labelled_by: 'Grace' }])),
        label(
          [...rows].reverse(),
          rows.map(() => ({ user_label: 'star', labelled_by: 'Hedy' })),
        ),
      ]);
      expect(answers.map(({ status }) => status)).toEqual(Array(rows.length * 2 + 1).fill(204));
      expect(await signals(id)).toEqual([LABELS_SUBMITTED]);
    }
  });

  it('is opened once however often it is asked for, and only while the job is running', async () => {
    const id = await withBatch();
    expect(await openBatch(id, 0)).toBe(true);
    expect(await listed(id)).toHaveLength(4);
    await server.jobs.abort(id);
    expect(await openBatch(id, 1)).toBe(false);
    expect(await repository.closeBatch(id, 0)).toBe(false);
    expect(await listed(id)).toHaveLength(4);
    expect(await newestBatch(id)).not.toHaveProperty('closed_at');
  });

  it('keeps labels of an ended campaign, without a signal', async () => {
    const id = await withBatch();
    await server.jobs.abort(id);
    await label(await listed(id), Array(4).fill({ user_label: 'star' }));
    expect(await signals(id)).toEqual([]);
    expect(Object.keys(await newest(id))).toHaveLength(4);
  });

  it('of a step that an old client drives sends no signal, before and after it completed', async () => {
    const id = await withBatch({ ...CONFIG, iteration: 4 }, 4);
    expect(await job(id)).not.toHaveProperty('waiting_for');
    const [first, ...others] = await listed(id);
    await label(first ? [first] : [], [{ user_label: 'star' }]);
    await server.jobs.complete(id, { artifacts: [] });
    await label(
      others,
      others.map(() => ({ user_label: 'star' })),
    );
    expect(await signals(id)).toEqual([]);
    expect((await listed(id)).map((row) => row.user_label)).toEqual(Array(4).fill('star'));
  });

  it('is closed early by a person, once', async () => {
    const id = await withBatch();
    const closed = await post(`/jobs/${id}/batch/close`);
    expect(closed.status).toBe(202);
    expect(Job.parse(closed.body)).not.toHaveProperty('waiting_for');
    expect(await newestBatch(id)).toMatchObject({ closed_how: 'early', open: 3 });
    expect((await post(`/jobs/${id}/batch/close`)).status).toBe(409);
    expect(await repository.closeBatch(id, 0)).toBe(true);
    expect(await newestBatch(id)).toMatchObject({ closed_how: 'early' });
    await label(await listed(id), Array(4).fill({ user_label: 'star' }));
    expect(await signals(id)).toEqual([LABELS_SUBMITTED]);
    expect((await post(`/jobs/${randomUUID()}/batch/close`)).status).toBe(404);
  });

  it('is waited for again when a paused campaign is resumed', async () => {
    const id = await withBatch();
    await server.jobs.pause(id);
    expect(await job(id)).toMatchObject({ waiting_for: 'resume' });
    await server.jobs.resume(id);
    expect(await job(id)).toMatchObject({ waiting_for: 'labels' });
    await server.jobs.pause(id);
    await label(await listed(id), Array(4).fill({ user_label: 'star' }));
    expect(await job(id)).toMatchObject({ waiting_for: 'resume' });
    await server.jobs.resume(id);
    expect(await job(id)).not.toHaveProperty('waiting_for');
    expect(await signals(id)).toContainEqual(LABELS_SUBMITTED);
  });

  it('leaves no label, history or signal behind where its transaction breaks off', async () => {
    const id = await withBatch();
    const rows = await listed(id);
    // The last statement of the transaction that completes a batch fails, as when the server is killed there.
    await server.pool.query(
      `alter table outbox add constraint broken check (workflow_id <> '${id}') not valid`,
    );
    try {
      expect(
        (
          await label(
            rows,
            rows.map(() => ({ user_label: 'star' })),
          )
        ).status,
      ).toBe(500);
    } finally {
      await server.pool.query('alter table outbox drop constraint broken');
    }
    expect((await listed(id, '&open=true')).length).toBe(4);
    expect((await history(id)).total).toBe(0);
    expect(await server.db.select().from(batches)).toMatchObject([{ closedAt: null }]);
    expect(
      (
        await label(
          rows,
          rows.map(() => ({ user_label: 'star' })),
        )
      ).status,
    ).toBe(204);
    expect(await signals(id)).toEqual([LABELS_SUBMITTED]);
  });
});

describe('what the next training takes', () => {
  it('is the newest answer of each spectrum, and skipped ones are not asked about again', async () => {
    const id = await withBatch();
    const [b, a, estimate] = await listed(id);
    if (!b || !a || !estimate) throw new Error('no batch');
    await label([b, a, estimate], [{ user_label: 'star' }, { decision: 'skip' }, { user_label: 'galaxy' }]);
    await repository.openBatch(id, 1, [
      spectrum('CANDIDATE', 'b-0.fits'),
      spectrum('CANDIDATE', 'estimate-0.fits'),
    ]);
    const again = await listed(id, '&iteration=1');
    await label(again, [{ user_label: 'Be star' }, { decision: 'unsure' }]);
    expect(await newest(id)).toEqual({ 'b-0.fits': 'Be star' });
    expect(await repository.excludedKeys(id)).toEqual(['a-0.fits', 'b-0.fits', 'estimate-0.fits']);
    // A correction of the older labelling is newer.
    await label([b], [{ user_label: 'galaxy' }]);
    expect(await newest(id)).toEqual({ 'b-0.fits': 'galaxy' });
    await label([b], [{ user_label: null }]);
    expect(await newest(id)).toEqual({ 'b-0.fits': 'Be star' });
  });

  it('holds imported labels, with where they come from, below those given here', async () => {
    const id = await withBatch();
    await writeFile(
      join(server.filesDir, 'earlier.csv'),
      'label,filename\nstar,b-0.fits\nBe star,"far, away.fits"\n,unknown.fits\n',
    );
    const given = { labels_path: '/earlier.csv', source: 'Hou et al. 2016', labelled_by: 'Hou' };
    const path = `/jobs/${id}/labellings/import`;
    expect((await post(path, given)).body).toEqual({ added: 2, changed: 0, unchanged: 0 });
    expect((await post(path, given)).body).toEqual({ added: 0, changed: 0, unchanged: 2 });
    expect(await newest(id)).toEqual({ 'b-0.fits': 'star', 'far, away.fits': 'Be star' });
    const [b] = await listed(id);
    await label(b ? [b] : [], [{ user_label: 'galaxy', labelled_by: 'Ada' }]);
    await writeFile(join(server.filesDir, 'earlier.csv'), 'label,filename\nBe star,b-0.fits\n');
    expect((await post(path, given)).body).toEqual({ added: 0, changed: 1, unchanged: 0 });
    expect(await newest(id)).toEqual({ 'b-0.fits': 'galaxy', 'far, away.fits': 'Be star' });
    // They are no part of a batch.
    expect(await listed(id)).toHaveLength(4);
    expect(await repository.countOpen(id)).toBe(2);
    expect(await listed(id, '&imported=true')).toMatchObject([
      { spectrum_filename: 'b-0.fits', source: 'Hou et al. 2016', user_label: 'Be star' },
      { spectrum_filename: 'far, away.fits', labelled_by: 'Hou' },
    ]);
    expect((await history(id)).values.map(({ source, user_label }) => [source, user_label])).toEqual([
      ['Hou et al. 2016', 'star'],
      ['Hou et al. 2016', 'Be star'],
      [undefined, 'galaxy'],
      ['Hou et al. 2016', 'Be star'],
    ]);
  });

  it.each(['label,filename\nquasar,x.fits\n', 'name\nx.fits\n', undefined])(
    'does not import %j',
    async (text) => {
      const id = await running();
      if (text !== undefined) await writeFile(join(server.filesDir, 'wrong.csv'), text);
      const labels_path = text === undefined ? '/absent.csv' : '/wrong.csv';
      const answer = await post(`/jobs/${id}/labellings/import`, { labels_path, source: 'nobody' });
      expect(answer.status).toBe(422);
      expect(errorOf(answer).errors?.[0]?.path).toMatch(/^labels_path/);
      expect(await repository.excludedKeys(id)).toEqual([]);
    },
  );
});

describe('classes that change on the way', () => {
  const classes = async (id: string, body: object) => patch(`/jobs/${id}/classes`, body);

  it('map the labels that were given, keep them in the history, and open split ones again', async () => {
    const id = await withBatch();
    const rows = await listed(id);
    await label(
      rows,
      ['Be star', 'star', 'galaxy', 'Be star'].map((user_label) => ({ user_label, labelled_by: 'Ada' })),
    );
    await repository.openBatch(id, 1, [spectrum('ORACLE', 'new.fits'), spectrum('ORACLE', 'other.fits')]);
    const [fresh, other] = await listed(id, '&iteration=1');
    if (!fresh || !other) throw new Error('no batch');
    await label([fresh], [{ user_label: 'star', labelled_by: 'Ada' }]);
    const changed = await classes(id, {
      classes: ['nebula', 'Be', 'B[e]', 'hot star', 'cool star'],
      candidate_classes: ['B[e]'],
      becomes: { 'Be star': 'Be', star: null, galaxy: 'nebula' },
      changed_by: 'Ada',
    });
    expect(changed.status).toBe(200);
    expect(ClassList.parse(changed.body)).toMatchObject({
      version: 2,
      changed_by: 'Ada',
      candidate_classes: ['B[e]'],
    });
    expect(await newest(id, 2)).toEqual({
      'b-0.fits': 'Be',
      'estimate-0.fits': 'nebula',
      'candidate-0.fits': 'Be',
    });
    await expect(newest(id, 1)).rejects.toThrow(ClassListChanged);
    expect(await repository.excludedKeys(id)).not.toContain('a-0.fits');
    expect(await repository.countOpen(id)).toBe(2);
    expect((await history(id)).values.map((value) => [value.user_label, value.class_list_version])).toEqual([
      ['Be star', 1],
      ['star', 1],
      ['galaxy', 1],
      ['Be star', 1],
      ['star', 1],
    ]);
    expect((await label([fresh], [{ user_label: 'star' }])).status).toBe(422);
    expect((await label([fresh, other], [{ user_label: 'hot star' }, { user_label: 'Be' }])).status).toBe(
      204,
    );
    expect(await signals(id)).toHaveLength(2);
    expect((await get(`/jobs/${id}/classes`)).body).toMatchObject({
      class_lists: [{ version: 2 }, { version: 1, classes: CONFIG.classes }],
    });
  });

  it('may swap their names', async () => {
    const id = await withBatch();
    await label(
      await listed(id),
      ['star', 'galaxy', 'star', 'Be star'].map((user_label) => ({ user_label })),
    );
    await classes(id, { ...CONFIG, becomes: { star: 'galaxy', galaxy: 'star' } });
    expect((await listed(id)).map((row) => row.user_label)).toEqual(['galaxy', 'star', 'galaxy', 'Be star']);
  });

  it('are refused where they say too little, or the job is no running campaign', async () => {
    const id = await running();
    const body = { classes: ['star', 'galaxy'], candidate_classes: ['star'] };
    const lost = await classes(id, body);
    expect(lost.status).toBe(422);
    expect(errorOf(lost).errors?.[0]).toMatchObject({ path: 'becomes' });
    expect((await classes(id, { ...body, becomes: { 'Be star': 'quasar' } })).status).toBe(422);
    expect((await classes(id, { ...body, becomes: { 'Be star': null, quasar: 'star' } })).status).toBe(422);
    expect(
      (await classes(id, { ...body, candidate_classes: ['x'], becomes: { 'Be star': null } })).status,
    ).toBe(422);
    expect((await classes(randomUUID(), body)).status).toBe(404);
    expect((await classes(await pending(), body)).status).toBe(409);
    expect((await classes(await running({ ...CONFIG, iteration: 1 }), body)).status).toBe(409);
  });
});

describe('people who disagree', () => {
  const disagreements = async (id: string, query = '') =>
    DisagreementPage.parse((await get(`/jobs/${id}/labellings/disagreements${query}`)).body);

  it('are listed until one of them settles it', async () => {
    const id = await withBatch();
    const [b, a] = await listed(id);
    if (!b || !a) throw new Error('no batch');
    const by = (labelled_by: string, user_label: string) => ({ user_label, labelled_by });
    await label([b], [by('Ada', 'star')]);
    await label([b], [by('Ada', 'galaxy')]);
    await label([a, b], [by('Ada', 'star'), by('Grace', 'galaxy')]);
    expect(await disagreements(id)).toMatchObject({ total: 0, disagreements: [] });
    await label([b, a], [by('Grace', 'star'), by('Grace', 'Be star')]);
    const { total, disagreements: found } = await disagreements(id);
    expect(total).toBe(2);
    expect(
      found.map(({ object, labels }) => [object, ...labels.map((one) => [one.labelled_by, one.user_label])]),
    ).toEqual([
      ['a-0.fits', ['Ada', 'star'], ['Grace', 'Be star']],
      ['b-0.fits', ['Ada', 'galaxy'], ['Grace', 'star']],
    ]);
    expect(await disagreements(id, '?offset=5')).toMatchObject({ total: 2, disagreements: [] });
    await label([a], [{ ...by('Grace', 'Be star'), settles: true }]);
    expect((await disagreements(id)).disagreements.map(({ object }) => object)).toEqual(['b-0.fits']);
    expect((await newest(id))['a-0.fits']).toBe('Be star');
    // Under new names they may say the same.
    await patch(`/jobs/${id}/classes`, {
      classes: ['star', 'Be star'],
      candidate_classes: ['Be star'],
      becomes: { galaxy: 'star' },
    });
    expect((await disagreements(id)).total).toBe(0);
    await label([a], [by('Ada', 'star')]);
    expect((await disagreements(id)).total).toBe(1);
  });

  it('may have seen different spectra of one object', async () => {
    const id = await running();
    await repository.openBatch(id, 0, [
      { ...spectrum('ORACLE', 'one.fits'), objectKey: 'J0123' },
      { ...spectrum('CANDIDATE', 'two.fits'), objectKey: 'J0123' },
    ]);
    const rows = await listed(id);
    await label(rows, [
      { user_label: 'star', labelled_by: 'Ada' },
      { user_label: 'galaxy', labelled_by: 'Grace' },
    ]);
    expect((await disagreements(id)).disagreements).toMatchObject([{ object: 'J0123' }]);
  });

  it('may have labelled before the campaign, in which a spectrum has another key', async () => {
    const id = await running();
    await repository.openBatch(id, 0, [
      { ...spectrum('ORACLE', 'one.fits'), spectrumKey: '17', objectKey: 'J0123' },
    ]);
    await label(await listed(id), [{ user_label: 'star', labelled_by: 'Ada' }]);
    await writeFile(join(server.filesDir, 'other.csv'), 'filename,label\none.fits,galaxy\n');
    const imported = { labels_path: '/other.csv', source: 'Hou et al. 2016' };
    expect((await post(`/jobs/${id}/labellings/import`, imported)).status).toBe(200);
    expect(await disagreements(id)).toMatchObject({ total: 1, disagreements: [{ object: 'J0123' }] });
  });

  it('need a label to settle with', async () => {
    const id = await withBatch();
    const [row] = await listed(id);
    expect((await patch(`/labellings/${row?.labelling_id}`, { settles: true })).status).toBe(422);
  });
});

describe('settings', () => {
  it('reach the running campaign in order', async () => {
    const id = await running();
    const path = `/jobs/${id}/settings`;
    expect((await patch(path, { oracle_batch_size: 50, strategy: 'margin' })).status).toBe(202);
    expect((await patch(path, { strategy: 'random' })).status).toBe(202);
    expect(await signals(id)).toEqual([
      { signal: 'changeSettings', input: { oracle_batch_size: 50, strategy: 'margin' } },
      { signal: 'changeSettings', input: { strategy: 'random' } },
    ]);
    expect((await get(`/jobs/${id}/log`)).body).toMatchObject({
      lines: [
        { message: 'from the next iteration on: oracle_batch_size 50, strategy margin' },
        { message: 'from the next iteration on: strategy random' },
      ],
    });
    expect((await get(path)).body).toEqual({
      oracle_batch_size: 50,
      perf_est_batch_size: 10,
      strategy: 'random',
    });
    expect((await get(`/jobs/${await pending()}/settings`)).status).toBe(409);
    expect((await patch(path, { strategy: 'best' })).status).toBe(422);
    expect((await patch(path, { classes: [] })).status).toBe(422);
    expect((await patch(`/jobs/${await pending()}/settings`, { strategy: 'random' })).status).toBe(409);
  });
});

describe('spectrolabe label', () => {
  const simulate = async (id: string, options: Record<string, string> = {}) => {
    const oracle = join(server.filesDir, 'oracle.csv');
    const names = ['a', 'b', 'estimate'].flatMap((name) => [0, 1].map((i) => `${name}-${i}.fits`));
    await writeFile(oracle, `filename,label\n${names.map((name) => `${name},galaxy\n`).join('')}`);
    const lines: string[] = [];
    const print = vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
    try {
      const defaults = { errorRate: '0', delay: '0', seed: '0', labelledBy: 'simulated oracle' };
      const code = await simulateOracle(id, { oracle, api: server.origin, ...defaults, ...options });
      return { code, lines };
    } finally {
      print.mockRestore();
    }
  };

  it('labels batch after batch, through a restart of the API, until the campaign ends', async () => {
    const id = await withBatch();
    const ended = simulate(id, { delay: '0.05' });
    await expect.poll(() => signals(id), { timeout: 20_000 }).toHaveLength(1);
    await server.restart({ PORT: Number(new URL(server.origin).port) });
    await repository.openBatch(id, 1, [spectrum('ORACLE', 'a-1.fits'), spectrum('ORACLE', 'unknown.fits')]);
    await expect.poll(() => signals(id), { timeout: 20_000 }).toHaveLength(2);
    await server.jobs.complete(id, { artifacts: [] });
    const { code, lines } = await ended;
    expect(code).toBe(0);
    expect(lines).toEqual([
      expect.stringContaining('Simulated oracle'),
      'iteration 0: 2 for the oracle, 1 for the estimate; 0 wrong on purpose, 0 skipped (unknown)',
      'iteration 1: 2 for the oracle, 0 for the estimate; 0 wrong on purpose, 1 skipped (unknown)',
      'COMPLETED',
    ]);
    expect(await newest(id)).toEqual({
      'a-0.fits': 'galaxy',
      'a-1.fits': 'galaxy',
      'b-0.fits': 'galaxy',
      'estimate-0.fits': 'galaxy',
    });
    expect((await listed(id, '&set=CANDIDATE&open=true')).length).toBe(1);
    expect((await history(id)).total).toBe(5);
  });

  it('labels a completed step of an old client, and stops', async () => {
    const id = await withBatch({ ...CONFIG, iteration: 1 }, 1);
    await server.jobs.complete(id, { artifacts: [] });
    const { code, lines } = await simulate(id, { errorRate: '1', labelledBy: 'Ada' });
    expect([code, lines.length]).toEqual([0, 3]);
    const rows = await listed(id, '&open=false');
    expect(rows).toHaveLength(3);
    for (const row of rows) {
      expect(row).toMatchObject({ labelled_by: 'Ada' });
      expect(['star', 'Be star']).toContain(row.user_label);
    }
  });

  it('says what it was called wrongly with', async () => {
    const id = await pending();
    expect((await simulate(id, { errorRate: '2' })).code).toBe(2);
    expect((await simulate('nonsense')).code).toBe(2);
    expect((await simulate(id, { oracle: join(server.filesDir, 'absent.csv') })).code).toBe(2);
  });
});

describe('two people at one spectrum', () => {
  const unanswered = { user_label: null, decision: null };

  it('never take the place of an answer that they have not seen', async () => {
    const id = await withBatch();
    const [first, second] = await listed(id, '&set=ORACLE');
    if (!first || !second) throw new Error('the batch is empty');
    const path = `/labellings/${first.labelling_id}`;
    const answer = (user_label: string, labelled_by: string, expected: object = unanswered) =>
      patch(path, { user_label, labelled_by, expected });
    expect((await answer('star', 'Ada')).status).toBe(200);
    // Sent again after an answer that was lost on its way: nothing has changed.
    expect((await answer('star', 'Ada')).status).toBe(200);
    const refused = await answer('Be star', 'Grace');
    expect(refused.status).toBe(409);
    expect(refused.body).toMatchObject({ code: 'answered_meanwhile' });
    // One of a batch spoils the batch.
    expect(
      (await label([second, first], [{ user_label: 'Be star' }, { decision: 'skip', expected: unanswered }]))
        .status,
    ).toBe(409);
    expect((await get(path)).body).toMatchObject({ user_label: 'star', labelled_by: 'Ada' });
    expect((await get(`/labellings/${second.labelling_id}`)).body).not.toHaveProperty('user_label');
    // Who agrees says so; who has seen it may change it.
    expect((await answer('star', 'Grace')).body).toMatchObject({ labelled_by: 'Grace' });
    expect((await answer('Be star', 'Grace', { user_label: 'star' })).body).toMatchObject({
      user_label: 'Be star',
    });
    expect((await history(id)).values.map(({ user_label }) => user_label)).toEqual([
      'star',
      'star',
      'Be star',
    ]);
  });

  it('hear of each other: one event, the newest', async () => {
    const id = await withBatch();
    const [first] = await listed(id, '&set=ORACLE');
    if (!first) throw new Error('the batch is empty');
    const told = async () => {
      const rows = await createEventsRepository(server.db).list(id, { limit: 100, kind: 'labels' });
      return rows.map((row) => row.id);
    };
    const before = await told();
    await label([first], [{ user_label: 'star' }]);
    const [event, ...more] = await told();
    expect(event).toBeGreaterThan(before[0] ?? 0);
    expect(more).toEqual([]);
    // Nothing new is said: nobody is told.
    await label([first], [{ user_label: 'star' }]);
    expect(await told()).toEqual([event]);
  });
});
