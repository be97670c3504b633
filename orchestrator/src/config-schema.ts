import { z } from 'zod';
import { egressAllow, egressLimits } from './egress-config.ts';

/** Names of every adapter the product is designed for; a version accepts those it contains (`available`). */
const adapters = {
  message_queue: { known: ['file', 'sqlite', 'redis', 'mail'], available: ['file', 'sqlite', 'redis'] },
  container_runtime: { known: ['dod', 'rootless', 'dind'], available: ['dod', 'rootless', 'dind'] },
} as const;

/** Where envelopes are kept unless the configuration says otherwise. */
const defaultMessageQueue = 'file';

function adapter<Available extends string>(known: readonly string[], available: readonly [Available, ...Available[]]) {
  return z.enum(available, {
    error: ({ input }) =>
      typeof input === 'string' && known.includes(input)
        ? `${input} is not in this version; available: ${available.join(', ')}`
        : `one of ${available.join(', ')} is expected`,
  });
}

/** Where a key is found: the reference stays as it is until a model is called, so the configuration never holds a key. */
const keyReference = z
  .string()
  .regex(/^\$\{[A-Za-z_][A-Za-z0-9_]*\}$/, 'a reference such as ${MODEL_KEY} is expected, never the key itself')
  .nullable();
const modelAddress = z
  .url({ protocol: /^https?$/, error: 'an http or https address is expected' })
  .max(2048)
  .refine((url) => !/[@?#]/.test(url), 'an address without user, query and fragment is expected');
const dollarsPerMillion = z.number().nonnegative().max(1_000_000);

/** How to reach models, and prices that differ from the table in the product (docs/models.md). */
const modelSettings = z.strictObject({
  anthropic: z
    .strictObject({
      base_url: modelAddress.nullable().default(null),
      api_key: keyReference.default('${ANTHROPIC_API_KEY}'),
    })
    .prefault({}),
  openai: z
    .strictObject({
      base_url: modelAddress.nullable().default(null),
      api_key: keyReference.default('${OPENAI_API_KEY}'),
    })
    .prefault({}),
  gemini: z
    .strictObject({
      base_url: modelAddress.nullable().default(null),
      api_key: keyReference.default('${GEMINI_API_KEY}'),
    })
    .prefault({}),
  ollama: z
    .strictObject({ base_url: modelAddress.default('http://127.0.0.1:11434'), api_key: keyReference.default(null) })
    .prefault({}),
  scripted: z.strictObject({ file: z.string().min(1).max(4096).nullable().default(null) }).prefault({}),
  /** US dollars per million tokens. */
  prices: z
    .array(
      z.strictObject({
        model: z.string().min(1).max(200),
        input: dollarsPerMillion,
        output: dollarsPerMillion,
        cache_read: dollarsPerMillion.optional(),
        cache_write: dollarsPerMillion.optional(),
      }),
    )
    .max(1000)
    .default([]),
});

/** No reference: what a process is started with can be seen by every user of the machine. */
const processWord = z
  .string()
  .min(1)
  .max(4096)
  .refine((word) => !word.includes('${'), 'a reference belongs into `env`: the command line of a process is no secret');
/** Characters of a tool's name as models take it, `SERVER__TOOL`. */
const maximumToolName = 64;

/** Servers of the Model Context Protocol that run on the engine's machine, by name (docs/mcp.md). */
const mcpServers = z
  .record(
    z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'a name of a-z, 0-9 and -, at most 32 characters, is expected'),
    z.strictObject({
      command: processWord,
      args: z.array(processWord).max(100).default([]),
      /** The whole environment of the process; `${NAME}` refers to the engine's. */
      env: z
        .record(
          z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'the name of a variable is expected'),
          z.string().max(32_768),
        )
        .default({}),
      /** Tools that agents are offered; of the others they learn nothing. */
      tools: z
        .array(z.string().regex(/^[A-Za-z0-9_-]{1,62}$/, 'a name of letters, digits, _ and - is expected'))
        .min(1)
        .max(100),
      /** Seconds that starting it, and one call, may take. */
      timeout: z.int().min(1).max(3600).default(60),
    }),
  )
  .superRefine((servers, context) => {
    for (const [server, { tools }] of Object.entries(servers))
      for (const [index, tool] of tools.entries())
        if (`${server}__${tool}`.length > maximumToolName)
          context.addIssue({
            code: 'custom',
            path: [server, 'tools', index],
            message: `${server}__${tool} is longer than the ${maximumToolName} characters that a tool's name may have`,
          });
  });

