import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { scriptedDoor, type ScriptedDoor } from '../testing/scripted-door.ts';
import { agentOf, workingCopy, type WorkingCopy } from '../testing/working-copy.ts';
import { agentPrompt } from './agent-prompt.ts';
import { WorkSoFar } from './work-so-far.ts';

const files = { 'a.txt': 'one\n', 'b.txt': 'b\n' };

function begin(copy: WorkingCopy, door: ScriptedDoor, resume: boolean): Promise<WorkSoFar> {
  return WorkSoFar.begin(copy.order, agentOf({ runtime: 'codex' }, resume), copy.around(door.client));
}

/** What the host holds, as a patch; null: nothing. */
function leftOn({ checkpoint }: ScriptedDoor): string | null {
  if (checkpoint === null) return null;
  const { patch } = JSON.parse(checkpoint.toString()) as { readonly patch: string };
  return Buffer.from(patch, 'base64').toString();
}

function promptOf(copy: WorkingCopy, { restored }: WorkSoFar): string {
  return agentPrompt(copy.order, agentOf({ runtime: 'codex' }), { notes: [], restored });
}

describe('the work of a code agent so far', () => {
  it('C29 is left whenever it changed, new files too, and is in place for the next attempt, which is told', async () => {
    const door = await scriptedDoor([]);
    const copy = workingCopy(files);
    const first = await begin(copy, door, false);
    await first.save();
    expect([door.checkpoint, first.restored]).toEqual([null, null]);
    writeFileSync(join(copy.folder, 'a.txt'), 'two\n');
    rmSync(join(copy.folder, 'b.txt'));
    writeFileSync(join(copy.folder, 'new.bin'), Buffer.from([0, 255, 10]));
    await first.save();
    const left = door.checkpoint;
    expect(leftOn(door)).toContain('+two');
    door.checkpoint = null;
    await first.save();
    await first.saveLast();
    // What the host holds already is not sent again.
    expect(door.checkpoint).toBeNull();

    door.checkpoint = left;
    const again = workingCopy(files);
    const second = await begin(again, door, true);
    expect(second.restored).toBe('in place');
    expect(readFileSync(join(again.folder, 'a.txt'), 'utf8')).toBe('two\n');
    expect([...readFileSync(join(again.folder, 'new.bin'))]).toEqual([0, 255, 10]);
    expect(() => readFileSync(join(again.folder, 'b.txt'))).toThrow('ENOENT');
    expect(promptOf(again, second)).toContain('Its changes are in the working copy, not committed.');
    expect(promptOf(copy, first)).not.toContain('An earlier attempt');
    // What it takes back is left as well.
    for (const [name, content] of Object.entries(files)) writeFileSync(join(again.folder, name), content);
    rmSync(join(again.folder, 'new.bin'));
    await second.save();
    expect(leftOn(door)).toBe('');
  });

  it('C29 is not in place where the files have changed too much, or were not kept, and the agent is told that', async () => {
    const door = await scriptedDoor([]);
    const copy = workingCopy(files);
    const first = await begin(copy, door, false);
    writeFileSync(join(copy.folder, 'a.txt'), 'two\n');
    await first.saveLast();
    const moved = workingCopy({ 'a.txt': 'another\n' });
    const second = await begin(moved, door, true);
    expect(second.restored).toBe('do not fit');
    expect(readFileSync(join(moved.folder, 'a.txt'), 'utf8')).toBe('another\n');
    expect(promptOf(moved, second)).toContain('no longer fit: begin anew');
    for (const useless of ['{"version":1,"patch":null}', 'rubbish']) {
      door.checkpoint = Buffer.from(useless);
      expect((await begin(workingCopy(files), door, true)).restored).toBe('not kept');
    }
  });

  it('C28 that begins anew leaves even nothing, so that nothing older is found after it', async () => {
    const door = await scriptedDoor([]);
    const fresh = await begin(workingCopy(files), door, false);
    await fresh.saveLast();
    expect(leftOn(door)).toBe('');
    const copy = workingCopy(files);
    const next = await begin(copy, door, true);
    expect([next.restored, promptOf(copy, next).includes('An earlier attempt')]).toEqual([null, false]);
  });
});
