import { z } from 'zod';
import { appErrorSchema } from './app-error.ts';
import { agentDefinition } from './agent-definition.ts';
import { egressOrder } from './egress.ts';
import { taskRun } from './plan.ts';
import { commandReport, feedback } from './payloads/work.ts';

/**
 * The worker's door (DESIGN §6): HTTP/2 over the container's standard input and output, the worker is the client.
 * Besides `doorPaths` there are the wire formats of code agents, below `/model/<dialect>/`.
 */
export const doorPaths = {
  next: '/queue/next',
  complete: '/queue/complete',
  progress: '/progress',
  bundle: '/result/bundle',
  /** PUT and GET: what the task's next attempt goes on from. */
  checkpoint: '/checkpoint',
  /** GET: what people told whoever works on the task (`noteList`). */
  notes: '/notes',
  /** GET: tools the host offers (`hostToolList`). */
  tools: '/tools',
  /** POST: uses one (`hostToolCall` -> `hostToolAnswer`). */
  toolCall: '/tools/call',
  /** POST: the neutral dialect (`chatRequest`). Wire formats of code agents lie below `/model/<dialect>/`. */
  chat: '/model/chat',
} as const;

/** What the runtime reads of its own confinement, sent with its first pull; the host refuses to give a task when it differs from what was asked (S1). */
export const selfReport = z.object({
  /** How the kernel names itself; gVisor has a name of its own. */
  kernel: z.string(),
  uid: z.int(),
  capabilities_bounding: z.string(),
  /** Null: this kernel does not tell. */
  no_new_privileges: z.boolean().nullable(),
  seccomp_mode: z.int(),
  /** Null: the kernel has no AppArmor. */
  apparmor_profile: z.string().nullable(),
  interfaces: z.array(z.string()),
  memory_limit_bytes: z.number().nullable(),
  pids_limit: z.number().nullable(),
  cpu_limit: z.number().nullable(),
  /** Sizes of what is in memory at /workspace and /tmp; null: it is not in memory. */
  workspace_bytes: z.number().nullable(),
  temporary_bytes: z.number().nullable(),
  /** Hard limits of each process; null: none. */
  open_files_limit: z.number().nullable(),
  file_size_limit_bytes: z.number().nullable(),
  core_size_limit_bytes: z.number().nullable(),
  /** Everything mounted, with whether it can be written there. */
  mounts: z
    .array(z.object({ target: z.string(), type: z.string(), writable: z.boolean() }))
    .max(1000)
    .default([]),
  /** Of the paths of the kernel that an engine has to hide or write-protect, those that exist and are not. */
  exposed_paths: z.array(z.string()).max(100).default([]),
  node_version: z.string(),
});
export type SelfReport = z.infer<typeof selfReport>;

const workspace = z.object({
  /** Folder of the read-only mirror inside the container. */
  mirror: z.string(),
  base_oid: z.string(),
  /** Seconds each command may take. */
  command_timeout: z.int().positive(),
  verify: z.array(z.string()),
  /** Folders of the image's own programs, which come first on the path of every command. */
  tool_folders: z.array(z.string()).optional(),
  egress: egressOrder.optional(),
});

/** The agent that is to carry a task out, and what it finds. */
export const agentOrder = z.object({
  definition: agentDefinition,
  /** Seconds the agent may take in all. */
  agent_timeout: z.int().positive(),
  /** The name foreign agents are told for their model; which one answers is the host's to say. */
  model: z.string(),
  acceptance: z.array(z.string()),
  paths: z.array(z.string()),
  /** There is a checkpoint of an earlier attempt to go on from. */
  resume: z.boolean(),
});
export type AgentOrder = z.infer<typeof agentOrder>;

/**
 * What the worker is to do: carry out a task and hand over a bundle, only run checks on a commit, or check a commit out into a folder
 * that other workers are to have as their repository.
 */
export const workOrder = z.discriminatedUnion('kind', [
  workspace.extend({
    kind: z.literal('task'),
    attempt_id: z.string(),
    title: z.string(),
    instructions: z.string(),
    /** Null where an agent is to do it. */
    run: taskRun.nullable(),
    agent: agentOrder.nullable(),
    allow_empty: z.boolean(),
    feedback: feedback.nullable(),
    /** The one ref the bundle must carry. */
    result_ref: z.string(),
  }),
  workspace.extend({ kind: z.literal('verify') }),
  workspace.extend({ kind: z.literal('prepare') }),
]);
export type WorkOrder = z.infer<typeof workOrder>;

export const nextRequest = z.object({ report: selfReport });
export type NextRequest = z.infer<typeof nextRequest>;

/** What the worker ends its work with. `commit` and `tree` are claims. */
export const workReport = z.object({
  outcome: z.enum(['done', 'failed']),
  commit: z.string().nullable(),
  tree: z.string().nullable(),
  agent: commandReport.nullable(),
  verify: z.array(commandReport),
  error: appErrorSchema.nullable(),
});
export type WorkReport = z.infer<typeof workReport>;

export const progressRequest = z.object({
  message: z.string().max(4096),
  /** Counts what the worker did: the beat repeats a step, whatever is new has the next number. */
  step: z.int().nonnegative().optional(),
  /** Seconds that what it does now may take without another sign, from the first time the step is told. */
  allowed_seconds: z.number().nonnegative().max(86_400).optional(),
});
export type ProgressRequest = z.infer<typeof progressRequest>;

/** Notes of people for whoever works on the task, all of them, oldest first: who has heard one knows its id. */
export const noteList = z.object({
  notes: z.array(z.object({ id: z.string(), text: z.string(), by: z.string() })),
});
export type NoteList = z.infer<typeof noteList>;

/** A tool on the host's side of the door. */
export const hostToolList = z.object({
  tools: z.array(
    z.object({ name: z.string(), description: z.string(), parameters: z.record(z.string(), z.unknown()) }),
  ),
});
export type HostToolList = z.infer<typeof hostToolList>;

export const hostToolCall = z.object({ name: z.string().min(1).max(128), input: z.unknown() });
export type HostToolCall = z.infer<typeof hostToolCall>;

/** What a tool said; `is_error`: it could not do it, and the text says why. */
export const hostToolAnswer = z.object({ text: z.string(), is_error: z.boolean() });
export type HostToolAnswer = z.infer<typeof hostToolAnswer>;

/** Bytes of a checkpoint, whose content only workers of the same task read. */
export const maximumCheckpointBytes = 16_777_216;
