// Requests held to the API's own description: a path, a query or a body that it doesn't know does not compile, and
// neither does a reading of its answer that differs from schema.d.ts. `make client` writes that file anew.
import { request, type Options } from './request';
import type { paths } from './schema';

type Verb = 'get' | 'post' | 'put' | 'patch' | 'delete';
type PathOf<V extends Verb> = { [P in keyof paths]: paths[P][V] extends object ? P : never }[keyof paths];
type Operation<V extends Verb, P extends keyof paths> = NonNullable<paths[P][V]>;
type Ids<P> = P extends `${string}{${infer Name}}${infer Rest}` ? Record<Name, number> & Ids<Rest> : unknown;
type Json<T> = T extends { content: { 'application/json': infer J } } ? J : never;
type Body<O> = O extends { requestBody?: infer B } ? Omit<Json<NonNullable<B>>, '$schema'> : never;
type Query<O> = O extends { parameters: { query?: infer Q } } ? Q : never;
type Answer<O> = O extends { responses: infer R }
  ? R extends { 200: infer A }
    ? Json<A>
    : R extends { 201: infer A }
      ? Json<A>
      : R extends { 202: infer A }
        ? Json<A>
        : void
  : never;

interface Ask<O> {
  query?: Query<O>;
  body?: Body<O>;
  key?: string;
  signal?: AbortSignal;
}

// What the description leaves open (raw JSON) is taken at its word.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Known<W> = unknown extends W ? any : W extends object ? { [K in keyof W]: Known<W[K]> } : W;
// The desk knows more closely what a text may be than the description, which says only that it is a text.
type Wide<T> = T extends string
  ? string
  : T extends number
    ? number
    : T extends object
      ? { [K in keyof T]: Wide<T[K]> }
      : T;

/** Reads an answer as one of the desk's types: each of its fields must be described, with the same kind of value. */
export const as = <T>(answer: Promise<Wide<T>>) => answer as Promise<T>;

function asking<V extends Verb>(verb: V) {
  return <P extends PathOf<V>>(path: P, ids: Ids<P>, ask: Ask<Operation<V, P>> = {}) =>
    request<Known<Answer<Operation<V, P>>>>(
      verb.toUpperCase(),
      fill(path, ids as Record<string, number>),
      ask as Options,
    );
}

function fill(path: string, ids: Record<string, number>): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => String(ids[name]));
}

export const get = asking('get');
export const post = asking('post');
export const put = asking('put');
export const patch = asking('patch');
export const del = asking('delete');
