import { chmod, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openBus } from '@agentcompany/agent-bus';
import { failure, newId, success, type Envelope, type PayloadOf, type Result } from '@agentcompany/protocol';
import { initHome, type CompanyHome } from '../../company-home.ts';
import { makeTemporaryFolder } from '../../temporary-folder.ts';
import type { Config } from '../../config.ts';
import { createReplaySource } from '../../git/replay-source.ts';
import { busOptions } from '../../home-bus.ts';
import { addProject } from '../../projects.ts';
import { facadeErrors } from '../errors.ts';
import type { RecordedRun } from './recorded-run.ts';

/** A company of its own in which a run is carried out again. */
export interface ReplayPlace {
  readonly folder: string;
  readonly home: CompanyHome;
  readonly config: Config;
  readonly runId: string;
  /** Removes it, unless it is to be kept. */
  readonly dispose: () => Promise<void>;
}

/**
 * Makes a fresh home whose project stands where the recorded run began, and puts the run's instruction on record there. Errors:
 * `AC_REPLAY_FOLDER`, those of git and of the bus.
 */
export async function prepareReplay(
  recorded: RecordedRun,
  options: { readonly keep: string | null; readonly mirrorFolder: string; readonly config: Config },
): Promise<Result<ReplayPlace>> {
  const { keep, mirrorFolder } = options;
  const folder = await makePlace(keep);
  if (!folder.ok) return folder;
  const dispose = async (): Promise<void> => {
    if (keep === null) await rm(folder.value, { recursive: true, force: true });
  };
  // A store of its own whatever the company uses, and all work on this machine.
  const config: Config = { ...options.config, message_queue: 'sqlite', local_workers: true };
  const filled = await fill(folder.value, recorded, mirrorFolder, config);
  if (filled.ok) return success({ ...filled.value, folder: folder.value, config, dispose });
  await dispose();
  return filled;
}

async function makePlace(keep: string | null): Promise<Result<string>> {
  try {
    const folder = keep ?? (await makeTemporaryFolder('replay'));
    if (keep !== null) {
      await mkdir(dirname(keep), { recursive: true });
      await mkdir(keep);
    }
    // Workers of another user have to get to the mirror inside.
    await chmod(folder, 0o711);
    return success(folder);
  } catch (cause) {
    return failure(facadeErrors.AC_REPLAY_FOLDER({ folder: keep ?? tmpdir() }, cause));
  }
}

async function fill(
  folder: string,
  { submission, baseOid }: RecordedRun,
  mirrorFolder: string,
  config: Config,
): Promise<Result<Pick<ReplayPlace, 'home' | 'runId'>>> {
  const { project_id: id, settings } = submission;
  const home = initHome(join(folder, 'home'));
  if (!home.ok) return home;
  const source = join(folder, 'project.git');
  const { default_branch: defaultBranch, integration_branch: integrationBranch } = settings;
  const branches = [defaultBranch, integrationBranch];
  const created = await createReplaySource({ folder: source, mirrorFolder, oid: baseOid, branches });
  if (!created.ok) return created;
  const added = addProject(home.value, { id, path: source, cwd: folder, defaultBranch, integrationBranch });
  if (!added.ok) return added;
  const runId = await submit(home.value, config, submission);
  return runId.ok ? success({ home: home.value, runId: runId.value }) : runId;
}

/** The instruction with all that was promised then, not with what this company would promise now. */
async function submit(home: CompanyHome, config: Config, payload: PayloadOf<'task_submit'>): Promise<Result<string>> {
  const store = busOptions(home, config);
  if (!store.ok) return store;
  const bus = await openBus(store.value);
  if (!bus.ok) return bus;
  const id = newId();
  const envelope: Envelope = {
    version: '1',
    id,
    sender: 'president',
    recipient: 'engine',
    envelope_type: 'task_submit',
    payload,
    context: { run_id: id },
    inReplyTo: null,
    created_at: new Date().toISOString(),
  };
  const sent = await bus.value.send([{ envelope }]);
  await bus.value.close();
  return sent.ok ? success(id) : sent;
}
