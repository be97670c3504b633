export class Projector {
  close(): void {}
}
