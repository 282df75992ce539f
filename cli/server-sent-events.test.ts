import { expect, it } from 'vitest';
import { readEvents } from './server-sent-events.ts';

async function parse(...chunks: string[]) {
  async function* body() {
    for (const chunk of chunks) yield await Promise.resolve(new TextEncoder().encode(chunk));
  }
  return collect(body());
}
async function collect(body: AsyncGenerator<Uint8Array>) {
  const events = [];
  for await (const event of readEvents(body)) events.push(event);
  return events;
}

it('joins events over chunk borders, also in the middle of a character', async () => {
  const whole = new TextEncoder().encode('id: 1\nevent: log\ndata: {"message":"Hα"}\n\n');
  async function* body() {
    yield await Promise.resolve(whole.slice(0, 37));
    yield whole.slice(37);
  }
  expect(await collect(body())).toEqual([{ id: '1', event: 'log', data: '{"message":"Hα"}' }]);
});

it('joins data lines, skips comments, keeps the id and takes every line end', async () => {
  expect(await parse(': beat\r\n\r\nid: 7\r\ndata: a\r\ndata: b\r\n\r\ndata:c\n\n')).toEqual([
    { id: '7', event: 'message', data: 'a\nb' },
    { id: '7', event: 'message', data: 'c' },
  ]);
});

it('leaves out an event that was cut off', async () => {
  expect(await parse('data: a\n\ndata: b\n')).toEqual([{ id: '', event: 'message', data: 'a' }]);
});
