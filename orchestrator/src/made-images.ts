import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { replaceFile } from './durable-file.ts';

const record = z.object({
  version: z.literal(1),
  images: z.array(z.object({ reference: z.string(), id: z.string() })),
});
export type MadeImage = z.infer<typeof record>['images'][number];

const recordFile = (installation: string): string => path.join(installation, '.cache', 'images-made.json');

/** The images that this installation has made and not removed, set-up's worker images among them; none where there is no record. */
export async function madeImages(installation: string): Promise<readonly MadeImage[]> {
  try {
    return record.parse(JSON.parse(await readFile(recordFile(installation), 'utf8'))).images;
  } catch {
    return [];
  }
}

/** Puts an image on record as made here, durably. Throws what the file system throws. */
export async function recordMadeImage(installation: string, image: MadeImage): Promise<void> {
  await replace(installation, (images) => [...images.filter((other) => !isSame(other, image)), image]);
}

/** Takes one off the record that is gone. Throws what the file system throws. */
export async function forgetMadeImage(installation: string, image: MadeImage): Promise<void> {
  await replace(installation, (images) => images.filter((other) => !isSame(other, image)));
}

/** The same name may stand for another image on another engine of this machine. */
function isSame(one: MadeImage, other: MadeImage): boolean {
  return one.reference === other.reference && one.id === other.id;
}

async function replace(
  installation: string,
  change: (images: readonly MadeImage[]) => readonly MadeImage[],
): Promise<void> {
  const images = change(await madeImages(installation));
  replaceFile(recordFile(installation), `${JSON.stringify({ version: 1, images }, null, 2)}\n`);
}