/** Every key of `config.json` with its default (DESIGN §8; docs/configuration.md). Times are in seconds unless the name says `_ms`. */
export const configSchema = z.strictObject({
  version: z.literal(1, { error: 'version 1 is expected; a later AgentCompany may have written this file' }).default(1),
  /** Containers at work at once. */
  max_workers: z.int().min(1).max(256).default(3),
  /** Workers that may wait, started and without work, for the next task; `max_workers` counts them too. */
  warm_workers: z.int().min(0).max(256).default(1),
  /** Whether the engine's own machine carries work out too, or worker hosts elsewhere do all. */
  local_workers: z.boolean().default(true),
  /** Memory of one worker container: a number of bytes with an optional k, m or g (powers of 1024). */
  worker_memory_limit: z
    .string()
    .regex(/^[1-9]\d{0,14}[kmg]?$/i, 'a size such as 512m or 2g is expected')
    .default('2g'),
  worker_cpus: z.number().positive().max(1024).default(2),
  /** Seconds each command a worker runs may take. */
  command_timeout: z.int().min(1).max(86_400).default(300),
  ai_adapter: z.enum(['ollama', 'anthropic', 'openai', 'gemini', 'scripted']).default('ollama'),
  model: z.string().min(1).nullable().default(null),
  fallback_model: z.string().min(1).nullable().default(null),
  models: modelSettings.prefault({}),
  container_runtime: adapter(adapters.container_runtime.known, adapters.container_runtime.available).default('dod'),
  /** OCI runtime of workers, by the name under which the engine has it registered. */
  oci_runtime: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'the name of a runtime such as runc or runsc is expected')
    .default('runc'),
  message_queue: adapter(adapters.message_queue.known, adapters.message_queue.available).default(defaultMessageQueue),
  /** Server of `message_queue: redis`; may hold a password, so no message repeats it. */
  redis_url: z
    .string()
    .regex(
      /^(?:rediss?|redis\+(?:sentinel|unix)):\/\/\S+$/,
      'an address such as redis://host:6379 is expected (rediss:// for TLS, redis+sentinel:// for Sentinel)',
    )
    .default('redis://127.0.0.1:6379'),
  max_attempts: z.int().min(1).max(100).default(3),
  max_review_rounds: z.int().min(0).max(100).default(3),
  max_deliveries: z.int().min(1).max(1000).default(20),
  lease_ms: z.int().min(1000).max(3_600_000).default(60_000),
  /** Days after which a run that has ended is forgotten; null: never. */
  retention_days: z.int().min(1).max(36_500).nullable().default(null),
  /** The same of what its workers reported along the way. */
  progress_retention_days: z.int().min(1).max(36_500).nullable().default(30),
  /** US dollars a run may spend; null: no limit. */
  budget_usd: z.number().nonnegative().nullable().default(null),
  /** Tokens a run may take: the limit for models without a price; null: no limit. */
  budget_tokens: z.int().nonnegative().nullable().default(null),
  /** Requests to models that the agent of one attempt may make in a minute; more wait. */
  model_requests_per_minute: z.int().min(1).max(100_000).default(120),
  /** Who judges results besides the rules; `auto`: a model where an agent with a model did the work. */
  review: z.enum(['rules', 'model', 'auto']).default('auto'),
  /** Model that reviews; null: `fallback_model`, else `model`. */
  reviewer_model: z.string().min(1).nullable().default(null),
  /** How often the Manager's model is asked what to do about one failing task, before a person is; 0: never. */
  max_triages: z.int().min(0).max(20).default(2),
  /** Seconds without a sign of progress after which a worker is asked how it stands; 0: never. */
  quiet_seconds: z.int().min(0).max(86_400).default(120),
  /** Whether exchanges with models are kept beside the run. */
  record_models: z.boolean().default(true),
  mcp_servers: mcpServers.default({}),
  on_failure: z.enum(['stop', 'partial']).default('stop'),
  approvals: z
    .strictObject({
      plan: z.enum(['auto', 'person']).default('auto'),
      protected_paths: z.enum(['person', 'refuse']).default('person'),
    })
    .prefault({}),
  egress_allow: egressAllow.default([]),
  egress_limits: egressLimits.prefault({}),
  package_caches: z
    .array(
      z.strictObject({
        kind: z.enum(['npm', 'pip', 'go']),
        folder: z.string().max(4096).startsWith('/', 'an absolute path is expected'),
      }),
    )
    .refine(
      (caches) => new Set(caches.map(({ kind }) => kind)).size === caches.length,
      'one cache of a kind is expected',
    )
    .default([]),
  allow_dind: z.boolean().default(false),
  allow_ssh_agent: z.boolean().default(false),
  accept_no_limits: z.boolean().default(false),
  accept_volatile: z.boolean().default(false),
  api: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      port: z.int().min(0).max(65_535).default(4750),
      /** PEM files; both or neither. */
      certificate_file: z.string().startsWith('/', 'an absolute path is expected').nullable().default(null),
      key_file: z.string().startsWith('/', 'an absolute path is expected').nullable().default(null),
    })
    .refine(
      (api) => (api.certificate_file === null) === (api.key_file === null),
      'certificate_file and key_file are given together',
    )
    .prefault({}),
});

type Frozen<Value> = Value extends object ? { readonly [Key in keyof Value]: Frozen<Value[Key]> } : Value;
/** The company's configuration, checked, complete and frozen. Keys are those of the file. */
export type Config = Frozen<z.infer<typeof configSchema>>;
export type ConfigKey = keyof Config;
export const configKeys = Object.keys(configSchema.shape) as readonly ConfigKey[];

/** What a project may settle for its own runs (`policy` of projects.json). */
export const policyKeys = [
  'command_timeout',
  'max_attempts',
  'max_review_rounds',
  'max_triages',
  'quiet_seconds',
  'budget_usd',
  'budget_tokens',
  'review',
  'mcp_servers',
  'on_failure',
  'approvals',
  'worker_memory_limit',
  'worker_cpus',
  'egress_allow',
  'egress_limits',
] as const satisfies readonly ConfigKey[];

/** Bytes of a `worker_memory_limit` such as `2g` (k, m, g are powers of 1024). */
export function memoryBytes(limit: string): number {
  const unit = limit.slice(-1).toLowerCase();
  const power = ['k', 'm', 'g'].indexOf(unit) + 1;
  return Number.parseInt(limit, 10) * 1024 ** power;
}
