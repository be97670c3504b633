import { z } from 'zod';

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/** One name that workers may reach (docs/egress.md), complete. Of several that fit a host the most exact counts. */
export const egressRule = z.object({
  /** Lower case, ASCII, no dot at the end; `*.` in front stands for one label or more. */
  host: z.string().min(1).max(255),
  ports: z.array(z.int().min(1).max(65_535)).min(1),
  /** The host's side of the door ends TLS and sees each request; else it sees names and bytes alone. */
  inspect: z.boolean(),
  /** What may be asked; of use only where requests are seen. */
  methods: z.array(z.enum(methods)).min(1),
  /** Beginnings of paths, by whole segments. */
  paths: z.array(z.string().startsWith('/').max(2048)).min(1),
  /** Bytes one attempt may send to this name, and get from it; null: those of the attempt. */
  upload_bytes: z.int().nonnegative().nullable(),
  download_bytes: z.int().nonnegative().nullable(),
});
export type EgressRule = z.infer<typeof egressRule>;

/** What the workers of a run may reach, and how much one attempt may send and get in all. */
export const egressSettings = z.object({
  allow: z.array(egressRule).min(1),
  upload_bytes: z.int().nonnegative(),
  download_bytes: z.int().nonnegative(),
});
export type EgressSettings = z.infer<typeof egressSettings>;

/** Why something was not let out, or was cut off. */
export const egressReasons = [
  'name',
  'host',
  'port',
  'address',
  'unresolved',
  'unreachable',
  'not_recorded',
  'too_many',
  'not_tls',
  'server_name',
  'malformed',
  'host_header',
  'target',
  'path',
  'method',
  'body',
  'secret',
  'upload',
  'download',
  'silent',
] as const;
export type EgressReason = (typeof egressReasons)[number];

/** One thing that happened at the way out. Text in it is the worker's own, cut. */
export const egressFact = z.object({
  /** `opened`: a connection, before its first byte; `answered`: a request in it; `closed`: a connection that was not looked into. */
  event: z.enum(['opened', 'answered', 'closed', 'refused']),
  host: z.string(),
  port: z.int().nullable(),
  inspected: z.boolean(),
  method: z.string().nullable(),
  path: z.string().nullable(),
  /** HTTP status of the answer. */
  status: z.int().nullable(),
  sent_bytes: z.int().nonnegative(),
  received_bytes: z.int().nonnegative(),
  reason: z.enum(egressReasons).nullable(),
  /** More than 1: of these the rest has no record of its own. */
  count: z.int().positive(),
});
export type EgressFact = z.infer<typeof egressFact>;

/** What a worker is told of the way out; absent from an order: there is none. */
export const egressOrder = z.object({
  /** PEM of the authority that signs for inspected hosts; null where none is. */
  certificate: z.string().nullable(),
});
export type EgressOrder = z.infer<typeof egressOrder>;
