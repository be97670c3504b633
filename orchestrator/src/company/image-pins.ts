/** Under what a run keeps the id of an image: the same name may stand for another image on another machine. */
export function imagePinKey(instance: string, reference: string): string {
  return `${instance} ${reference}`;
}
