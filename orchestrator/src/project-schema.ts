import { slug } from '@agentcompany/protocol';
import { z } from 'zod';
import { configSchema, policyKeys } from './config-schema.ts';

/** Names of branches a person may give: a safe part of git's own rule (git-check-ref-format), and nothing that reads like an option. */
const branchName = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_./+-]*$/, 'letters, digits and _ . / + - are allowed, the first a letter, digit or _')
  .refine((name) => !/\.\.|\/\/|\/\.|\.lock(?:\/|$)|[./]$/.test(name), 'not a valid branch name');

const policyMask = Object.fromEntries(policyKeys.map((key) => [key, true])) as Record<
  (typeof policyKeys)[number],
  true
>;

/** How the host reaches a remote: a secret itself never stands here, only where it is found. */
const gitCredentials = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('deploy_key'),
    key_file: z.string().startsWith('/', 'an absolute path is expected'),
  }),
  z.strictObject({
    type: z.literal('token'),
    token: z
      .string()
      .regex(/^\$\{[A-Za-z_][A-Za-z0-9_]*\}$/, 'a reference such as ${GIT_TOKEN} is expected, never the token itself'),
  }),
  z.strictObject({ type: z.literal('ssh_agent') }),
]);

/** One project of `workspaces/projects.json` (DESIGN §8): exactly one of `git_url` and `path`. */
export const projectSchema = z
  .strictObject({
    id: slug,
    name: z.string().min(1).max(200),
    git_url: z.string().min(1).max(2048).optional(),
    /** Absolute folder of a repository on this machine. */
    path: z.string().startsWith('/', 'an absolute path is expected').optional(),
    default_branch: branchName,
    /** Where runs start and pull requests aim. */
    integration_branch: branchName,
    git_credentials: gitCredentials.optional(),
    forge: z.literal('local').default('local'),
    /** Container image with the project's tools, one the engine has. */
    image: z.string().min(1).max(512).optional(),
    /** Where `image` is absent: workers are made from what the repository's devcontainer.json describes. */
    devcontainer: z.boolean().optional(),
    /** The project's own checks, run for every task besides the task's. */
    verify: z.array(z.string().min(1).max(4096)).max(20).optional(),
    /** Carries out the tasks that name neither an agent nor a command; `coder` where absent. */
    agent: slug.optional(),
    /** What differs from the company's configuration for runs of this project. */
    policy: configSchema.pick(policyMask).partial().optional(),
  })
  .refine((project) => (project.git_url === undefined) !== (project.path === undefined), {
    path: ['git_url'],
    message: 'exactly one of git_url and path is expected',
  });
export type Project = z.infer<typeof projectSchema>;

export const registrySchema = z.strictObject({ version: z.literal(1).default(1), projects: z.array(projectSchema) });
