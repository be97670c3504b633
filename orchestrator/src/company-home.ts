/** Where everything of one company lies (DESIGN §2). */
export interface CompanyHome {
  readonly root: string;
  readonly configFile: string;
  readonly instanceFile: string;
  readonly lockFile: string;
  readonly busFolder: string;
  readonly readModelFile: string;
  readonly runsFolder: string;
  readonly projectsFile: string;
  readonly mirrorsFolder: string;
  readonly vaultsFolder: string;
  readonly quarantineFolder: string;
  readonly bundlesFolder: string;
  readonly forgeFolder: string;
}
