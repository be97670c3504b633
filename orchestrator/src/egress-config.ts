import type { EgressRule, EgressSettings } from '@agentcompany/protocol';
import { z } from 'zod';
import { canonicalHost } from './egress/egress-rules.ts';

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
const amount = z
  .int()
  .min(0)
  .max(2 ** 43);

function canonicalPattern(written: string): string | null {
  const name = canonicalHost(written.replace(/^\*\./, ''));
  if (name === null) return null;
  if (!written.startsWith('*.')) return name;
  // `*.org` would be everybody.
  return name.includes('.') ? `*.${name}` : null;
}

const host = z
  .string()
  .max(255)
  .refine(
    (written) => canonicalPattern(written) !== null,
    'a host name is expected, or `*.` and a name with a dot: no address, no scheme, no path',
  );
const port = z.int().min(1).max(65_535);

/** `name`, `name:port`; both also with `*.` in front. */
const hostWithPort = z
  .string()
  .max(261)
  .refine((written) => {
    const { name, ports } = splitPort(written);
    return (
      canonicalPattern(name) !== null && ports.length === 1 && ports.every((value) => port.safeParse(value).success)
    );
  }, 'a host name, with an optional :port, is expected');

const hostSettings = z
  .strictObject({
    host,
    ports: z.array(port).min(1).max(16).default([443]),
    inspect: z.boolean().default(true),
    methods: z.array(z.enum(methods)).min(1).optional(),
    paths: z
      .array(
        z
          .string()
          .max(2048)
          .regex(
            /^\/(?!.*\/\.{1,2}(?:\/|$))[^%?#\\\s]*$/,
            'a path such as /group/name, without escapes and query, is expected',
          ),
      )
      .min(1)
      .max(100)
      .optional(),
    upload_bytes: amount.nullable().default(null),
    download_bytes: amount.nullable().default(null),
  })
  .refine(
    ({ inspect, methods: some, paths }) => inspect || (some === undefined && paths === undefined),
    'methods and paths are only seen where inspect is on',
  );

/** `egress_allow` of the configuration (docs/egress.md). */
export const egressAllow = z
  .array(z.union([hostWithPort, hostSettings], { error: ({ input }) => problemOf(input) }))
  .max(1000)
  .superRefine((entries, context) => {
    const seen = new Set<string>();
    for (const { host: pattern } of entries.map(toRule)) {
      if (seen.has(pattern)) context.addIssue({ code: 'custom', message: `${pattern} is named twice` });
      seen.add(pattern);
    }
  });

/** `egress_limits`: bytes of one attempt, to and from all hosts together. */
export const egressLimits = z.strictObject({
  upload_bytes: amount.default(1_048_576),
  download_bytes: amount.default(2_147_483_648),
});

/** A union says only that nothing fitted; what is wrong with the form that was meant is more use. */
function problemOf(input: unknown): string {
  const form = typeof input === 'string' ? hostWithPort : hostSettings;
  const issue = form.safeParse(input).error?.issues[0];
  return issue === undefined ? 'a host is expected' : [...issue.path, issue.message].join(': ');
}

function splitPort(written: string): { readonly name: string; readonly ports: readonly number[] } {
  const [name = '', ...rest] = written.split(':');
  return { name, ports: rest.length === 0 ? [443] : rest.map((text) => (/^\d{1,5}$/.test(text) ? Number(text) : NaN)) };
}

type Entry = string | z.infer<typeof hostSettings>;

function toRule(entry: Entry): EgressRule {
  const { host: pattern, methods: some, paths, ...settings } = typeof entry === 'string' ? fromText(entry) : entry;
  return {
    ...settings,
    host: canonicalPattern(pattern) ?? pattern,
    methods: some ?? ['GET', 'HEAD'],
    paths: paths ?? ['/'],
  };
}

function fromText(written: string): z.infer<typeof hostSettings> {
  const { name, ports } = splitPort(written);
  return { host: name, ports: [...ports], inspect: true, upload_bytes: null, download_bytes: null };
}

interface EgressConfig {
  readonly egress_allow: readonly (string | ReadonlyEntry)[];
  readonly egress_limits: { readonly upload_bytes: number; readonly download_bytes: number };
}
type ReadonlyEntry = {
  readonly [Key in keyof z.infer<typeof hostSettings>]: Readonly<z.infer<typeof hostSettings>[Key]>;
};

/** What a run is promised of the way out, as it stands on record; null: there is none. */
export function egressSettingsOf(config: EgressConfig): EgressSettings | null {
  if (config.egress_allow.length === 0) return null;
  return { allow: config.egress_allow.map((entry) => toRule(entry as Entry)), ...config.egress_limits };
}
